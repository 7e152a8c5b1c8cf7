#![no_main]
//! See [`marionette_fuzz::scene`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    marionette_fuzz::scene(bytes);
});
