//! Removes each named guard from a copy of the tree.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::output;
use crate::note;

const HEAD: &str =
    "| guard | file | test that turned red | seconds | at |\n|---|---|---|--:|---|\n";
const NOT_YET: &str = "not yet run";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    guard: Vec<Guard>,
}

/// One guard, and how to remove it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Guard {
    name: String,
    file: String,
    /// Must occur in the file once.
    search: String,
    replace: String,
    /// Arguments for `cargo test`.
    test: String,
}

impl Guard {
    fn has(&self, text: &str) -> bool {
        [&self.name, &self.file, &self.test]
            .iter()
            .any(|each| each.contains(text))
    }

    fn row(&self, red: &str, seconds: &str, commit: &str) -> String {
        let Self { name, file, .. } = self;
        format!("| {name} | `{file}` | {red} | {seconds} | {commit} |\n")
    }
}

fn named(root: &Path) -> anyhow::Result<Vec<Guard>> {
    let list = root.join("tools/xtask/guards.toml");
    let list =
        std::fs::read_to_string(&list).with_context(|| format!("read {}", list.display()))?;
    let List { guard } = toml::from_str(&list)?;
    Ok(guard)
}

/// The guards that can no longer be removed because the code has changed.
pub(crate) fn out_of_date(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut outdated = Vec::new();
    for guard in named(root)? {
        let text = std::fs::read_to_string(root.join(&guard.file)).unwrap_or_default();
        let count = text.matches(&guard.search).count();
        if count != 1 {
            outdated.push(format!(
                "the guard \"{}\" of tools/xtask/guards.toml occurs {count} times in {}, not once",
                guard.name, guard.file
            ));
        }
    }
    Ok(outdated)
}

/// Removes each guard that `only` selects, and returns the table of all.
pub(super) fn prove(
    root: &Path,
    folder: &Path,
    commit: &str,
    only: &[String],
    earlier: &str,
    broken: &mut Vec<String>,
) -> anyhow::Result<String> {
    let guards = named(root)?;
    let mut names = HashSet::new();
    for guard in &guards {
        if !names.insert(&guard.name) {
            bail!("two guards are called `{}`", guard.name);
        }
    }
    let rows: HashMap<&str, &str> = earlier
        .lines()
        .filter_map(|line| Some((line.strip_prefix("| ")?.split(" | ").next()?, line)))
        .collect();
    let tree = Tree::new(root, folder)?;
    let mut green = HashMap::new();
    let mut table = HEAD.to_owned();
    for guard in &guards {
        if !only.is_empty() && !only.iter().any(|text| guard.has(text)) {
            match rows.get(guard.name.as_str()) {
                Some(row) => table.push_str(&format!("{row}\n")),
                None => table.push_str(&guard.row(NOT_YET, "", "")),
            }
            continue;
        }
        let started = Instant::now();
        let red = tree.without(guard, &mut green);
        let seconds = format!("{:.1}", started.elapsed().as_secs_f32());
        match red {
            Ok(tests) => {
                let red = match tests.len() - 1 {
                    0 => format!("`{}`", tests[0]),
                    more => format!("`{}` and {more} more", tests[0]),
                };
                note(&format!("{}: {red} turned red, {seconds} s", guard.name));
                table.push_str(&guard.row(&red, &seconds, commit));
            }
            Err(error) => {
                note(&format!("{}: {error:#}", guard.name));
                table.push_str(&guard.row("**none**", &seconds, commit));
                broken.push(format!("{}: {error:#}", guard.name));
            }
        }
    }
    Ok(table)
}

/// A copy of the last commit, deleted when dropped.
struct Tree {
    root: PathBuf,
    folder: tempfile::TempDir,
    target: PathBuf,
}

impl Tree {
    fn new(root: &Path, folder: &Path) -> anyhow::Result<Self> {
        let tree = Self {
            root: root.to_owned(),
            folder: tempfile::tempdir()?,
            target: folder.join("target"),
        };
        output(
            tree.worktree("add")
                .args(["--detach", "--quiet"])
                .arg(tree.path())
                .arg("HEAD"),
        )?;
        Ok(tree)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    fn worktree(&self, what: &str) -> Command {
        let mut command = Command::new("git");
        command.current_dir(&self.root).args(["worktree", what]);
        command
    }

    /// The tests that fail without `guard`, after all passed with it.
    fn without(
        &self,
        guard: &Guard,
        green: &mut HashMap<String, bool>,
    ) -> anyhow::Result<Vec<String>> {
        let file = self.path().join(&guard.file);
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("read {}", guard.file))?;
        let times = text.matches(&guard.search).count();
        if times != 1 {
            bail!("the search text occurs {times} times in {}", guard.file);
        }
        let is_green = match green.get(&guard.test) {
            Some(is_green) => *is_green,
            None => {
                let is_green = matches!(self.test(&guard.test)?, Tested::Green);
                green.insert(guard.test.clone(), is_green);
                is_green
            }
        };
        if !is_green {
            bail!("`cargo test {}` is red with it", guard.test);
        }
        std::fs::write(&file, text.replacen(&guard.search, &guard.replace, 1))?;
        let tested = self.test(&guard.test);
        std::fs::write(&file, text)?;
        match tested? {
            Tested::Red(tests) => Ok(tests),
            Tested::Green => bail!("`cargo test {}` stays green without it", guard.test),
            Tested::Broken(lines) => bail!("no test ran without it:\n{lines}"),
        }
    }

    fn test(&self, arguments: &str) -> anyhow::Result<Tested> {
        let output = Command::new("cargo")
            .current_dir(self.path())
            .env("CARGO_TARGET_DIR", &self.target)
            .args(["test", "--locked", "--quiet"])
            .args(arguments.split_whitespace())
            .output()
            .context("run cargo test")?;
        if output.status.success() {
            return Ok(Tested::Green);
        }
        // Below "failures:", one name per line.
        let printed = String::from_utf8_lossy(&output.stdout);
        let names: Vec<_> = printed
            .rsplit_once("failures:\n")
            .into_iter()
            .flat_map(|(_, names)| names.lines())
            .take_while(|line| !line.is_empty())
            .map(|name| name.trim().to_owned())
            .collect();
        Ok(if names.is_empty() {
            Tested::Broken(String::from_utf8_lossy(&output.stderr).into_owned())
        } else {
            Tested::Red(names)
        })
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let removed = output(self.worktree("remove").arg("--force").arg(self.path()));
        if let Err(error) = removed {
            note(&format!(
                "the copy of the tree could not be removed: {error:#}"
            ));
        }
    }
}

enum Tested {
    Green,
    /// The tests that failed, at least one.
    Red(Vec<String>),
    /// The output, if no test finished.
    Broken(String),
}
