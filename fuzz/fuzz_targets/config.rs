#![no_main]
//! See [`marionette_fuzz::config`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    marionette_fuzz::config(bytes);
});
