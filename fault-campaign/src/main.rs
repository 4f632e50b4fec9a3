//! Runs the campaign and prints its figures.
//!
//! `cargo run --release -p fault-campaign -- --runs 5000 --seed 1`. Ends with 1 if anything
//! is as it must not be, or if something rare never came up.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints a report"
)]

use std::{process::ExitCode, time::Instant};

use anyhow::Context as _;
use clap::Parser;
use fault_campaign::{
    oracle,
    scenario::{self, Fault, Scenario},
    sim,
    table::Table,
};

/// Tries thousands of faults, crashes and callers, and counts what stands afterwards.
#[derive(Debug, Parser)]
#[command(name = "fault-campaign", version)]
struct Arguments {
    /// Runs in all.
    #[arg(long, default_value_t = 5000)]
    runs: u64,
    /// Where the draws come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of the first run.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Only scenarios about this fault; others may be mixed in.
    #[arg(long)]
    only: Option<Fault>,
    /// Run one scenario, as it was printed, and tell what happens.
    #[arg(long, value_name = "SCENARIO")]
    replay: Option<String>,
    /// Draw three times further than what is promised; what goes wrong then is counted and
    /// no failure.
    #[arg(long)]
    beyond: bool,
    /// Failing runs to print.
    #[arg(long, default_value_t = 3)]
    print: usize,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(text) = &arguments.replay {
        return replay(text);
    }
    let started = Instant::now();
    let mut table = Table::default();
    let mut bad = Vec::new();
    for number in arguments.first..arguments.first + arguments.runs {
        let scenario = scenario::draw(arguments.seed, number, arguments.only, arguments.beyond);
        let verdict = oracle::judged(&scenario);
        table.count(scenario.fault, &verdict);
        if verdict.is_bad() {
            bad.push((number, scenario));
        }
    }
    println!("{table}");
    println!(
        "{} simulated runs in {:.1?}",
        arguments.runs,
        started.elapsed()
    );
    for (number, scenario) in bad.iter().take(arguments.print) {
        print_bad(&arguments, *number, scenario)?;
    }
    if arguments.beyond {
        return Ok(ExitCode::SUCCESS);
    }
    let never = table.never_seen();
    let is_whole = arguments.only.is_none() && arguments.runs >= 1000;
    if is_whole && !never.is_empty() {
        println!("never seen: {}", never.join("; "));
    }
    let fails = table.all.is_bad() || is_whole && !never.is_empty();
    Ok(ExitCode::from(u8::from(fails)))
}

fn print_bad(arguments: &Arguments, number: u64, scenario: &Scenario) -> anyhow::Result<()> {
    let small = scenario::shrink(scenario, |each| oracle::judged(each).is_bad());
    let only = arguments.only.map_or_else(String::new, |fault| {
        format!(" --only {}", fault_campaign::table::label(fault))
    });
    println!(
        "\nrun {number} goes wrong: {}",
        oracle::judged(scenario).reasons.join("; ")
    );
    println!(
        "  again:  cargo run --release -p fault-campaign -- --seed {} --first {number} --runs 1{only}",
        arguments.seed
    );
    println!("  smallest: {}", oracle::judged(&small).reasons.join("; "));
    println!(
        "  cargo run --release -p fault-campaign -- --replay '{}'",
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
    println!("\nwhat stands:");
    for thing in run.platform.things.iter().filter(|each| each.stands()) {
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
