#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| inq_fuzz::preferences::check(bytes));
