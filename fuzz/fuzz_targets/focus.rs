#![no_main]
//! See [`marionette_fuzz::focus`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    marionette_fuzz::focus(bytes);
});
