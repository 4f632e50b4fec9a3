//! Runs the targets with drawn edits of the corpus, and prints what ran.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aep_flow_fuzz::run::{self, FailedInput, RunSummary, Until};
use aep_flow_fuzz::targets::{self, TARGETS, Target};
use anyhow::Context as _;
use clap::Parser;

/// Gives every reader hostile input.
#[derive(Debug, Parser)]
#[command(name = "aep-flow-fuzz")]
struct Options {
    /// Which targets. Default: all of them.
    targets: Vec<String>,
    /// How long each runs.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How many inputs each gets, instead of a time.
    #[arg(long, conflicts_with = "seconds")]
    executions: Option<u64>,
    /// The seed of the drawn inputs. Default: from the clock; it is printed.
    #[arg(long)]
    seed: Option<u64>,
    /// Runs this one input alone, such as one that failed.
    #[arg(long, requires = "targets")]
    input: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let chosen = chosen(&options.targets)?;
    if let Some(path) = &options.input {
        let input = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        for target in chosen {
            run::one(target, &input)?;
        }
        say("it passes");
        return Ok(());
    }
    let seed = options.seed.unwrap_or_else(from_the_clock);
    let until = match options.executions {
        Some(most) => Until::Executions(most),
        None => Until::Time(Duration::from_secs_f64(options.seconds)),
    };
    say(&format!("seed {seed}"));
    say(&format!(
        "{:<20} {:>10} {:>8} {:>6}",
        "target", "executions", "seconds", "corpus"
    ));
    let waiting = Mutex::new(chosen.into_iter());
    let next = || {
        waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next()
    };
    let failures = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(target) = next() {
                    if !passes(target, until, seed) {
                        failures.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner();
    anyhow::ensure!(failures == 0, "{failures} targets failed");
    Ok(())
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<Target>> {
    if names.is_empty() {
        return Ok(TARGETS.to_vec());
    }
    names
        .iter()
        .map(|name| targets::named(name).with_context(|| format!("no target `{name}`")))
        .collect()
}

/// Runs one target and prints what it did.
fn passes(target: Target, until: Until, seed: u64) -> bool {
    let name = target.name;
    match run::target(target, until, seed) {
        Ok(RunSummary {
            executions,
            time,
            seeds,
        }) => {
            let seconds = time.as_secs_f64();
            say(&format!(
                "{name:<20} {executions:>10} {seconds:>8.1} {seeds:>6}"
            ));
            true
        }
        Err(error) => {
            say(&failure(target, seed, &error));
            false
        }
    }
}

/// What failed, and how to run it again; one text, since other targets print at the same time.
fn failure(target: Target, seed: u64, error: &anyhow::Error) -> String {
    let name = target.name;
    let failure = format!("{name:<20} FAILED with seed {seed}: {error:#}");
    let Some(failed) = error.downcast_ref::<FailedInput>() else {
        return failure;
    };
    let again = match run::keep(target, failed) {
        Ok(path) => format!(
            "again: cargo run -p aep-flow-fuzz -- {name} --input {}",
            path.display()
        ),
        Err(error) => format!("the input could not be kept: {error:#}"),
    };
    let input: String = String::from_utf8_lossy(&failed.input)
        .escape_debug()
        .take(400)
        .collect();
    format!("{failure}\n{:<20} {again}\n{:<20} {input}", "", "")
}

fn from_the_clock() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[expect(
    clippy::print_stdout,
    reason = "what ran is what this program is asked for"
)]
fn say(line: &str) {
    println!("{line}");
}
