//! See `fuzz::v2_routes`.
#![no_main]
#![allow(unsafe_code)]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::v2_routes(data));
