#![no_main]
//! See [`marionette_fuzz::metrics`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    marionette_fuzz::metrics(bytes);
});
