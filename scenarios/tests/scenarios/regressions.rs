//! Plans that once broke a rule, in `regressions/`: each still does what its file says.

use sim::explore::regression::Regression;
use sim::guest::image::Loader;
use std::path::Path;

#[test]
fn what_once_broke_is_as_its_file_says() {
    let (mut scenarios, loader) = (scenarios::all(), Loader::default());
    scenarios.push(scenarios::generated());
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/regressions"));
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "plan"));
    files.sort();
    assert!(files.len() >= 20, "{} plans", files.len());
    let mut wrong = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).expect("a plan can be read");
        let kept = text.parse().and_then(|kept: Regression| {
            let scenario = scenarios.iter().find(|scenario| scenario.name == kept.scenario);
            let scenario = scenario.ok_or_else(|| format!("no scenario is called {}", kept.scenario))?;
            kept.play(scenario, &loader)
        });
        match kept {
            Ok(kept) => {
                let drift = kept.drift.map(|line| format!("{} has drifted at {line}", file.display()));
                drift.into_iter().for_each(|drift| println!("{drift}"));
            }
            Err(error) => wrong.push(format!("{}: {error}", file.display())),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
