//! The Rust tests that reports print: pasted here, they compile and end as they should.

include!("rust_test/under_a_deviation.rs");
include!("rust_test/by_the_book.rs");

mod printed {
    use kernel_core::{Deviation, Semantics};
    use sim::explore::rust_test::rust_test;
    use sim::scenario::Flavor;
    use sim::world::Options;

    const PLAN: &str = "kill alice.os #16 subject:demo:alice.os; kill alice.os #42 silent:demo:alice.os";

    #[test]
    fn what_is_pasted_is_what_a_report_prints() {
        let scenario = scenarios::all().into_iter().find(|scenario| scenario.name == "down-restart");
        let (scenario, plan) = (scenario.expect("there is such a scenario").name, PLAN.parse().expect("it is a plan"));
        let deviating = Options { semantics: Some(Semantics::book().with(Deviation::D6)), ..Options::native() };
        let printed = rust_test(&scenario, &plan, &deviating, "K2", "scenarios::all()");
        assert_eq!(printed, include_str!("rust_test/under_a_deviation.rs"), "{printed}");
        let book = Options { flavor: Flavor::Wasm, ..Options::default() };
        let printed = rust_test(&scenario, &plan, &book, "X.down.Restart", "scenarios::all()");
        assert_eq!(printed, include_str!("rust_test/by_the_book.rs"), "{printed}");
    }
}
