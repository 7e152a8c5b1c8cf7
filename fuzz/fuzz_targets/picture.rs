#![no_main]
//! See [`marionette_fuzz::picture`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    marionette_fuzz::picture(bytes);
});
