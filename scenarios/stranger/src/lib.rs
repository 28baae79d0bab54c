//! A counter, a scenario, an invariant of its own and a property.
use sim::prelude::*;

async fn counter(os: Os) {
    let mut count = os.get_state().await.map_or(0, |state| state[0]);
    loop {
        if os.receive().await.request().is_some() {
            count += 1;
            os.set_state([count].as_slice()).await;
            os.print(0, &count.to_string());
        }
    }
}

#[derive(Clone)]
struct CountsOnce(u32);

impl Invariant for CountsOnce {
    fn claim(&self) -> Claim {
        Claim::own("counts-once", "no count is printed twice")
    }
    fn reads(&self) -> &'static [Kind] {
        &[Kind::Printed]
    }
    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, _: &Names) -> Result<(), String> {
        let What::Printed(_, _, text) = &event.what else { return Ok(()) };
        let count = text.parse().map_err(|_| format!("`{text}` is no count"))?;
        if count <= self.0 { Err(format!("{count} after {}", self.0)) } else { Ok(self.0 = count) }
    }
}

pub fn scenarios() -> Vec<Scenario> {
    let it = on("alice.os", "counter:demo:alice.os");
    let counting = Scenario::new("counting", "a counter counts on").programs([Program::native("counter", counter)]);
    let counting = counting.setup(start(it.runs("counter").restarting())).holding(|| Box::new(CountsOnce(0)));
    vec![counting.every(secs(1), 3, tell(&it, "one"))]
}
