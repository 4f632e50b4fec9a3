//! Programs in five languages call a worker by name, with plain JSON.
//!
//! Each is run as `examples/callers/README.md` says, in a copy below `target/`, against a
//! Temporal server, with an emulated platform and a worker process of its own. A language whose
//! tools are not on the machine is left out, with a line that says so; with `CI=true` that is
//! a failure.

use std::path::Path;

use aep_emulator::DEFAULT_SOURCE_PASSWORD;
use aep_flow_testkit::World;
use aep_flow_testkit::callers::{self, Project, answer, at_hand, check_answer, install, run};
use aep_flow_testkit::platform::{self, assert_one_live_per_intent};
use aep_flow_testkit::worker::WorkerProcess;
use anyhow::Context as _;
use tokio::process::Command;

#[tokio::test]
async fn python() -> anyhow::Result<()> {
    match callers::python().await? {
        Some(caller) => check(caller).await,
        None => Ok(()),
    }
}

#[tokio::test]
async fn typescript() -> anyhow::Result<()> {
    let usable = "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)";
    let tools: [&[&str]; 2] = [&["node", "-e", usable], &["npm", "--version"]];
    if !at_hand("Node 20 with npm", &tools).await? {
        return Ok(());
    }
    let project = Project::copy("typescript")?;
    // The packages come with their binaries; what is not run cannot reach out.
    let npm = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    project
        .install("package-lock.json", [project.command("npm", &npm)])
        .await?;
    install(project.command("npm", &["run", "--silent", "build"])).await?;
    check(project.command("npm", &["start", "--silent"])).await
}

#[tokio::test]
async fn go() -> anyhow::Result<()> {
    if !at_hand("Go", &[&["go", "version"]]).await? {
        return Ok(());
    }
    let project = Project::copy("go")?;
    install(project.command("go", &["vet", "."])).await?;
    install(project.command("go", &["build", "-o", "caller", "."])).await?;
    check(project.command(project.folder.join("caller"), &[])).await
}

#[tokio::test]
async fn java() -> anyhow::Result<()> {
    let tools: [&[&str]; 2] = [&["javac", "-version"], &["mvn", "--version"]];
    if !at_hand("a JDK with Maven", &tools).await? {
        return Ok(());
    }
    let project = Project::copy("java")?;
    let maven = |goals: &[&str]| {
        let mut command = project.command("mvn", &["--quiet", "--batch-mode"]);
        command.args(goals);
        command
    };
    // Any goal of the plugin that runs it gets the plugin, and all that the plugin needs.
    install(maven(&["compile", "exec:help"])).await?;
    check(maven(&["exec:java"])).await
}

#[tokio::test]
async fn rust() -> anyhow::Result<()> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let target = scratch.parent().context("the target folder")?;
    let (profile, folder) = if cfg!(debug_assertions) {
        ("dev", "debug")
    } else {
        ("release", "release")
    };
    // The whole workspace, as `cargo test --workspace` builds it: with other features of the
    // same crates all of them would be compiled once more.
    let mut build = Command::new(env!("CARGO"));
    build
        .args(["build", "--quiet", "--workspace", "--example", "caller"])
        .args(["--profile", profile])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", target);
    // To build scripts, the variables that Cargo sets for a test are a change.
    for name in [
        "CARGO_MANIFEST_DIR",
        "CARGO_PKG_NAME",
        "CARGO_PKG_VERSION_MAJOR",
        "CARGO_PKG_VERSION_MINOR",
        "CARGO_PKG_VERSION_PATCH",
        "CARGO_PKG_VERSION_PRE",
        "OUT_DIR",
    ] {
        build.env_remove(name);
    }
    install(build).await?;
    check(Command::new(
        target.join(folder).join("examples").join("caller"),
    ))
    .await
}

/// Runs a caller in a world of its own, and holds it to the contract.
async fn check(mut caller: Command) -> anyhow::Result<()> {
    let world = World::new().await;
    let mut variables = world.variables();
    caller.envs(
        variables
            .iter()
            .filter(|(name, _)| name.starts_with("TEMPORAL_"))
            .cloned(),
    );
    // The worker's secret, which the callers name and do not have.
    variables.push((
        "OSC_PASSWORD".to_owned(),
        DEFAULT_SOURCE_PASSWORD.to_owned(),
    ));
    variables.push(("AEP_FLOW_SECRETS_ENV_ALLOW".to_owned(), "OSC_*".to_owned()));
    let log = world.folder().join("worker.log");
    let worker = WorkerProcess::spawn(&variables, &log);

    let printed = run(caller, aep_flow_testkit::DEADLINE)
        .await
        .with_context(|| {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            format!("the worker said:\n{said}")
        })?;
    drop(worker);
    assert_one_live_per_intent(&world.emulator);
    let base_connection = platform::the(&world.emulator, "connections", "EMEA");
    check_answer(&answer(&printed)?, &base_connection["id"])
}
