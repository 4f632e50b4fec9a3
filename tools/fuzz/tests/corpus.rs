//! Runs each target with its whole corpus, and with a few hundred edits of it.

use aep_flow_fuzz::corpus;
use aep_flow_fuzz::run::{self, Until};
use aep_flow_fuzz::targets::TARGETS;

#[test]
fn every_target_takes_its_corpus_and_edits_of_it() {
    for target in TARGETS {
        // These are the same on every run; `.ci/run` draws others for longer.
        if let Err(error) = run::target(*target, Until::Executions(500), 1) {
            panic!("{}: {error:#}", target.name);
        }
    }
}

#[test]
fn no_folder_of_the_corpus_is_without_a_target() {
    let folder = corpus::folder("");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(TARGETS.iter().any(|target| target.name == name), "{name}");
    }
}
