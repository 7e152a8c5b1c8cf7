#![no_main]
//! See [`marionette_fuzz::coco`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    marionette_fuzz::coco(bytes);
});
