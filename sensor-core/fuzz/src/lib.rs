//! What the fuzz targets do with their input. The tests `fuzz_corpus` of the sensor's crates take the same modules
//! in and replay the committed corpus, without a fuzzer.

pub mod applayer;
pub mod capture_file;
pub mod decode;
pub mod defrag;
pub mod detection;
pub mod discovery;
pub mod engine;
pub mod frames;
pub mod input;
pub mod link;
pub mod probing;
pub mod reassembly;
pub mod rules;
pub mod wire;
