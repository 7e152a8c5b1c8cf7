#![no_main]
//! See [`marionette_fuzz::figure`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    marionette_fuzz::figure(bytes);
});
