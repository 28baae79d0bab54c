//! What the benches measure by.

/// CPU seconds of this thread: equal to wall seconds on an idle machine, and honest on a busy one.
pub fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells a thread's CPU time");
    let nanos = text.split(' ').next().and_then(|word| word.parse::<u64>().ok());
    nanos.expect("the first word is nanoseconds") as f64 / 1e9
}
