//! Guests by the ABI: what a Wasm program may say to its host, and what the host answers.

mod bindgen;
mod lies;
mod lift;
mod load;
mod lower;
mod odd;
mod values;
mod wasi;
mod wasm;
