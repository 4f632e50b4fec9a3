//! Runs the campaign and prints its figures.
//!
//! `cargo run --release -p fault-campaign -- --runs 5000 --seed 1`. Ends with 1 if anything
//! is as it must not be, or if something rare never came up.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints a report"
)]

use std::{path::PathBuf, process::ExitCode, time::Instant};

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use fault_campaign::{
    oracle, real,
    scenario::{self, Fault, Scenario},
    sim,
    table::{self, Table},
};

/// Tries thousands of faults, crashes and callers, and counts what exists afterwards.
#[derive(Debug, Parser)]
#[command(name = "fault-campaign", version)]
struct Arguments {
    /// Runs in all, real ones among them.
    #[arg(long, default_value_t = 5000)]
    runs: u64,
    /// Where the draws come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of the first run.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Runs with a real server and real workers. Default: one in 25; none with `--only`,
    /// `--first` or `--beyond`.
    #[arg(long)]
    real: Option<u64>,
    /// Real runs at once: each has a worker's process or two, of 60 MB.
    #[arg(long, default_value_t = 24)]
    at_once: usize,
    /// A worker with debug assertions. Default: built for this.
    #[arg(long, value_name = "PATH")]
    worker: Option<PathBuf>,
    /// Only scenarios about this fault; others may be mixed in.
    #[arg(long)]
    only: Option<Fault>,
    /// Run one scenario, as it was printed, and tell what happens.
    #[arg(long, value_name = "SCENARIO")]
    replay: Option<String>,
    /// Run one real case, as it was printed.
    #[arg(long, value_name = "CASE")]
    replay_real: Option<String>,
    /// Draw three times further than what is promised; what goes wrong then is counted and
    /// no failure.
    #[arg(long)]
    beyond: bool,
    /// Failing runs to print.
    #[arg(long, default_value_t = 3)]
    print: usize,
    /// Kill a real worker so often at each point, and nothing else.
    #[arg(long, value_name = "TIMES")]
    crash_matrix: Option<u64>,
    /// Record one real run to be read, and nothing else.
    #[arg(long, value_name = "WHAT")]
    show: Option<Show>,
}

/// What can be shown.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Show {
    /// A create whose answer is lost, and which takes effect a minute later.
    LateCommit,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(text) = &arguments.replay {
        return replay(text);
    }
    if let Some(Show::LateCommit) = arguments.show {
        let ground = ground(&arguments).await?;
        for line in real::late_commit(&ground).await? {
            println!("{line}");
        }
        ground.stop().await?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::default();
    if let Some(cases) = only_real(&arguments)? {
        run_real(&arguments, cases, &mut table).await?;
        println!("{}", table::matrix(&table));
        return Ok(ExitCode::from(u8::from(table.all.is_bad())));
    }
    let is_part = arguments.only.is_some() || arguments.first > 0 || arguments.beyond;
    let share = if is_part { 0 } else { arguments.runs / 25 };
    let real = arguments.real.unwrap_or(share).min(arguments.runs);
    run_simulated(&arguments, arguments.runs - real, &mut table)?;
    if real > 0 {
        let cases = (0..real).map(|number| real::draw(arguments.seed, number));
        run_real(&arguments, cases.collect(), &mut table).await?;
    }
    println!("{table}");
    if arguments.beyond {
        return Ok(ExitCode::SUCCESS);
    }
    let never = table.never_seen();
    let is_whole = !is_part && arguments.runs >= 1000;
    if is_whole && !never.is_empty() {
        println!("never seen: {}", never.join("; "));
    }
    let fails = table.all.is_bad() || is_whole && !never.is_empty();
    Ok(ExitCode::from(u8::from(fails)))
}

fn only_real(arguments: &Arguments) -> anyhow::Result<Option<Vec<real::Case>>> {
    if let Some(text) = &arguments.replay_real {
        let case = serde_json::from_str(text).context("read the case")?;
        return Ok(Some(vec![case]));
    }
    Ok(arguments.crash_matrix.map(real::crash_matrix))
}

fn run_simulated(arguments: &Arguments, runs: u64, table: &mut Table) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut printed = 0;
    for number in arguments.first..arguments.first + runs {
        let scenario = scenario::draw(arguments.seed, number, arguments.only, arguments.beyond);
        let verdict = oracle::judged(&scenario);
        table.count(scenario.fault, &verdict);
        if verdict.is_bad() && printed < arguments.print {
            printed += 1;
            print_bad(arguments, number, &scenario)?;
        }
    }
    println!("{runs} simulated runs in {:.1?}", started.elapsed());
    Ok(())
}

async fn ground(arguments: &Arguments) -> anyhow::Result<real::Ground> {
    let worker = match &arguments.worker {
        // Each worker runs in a folder of its own.
        Some(path) => path
            .canonicalize()
            .with_context(|| format!("--worker {}", path.display()))?,
        None => {
            eprintln!("building the worker, with debug assertions: cargo build --bin aep-flow");
            real::build_worker()?
        }
    };
    real::Ground::start(real::Options {
        worker,
        at_once: arguments.at_once,
    })
    .await
}

async fn run_real(
    arguments: &Arguments,
    cases: Vec<real::Case>,
    table: &mut Table,
) -> anyhow::Result<()> {
    let ground = ground(arguments).await?;
    let started = Instant::now();
    let all = cases.len();
    let mut done = 0;
    let count = |case: &real::Case, verdict: &oracle::Verdict| {
        done += 1;
        real::count(table, case, verdict);
        if verdict.is_bad() {
            println!("a real run goes wrong: {}", verdict.reasons.join("; "));
            println!(
                "  cargo run --release -p fault-campaign -- --replay-real '{}'",
                serde_json::to_string(case).unwrap_or_default()
            );
        } else if done % 20 == 0 {
            eprintln!("{done} of {all} real runs after {:.0?}", started.elapsed());
        }
    };
    ground.run(cases, count).await;
    println!("{all} real runs in {:.1?}", started.elapsed());
    ground.stop().await
}

fn print_bad(arguments: &Arguments, number: u64, scenario: &Scenario) -> anyhow::Result<()> {
    let small = scenario::shrink(scenario, |each| oracle::judged(each).is_bad());
    let only = arguments.only.map_or_else(String::new, |fault| {
        format!(" --only {}", table::label(fault))
    });
    println!(
        "\nrun {number} goes wrong: {}",
        oracle::judged(scenario).reasons.join("; ")
    );
    println!(
        "  again:  cargo run --release -p fault-campaign -- --seed {} --first {number} --runs 1 --real 0{only}",
        arguments.seed
    );
    println!("  smallest: {}", oracle::judged(&small).reasons.join("; "));
    println!(
        "  cargo run --release -p fault-campaign -- --replay '{}'\n",
        serde_json::to_string(&small)?
    );
    Ok(())
}

fn replay(text: &str) -> anyhow::Result<ExitCode> {
    let scenario: Scenario = serde_json::from_str(text).context("read the scenario")?;
    let run = sim::run(&scenario, true);
    for line in &run.told {
        println!("{line}");
    }
    println!("\nwhat exists:");
    for thing in run.platform.things.iter().filter(|each| each.exists()) {
        println!(
            "  {} of {:?}, made at {} ms",
            thing.id, thing.maker, thing.made
        );
    }
    println!("what the callers were told:");
    for (number, end) in run.ends.iter().enumerate() {
        println!("  caller {number}: {end:?}");
    }
    let verdict = oracle::judge(&scenario, &run);
    for reason in &verdict.reasons {
        eprintln!("wrong: {reason}");
    }
    Ok(ExitCode::from(u8::from(verdict.is_bad())))
}
