#![no_main]
//! See [`marionette_fuzz::sampler`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    marionette_fuzz::sampler(bytes);
});
