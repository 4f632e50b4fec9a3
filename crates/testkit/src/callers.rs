//! The programs of `examples/callers`: their tools, what they need, and what they must print.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use aep_flow::config::Environment;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::places::{repository, scratch};

/// For one command that gets or builds something: an SDK on a slow line, or on a busy machine.
const INSTALL_WITHIN: Duration = Duration::from_secs(900);

/// The caller in Python with its SDK, or nothing if there is no Python here.
pub async fn python() -> anyhow::Result<Option<Command>> {
    let project = Project::copy("python")?;
    let python = project.python().await?;
    Ok(python.map(|python| project.command(python, &["caller.py"])))
}

/// Whether each of `tools` is on this machine and usable.
pub async fn at_hand(language: &str, tools: &[&[&str]]) -> anyhow::Result<bool> {
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
pub struct Project {
    /// The copy.
    pub folder: PathBuf,
}

impl Project {
    /// Of the caller in this language.
    pub fn copy(name: &str) -> anyhow::Result<Self> {
        Self::copy_of(&format!("examples/callers/{name}"))
    }

    /// Of this folder of the repository.
    pub fn copy_of(folder: &str) -> anyhow::Result<Self> {
        let source = repository().join(folder);
        let project = Self {
            folder: scratch().join(folder),
        };
        copy(&source, &project.folder)?;
        Ok(project)
    }

    /// What installs the Python packages of its `requirements.txt`, and the Python that has them;
    /// nothing if there is no Python here.
    pub async fn python(&self) -> anyhow::Result<Option<PathBuf>> {
        // Debian has `venv` without the package that it needs.
        let usable = "import ensurepip, sys; sys.exit(sys.version_info < (3, 10))";
        if !at_hand("Python 3.10", &[&["python3", "-c", usable]]).await? {
            return Ok(None);
        }
        let python = self.folder.join(".venv/bin/python");
        let venv = self.command("python3", &["-m", "venv", ".venv"]);
        let pip = ["-m", "pip", "install", "--quiet", "-r", "requirements.txt"];
        self.install("requirements.txt", [venv, self.command(&python, &pip)])
            .await?;
        Ok(Some(python))
    }

    /// A command in the copy.
    pub fn command(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder);
        command
    }

    /// Runs `commands`, unless they ran for a `list` of dependencies like this one.
    pub async fn install<const N: usize>(
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
pub async fn install(command: Command) -> anyhow::Result<()> {
    run(command, INSTALL_WITHIN).await.map(drop)
}

/// Runs a command to its end and gives what it printed.
pub async fn run(mut command: Command, limit: Duration) -> anyhow::Result<String> {
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

/// The line of JSON among what a caller and the tool that runs it printed.
pub fn answer(printed: &str) -> anyhow::Result<Value> {
    printed
        .lines()
        // Maven puts codes for colours around it, whatever its options are.
        .filter_map(|line| line.get(line.find('{')?..=line.rfind('}')?))
        .find_map(|line| serde_json::from_str(line).ok())
        .with_context(|| format!("no JSON in {printed:?}"))
}

/// Checks a caller's answer against the contract.
pub fn check_answer(answer: &Value, base_connection_id: &Value) -> anyhow::Result<()> {
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

    // The ingestion created it; the activity, called alone, finds it again.
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
