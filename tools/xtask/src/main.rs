//! Chores of the repository that are more than a line of shell.
//!
//! `cargo run -p xtask -- histories` records the workflow histories that the tests replay;
//! `cargo run -p xtask -- tidy` holds the tree against the house rules;
//! `cargo run -p xtask -- deny` and `sbom` check and list the dependencies;
//! `cargo run -p xtask -- fuzz` gives every reader hostile input;
//! `cargo run -p xtask -- mutants` shows that each guard has a test that needs it.

mod fuzz;
#[cfg(feature = "histories")]
mod histories;
mod mutants;
mod supply_chain;
mod tidy;
mod tools;

use std::path::Path;

use clap::Parser;

/// What to do.
#[derive(Debug, Parser)]
#[command(name = "xtask")]
enum Chore {
    /// Record the workflow histories in `tests/histories` again, with today's workflows.
    ///
    /// A recorded history is never edited. Record again only if a changed workflow need not
    /// continue running workflows, and say so in the commit.
    #[cfg(feature = "histories")]
    Histories {
        /// Which cases. Default: all of them.
        cases: Vec<String>,
    },
    /// Check what no compiler checks: which crates depend on which, what workflow code can
    /// reach, and that every crate documents its purpose.
    Tidy,
    /// Check licences, sources and duplicate crates by deny.toml.
    Deny {
        /// Check advisories too; downloads their database from its git repository.
        #[arg(long)]
        advisories: bool,
    },
    /// Write the programs' bills of materials (CycloneDX) into target/sbom.
    Sbom,
    /// Give every reader hostile input under libFuzzer; print what ran.
    Fuzz(fuzz::Options),
    /// Remove each guard and check that a test fails; write docs/mutation-proof.md.
    Mutants(mutants::Options),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    match Chore::parse() {
        #[cfg(feature = "histories")]
        Chore::Histories { cases } => {
            tokio::task::LocalSet::new()
                .run_until(histories::record(&root, &cases))
                .await
        }
        Chore::Deny { advisories } => supply_chain::deny(&root, advisories),
        Chore::Sbom => supply_chain::sbom(&root),
        Chore::Fuzz(options) => fuzz::run(&root, &options),
        Chore::Tidy => tidy::check(&root),
        Chore::Mutants(options) => mutants::prove(&root, &options),
    }
}

/// Reports on the terminal what a chore does.
#[expect(clippy::print_stderr, reason = "a chore reports to the terminal")]
fn note(line: &str) {
    eprintln!("{line}");
}
