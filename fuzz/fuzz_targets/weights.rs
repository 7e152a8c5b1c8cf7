#![no_main]
//! See [`marionette_fuzz::weights`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    marionette_fuzz::weights(bytes);
});
