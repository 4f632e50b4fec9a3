//! The engine for every machine: it runs the corpus, then edits of it that are drawn from a seed.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestRng, TestRunner};

use crate::corpus;
use crate::edits;
use crate::targets::Target;

/// How many times a failing input is simplified at most.
const SHRINKS: u32 = 2000;

/// When to stop a target.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// After this many inputs.
    Executions(u64),
    /// After this time.
    Time(Duration),
}

/// What a run did.
#[derive(Debug, Clone)]
pub struct RunSummary {
    /// Inputs that the target was given.
    pub executions: u64,
    /// How long it took.
    pub time: Duration,
    /// Files of the corpus.
    pub seeds: usize,
}

/// An input that a target failed with.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct FailedInput {
    /// The panic's message.
    pub message: String,
    /// The input, simplified as far as possible.
    pub input: Vec<u8>,
}

/// Runs one target.
///
/// # Errors
/// [`FailedInput`] for the first input it fails with; another error if the corpus can't be read.
pub fn target(target: Target, until: Until, seed: u64) -> anyhow::Result<RunSummary> {
    let begun = Instant::now();
    let seeds = corpus::seeds(target.name)?;
    let mut executions = 0;
    for each in &seeds {
        executions += 1;
        one(target, &each.bytes).with_context(|| format!("the seed {}", each.path.display()))?;
    }
    let bytes: Vec<&[u8]> = seeds.iter().map(|seed| seed.bytes.as_slice()).collect();
    let mut runner = TestRunner::new_with_rng(
        Config {
            rng_seed: RngSeed::Fixed(seed),
            failure_persistence: None,
            ..Config::default()
        },
        TestRng::from_seed(RngAlgorithm::ChaCha, &widened(target.name, seed)),
    );
    let plans = edits::plan();
    loop {
        let is_done = match until {
            Until::Executions(most) => executions >= most,
            Until::Time(longest) => begun.elapsed() >= longest,
        };
        if is_done {
            return Ok(RunSummary {
                executions,
                time: begun.elapsed(),
                seeds: seeds.len(),
            });
        }
        let mut tree = plans
            .new_tree(&mut runner)
            .map_err(|reason| anyhow::anyhow!("no input could be drawn: {reason}"))?;
        executions += 1;
        let Err(mut failed) = one(target, &edits::apply(&bytes, &tree.current())) else {
            continue;
        };
        let mut is_failing = true;
        for _ in 0..SHRINKS {
            let simpler = if is_failing {
                tree.simplify()
            } else {
                tree.complicate()
            };
            if !simpler {
                break;
            }
            match one(target, &edits::apply(&bytes, &tree.current())) {
                Ok(()) => is_failing = false,
                Err(again) => {
                    is_failing = true;
                    failed = again;
                }
            }
        }
        return Err(failed.into());
    }
}

/// Gives a target one input.
///
/// # Errors
/// The target failed with it.
pub fn one(target: Target, input: &[u8]) -> Result<(), FailedInput> {
    thread_local! {
        static SAID: Cell<Option<String>> = const { Cell::new(None) };
    }
    static QUIET: std::sync::Once = std::sync::Once::new();
    // A panic that is caught here is recorded with its place in the code. The usual hook handles
    // all others.
    QUIET.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if RUNNING.get() {
                SAID.set(Some(info.to_string()));
            } else {
                usual(info);
            }
        }));
    });
    RUNNING.set(true);
    let result = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    RUNNING.set(false);
    result.map_err(|_| FailedInput {
        message: SAID.take().unwrap_or_default(),
        input: input.to_vec(),
    })
}

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Writes a failing input to a temporary file, so that it can be run again.
///
/// # Errors
/// The file can't be written.
pub fn keep(target: Target, failed: &FailedInput) -> anyhow::Result<PathBuf> {
    let folder = std::env::temp_dir().join("aep-flow-fuzz");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{}-{}", target.name, failed.input.len()));
    std::fs::write(&path, &failed.input)?;
    Ok(path)
}

/// Derives a seed for each target, so that two targets don't draw the same plans.
fn widened(name: &str, seed: u64) -> [u8; 32] {
    let mut wide = [0; 32];
    wide[..8].copy_from_slice(&seed.to_le_bytes());
    for (place, byte) in wide[8..].iter_mut().zip(name.bytes()) {
        *place = byte;
    }
    wide
}
