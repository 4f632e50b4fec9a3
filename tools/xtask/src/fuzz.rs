//! `cargo xtask fuzz`: the fuzz targets under libFuzzer, which follows coverage.
//!
//! It needs only stable Rust: `tools/fuzz/instrument.sh` wraps rustc and adds LLVM's instrumentation to the
//! crates of this repository. libFuzzer itself is C++ and is compiled at the first use.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};

use crate::note;

/// How long one input may take, in seconds, before that is a failure.
const LONGEST_INPUT: u32 = 5;

/// Memory that a target may take, in MiB.
const MOST_MEMORY: u32 = 1024;

/// Which targets, and how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Which targets. Default: all of them, one after the other.
    targets: Vec<String>,
    /// How long each runs.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Builds the targets, runs them and prints what ran.
pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    let targets = if options.targets.is_empty() {
        all(root)?
    } else {
        options.targets.clone()
    };
    let program = build(root)?;
    // libFuzzer's finds accumulate there; a person chooses which ones to commit.
    let work = program.with_file_name("fuzz-corpus");
    let mut table = format!(
        "{:<20} {:>10} {:>8} {:>7} {:>9} {:>8}\n",
        "target", "executions", "seconds", "corpus", "edges", "MiB"
    );
    let mut failed = Vec::new();
    for target in &targets {
        note(&format!("{target}: {} s", options.seconds));
        let ran = one(root, &program, &work, target, options.seconds)?;
        writeln!(
            table,
            "{target:<20} {:>10} {:>8} {:>7} {:>9} {:>8}{}",
            ran.executions,
            ran.seconds,
            ran.corpus,
            ran.edges,
            ran.memory,
            if ran.passed { "" } else { "  FAILED" }
        )?;
        if !ran.passed {
            failed.push(target.as_str());
        }
    }
    note(&table);
    if failed.is_empty() {
        return Ok(());
    }
    bail!(
        "failed: {}; the inputs are in {}, to be run by `cargo run -p aep-flow-fuzz -- TARGET --input FILE`",
        failed.join(", "),
        work.display()
    )
}

/// The targets, which are the names of the folders of the corpus; a test of theirs checks that.
fn all(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = std::fs::read_dir(root.join("tools/fuzz/corpus"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let output = Command::new("cargo")
        .current_dir(root)
        .args(["build", "--locked", "--package", "aep-flow-fuzz"])
        .args(["--features", "guided", "--bin", "guided"])
        .args(["--message-format", "json-render-diagnostics"])
        .env(
            "RUSTC_WORKSPACE_WRAPPER",
            root.join("tools/fuzz/instrument.sh"),
        )
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("run cargo")?;
    if !output.status.success() {
        bail!("the targets were not built; libFuzzer needs a C++ compiler (apt-get install g++)");
    }
    String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find_map(|message| {
            let program = message["executable"].as_str()?;
            (message["target"]["name"] == "guided").then(|| PathBuf::from(program))
        })
        .context("cargo named no program")
}

struct Ran {
    executions: String,
    seconds: String,
    corpus: String,
    edges: String,
    memory: String,
    passed: bool,
}

fn one(
    root: &Path,
    program: &Path,
    work: &Path,
    target: &str,
    seconds: u32,
) -> anyhow::Result<Ran> {
    let found = work.join(target);
    std::fs::create_dir_all(&found)?;
    let begun = std::time::Instant::now();
    let output = Command::new(program)
        .current_dir(root)
        .env("FUZZ_TARGET", target)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={LONGEST_INPUT}"))
        .arg(format!("-rss_limit_mb={MOST_MEMORY}"))
        .arg(format!(
            "-artifact_prefix={}/failed-{target}-",
            work.display()
        ))
        .arg("-print_final_stats=1")
        .arg(&found)
        .arg(root.join("tools/fuzz/corpus").join(target))
        .output()
        .context("run the targets")?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let end: Vec<&str> = log.lines().rev().take(40).collect();
        for line in end.iter().rev() {
            note(line);
        }
    }
    let last = |mark: &str| -> String {
        log.lines()
            .rev()
            .find_map(|line| line.split_once(mark)?.1.split_whitespace().next())
            .unwrap_or("?")
            .split('/')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    Ok(Ran {
        executions: last("stat::number_of_executed_units:"),
        seconds: begun.elapsed().as_secs().to_string(),
        corpus: last(" corp: "),
        edges: last(" cov: "),
        memory: last("stat::peak_rss_mb:"),
        passed: output.status.success(),
    })
}
