#![no_main]

use std::alloc::System;

use cap::Cap;

/// Counts what is allocated.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

libfuzzer_sys::fuzz_target!(|data: &[u8]| sensor_fuzz::rules::run_in(data, || ALLOCATOR.allocated()));
