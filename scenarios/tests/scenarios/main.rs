//! All scenarios by the book: what they tell, in both flavors, under plans that once broke something, and swept.

mod corpus;
mod exported;
mod own_module;
mod parity;
mod regressions;
mod sweep;
mod telling;
mod told;
