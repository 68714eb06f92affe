#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| inq_fuzz::event::check(bytes));
