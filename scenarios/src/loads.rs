//! Scenarios of any size, for the benches and for the tests that count what they cost. None of them is explored.

pub mod messages;
pub mod restarts;
pub mod storage;
