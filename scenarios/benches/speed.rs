//! How fast runs are. One line of JSON per row, in the keys of the rivals' programs beside this; rates are per CPU-second
//! of the one thread that runs. Trace, invariants and coverage are on, except where a row says `"watched":false`.
//!
//! ```text
//! cargo bench -p kinode-sim --bench speed
//! cargo bench -p kinode-sim --bench speed -- messages restarts runs storage growth
//! ```

mod clock;
mod rows;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if let Err(problem) = rows::print(&asked) {
        eprintln!("{problem}");
        std::process::exit(2);
    }
}
