//! See `fuzz::v1_routes`.
#![no_main]
#![allow(unsafe_code)]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::v1_routes(data));
