//! All scenarios by the book: in both flavors, under plans that once broke something, and swept. What each tells is kept
//! in `snapshots/`.

mod corpus;
mod exported;
mod own_module;
mod parity;
mod regressions;
mod sweep;
mod told;
