//! See `fuzz::merge_patch`.
#![no_main]
#![allow(unsafe_code)]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::merge_patch(data));
