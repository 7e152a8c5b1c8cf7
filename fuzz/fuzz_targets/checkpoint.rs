#![no_main]
//! See [`marionette_fuzz::checkpoint`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    marionette_fuzz::checkpoint(bytes);
});
