#![no_main]
//! See [`marionette_fuzz::hand`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    marionette_fuzz::hand(bytes);
});
