//! Programs in five languages call a worker by name, with plain JSON.
//!
//! Each is run as `examples/callers/README.md` says, in a copy below `target/`, against a
//! Temporal server, with an emulated platform and a worker process of its own. A language whose
//! tools are not on the machine is left out, with a line that says so; with `CI=true` that is
//! a failure.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a helper of a test fails and talks as the test itself does"
)]

mod support;

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use aep_emulator::DEFAULT_SOURCE_PASSWORD;
use aep_flow::config::Environment;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use support::World;
use support::platform::{self, assert_one_live_per_intent};
use support::worker::WorkerProcess;

/// For one command that gets or builds something: an SDK on a slow line, or on a busy machine.
const INSTALL_WITHIN: Duration = Duration::from_secs(900);

#[tokio::test]
async fn python() -> anyhow::Result<()> {
    // On Debian `venv` is there without the package that makes it work.
    let usable = "import ensurepip, sys; sys.exit(sys.version_info < (3, 10))";
    if !at_hand("Python 3.10", &[&["python3", "-c", usable]]).await? {
        return Ok(());
    }
    let project = Project::copy("python")?;
    let python = project.folder.join(".venv/bin/python");
    let venv = project.command("python3", &["-m", "venv", ".venv"]);
    let pip = ["-m", "pip", "install", "--quiet", "-r", "requirements.txt"];
    project
        .install("requirements.txt", [venv, project.command(&python, &pip)])
        .await?;
    check(project.command(&python, &["caller.py"])).await
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
    // What cargo tells a test about its package is a change in the eyes of build scripts.
    for name in [
        "CARGO_MANIFEST_DIR",
        "CARGO_PKG_NAME",
        "CARGO_PKG_VERSION_MAJOR",
        "CARGO_PKG_VERSION_MINOR",
        "CARGO_PKG_VERSION_PATCH",
        "CARGO_PKG_VERSION_PRE",
    ] {
        build.env_remove(name);
    }
    install(build).await?;
    check(Command::new(
        target.join(folder).join("examples").join("caller"),
    ))
    .await
}

/// Whether every one of `tools` is on this machine and says that it is usable.
async fn at_hand(language: &str, tools: &[&[&str]]) -> anyhow::Result<bool> {
    for tool in tools {
        let found = Command::new(tool[0])
            .args(&tool[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await;
        if found.is_ok_and(|status| status.success()) {
            continue;
        }
        let line = format!(
            "no usable `{}` here: the callers' test needs {language}",
            tool[0]
        );
        ensure!(
            Environment::of_process().get("CI") != Some("true"),
            "{line}, and CI leaves nothing out"
        );
        // Past the test's capture: a test that was left out must not look like one that passed.
        writeln!(std::io::stderr(), "SKIPPED: {line}").context("write to stderr")?;
        return Ok(false);
    }
    Ok(true)
}

/// A copy of an example below `target/`, where its tools may leave what they like.
struct Project {
    folder: PathBuf,
}

impl Project {
    fn copy(name: &str) -> anyhow::Result<Self> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/callers");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callers");
        let project = Self {
            folder: folder.join(name),
        };
        copy(&source.join(name), &project.folder)?;
        Ok(project)
    }

    fn command(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder);
        command
    }

    /// Runs `commands`, unless they ran for a `list` of dependencies like this one.
    async fn install<const N: usize>(
        &self,
        list: &str,
        commands: [Command; N],
    ) -> anyhow::Result<()> {
        let wanted = std::fs::read(self.folder.join(list)).context("the list of dependencies")?;
        let stamp = self.folder.join("installed");
        if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        for command in commands {
            install(command).await?;
        }
        std::fs::write(&stamp, wanted).context("the stamp of an installation")
    }
}

/// Copies a folder, but what a person's own run of the example left there.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let (source, copied) = (entry.path(), to.join(entry.file_name()));
        if !entry.file_type()?.is_dir() {
            std::fs::copy(&source, &copied).with_context(|| source.display().to_string())?;
        } else if !LEFT_BEHIND.iter().any(|name| entry.file_name() == *name) {
            copy(&source, &copied)?;
        }
    }
    Ok(())
}

const LEFT_BEHIND: [&str; 5] = ["__pycache__", ".venv", "node_modules", "lib", "target"];

/// Runs a command that gets or builds something.
async fn install(command: Command) -> anyhow::Result<()> {
    run(command, INSTALL_WITHIN).await.map(drop)
}

/// Runs a command to its end and gives what it printed.
async fn run(mut command: Command, limit: Duration) -> anyhow::Result<String> {
    let shown = format!("{:?}", command.as_std());
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(limit, command.output())
        .await
        .with_context(|| format!("{shown} did not end within {} s", limit.as_secs()))?
        .with_context(|| format!("{shown} did not start"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "{shown} ended with {}:\n{printed}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(printed)
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
    let log = world.folder().join("worker.log");
    let worker = WorkerProcess::spawn(&variables, &log);

    let printed = run(caller, support::DEADLINE).await.with_context(|| {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        format!("the worker said:\n{said}")
    })?;
    drop(worker);
    assert_one_live_per_intent(&world.emulator);
    let base_connection = platform::the(&world.emulator, "connections", "EMEA");
    check_answer(&answer(&printed)?, &base_connection["id"])
}

/// The line of JSON among what a caller and the tool that runs it printed.
fn answer(printed: &str) -> anyhow::Result<Value> {
    printed
        .lines()
        // Maven puts codes for colours around it, whatever it is told.
        .filter_map(|line| line.get(line.find('{')?..=line.rfind('}')?))
        .find_map(|line| serde_json::from_str(line).ok())
        .with_context(|| format!("no JSON in {printed:?}"))
}

fn check_answer(answer: &Value, base_connection_id: &Value) -> anyhow::Result<()> {
    let ingest = &answer["ingest"];
    assert_eq!(ingest["baseConnectionId"], *base_connection_id, "{ingest}");
    let tables = ingest["tables"].as_array().context("no list of tables")?;
    ensure!(tables.len() == 1, "{ingest}");
    assert_eq!(tables[0]["table"], "Contacts");
    for id in [
        "sourceConnectionId",
        "schemaId",
        "datasetId",
        "targetConnectionId",
        "mappingSetId",
        "flowId",
        "flowSpecId",
    ] {
        let is_given = tables[0][id].as_str().is_some_and(|text| !text.is_empty());
        ensure!(is_given, "no {id} in {ingest}");
    }

    // The ingestion made it; the activity, called alone, finds it again.
    let activity = &answer["activity"];
    assert_eq!(activity["id"], *base_connection_id, "{activity}");
    assert_eq!(activity["outcome"], "ADOPTED", "{activity}");
    for warnings in [&ingest["warnings"], &activity["warnings"]] {
        ensure!(
            warnings[0]
                .as_str()
                .is_some_and(|text| text.contains("deprecated")),
            "{warnings}"
        );
    }

    let invalid = json!({"type": "InvalidInput"});
    assert_eq!(
        answer["failure"],
        json!({"ingest": invalid, "activity": invalid})
    );
    Ok(())
}
