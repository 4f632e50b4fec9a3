//! The README shows code that runs: its snippets are parts of the examples.
//!
//! A line `<!-- snippet: FILE -->` before a fence says that the fence holds what is in
//! FILE between the lines `[snippet]` and `[/snippet]`. `UPDATE=1 cargo test --test offline readme`
//! puts it there; the examples themselves are run by `tests/e2e/languages.rs`.

use std::path::{Path, PathBuf};

use aep_flow::config::Environment;
use anyhow::{Context as _, bail, ensure};

const FENCE: &str = "```";

/// What the README must show, so that a block that was taken out is noticed.
const SHOWN: [&str; 6] = [
    "examples/callers/python/caller.py",
    "examples/callers/typescript/src/main.ts",
    "examples/callers/typescript/src/workflows.ts",
    "examples/callers/go/main.go",
    "examples/callers/java/src/main/java/example/Caller.java",
    "examples/callers/rust.rs",
];

#[test]
fn snippets_are_parts_of_the_examples() -> anyhow::Result<()> {
    let path = root().join("README.md");
    let readme = std::fs::read_to_string(&path).context("read README.md")?;
    let filled = fill(&readme, |file| {
        std::fs::read_to_string(root().join(file)).with_context(|| format!("read {file}"))
    })?;
    for file in SHOWN {
        let line = marker(file);
        ensure!(
            readme.lines().any(|each| each == line),
            "README.md has no line `{line}` with a fence under it"
        );
    }
    if Environment::of_process().get("UPDATE").is_some() {
        std::fs::write(&path, filled.text)?;
        return Ok(());
    }
    ensure!(
        filled.stale.is_empty(),
        "README.md shows something else than {}; `UPDATE=1 cargo test --test offline readme` corrects it",
        filled.stale.join(", ")
    );
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn marker(file: &str) -> String {
    format!("<!-- snippet: {file} -->")
}

/// A README with its snippets as they should be.
struct Filled {
    text: String,
    /// The files whose snippet was another one before.
    stale: Vec<String>,
}

fn fill(readme: &str, read: impl Fn(&str) -> anyhow::Result<String>) -> anyhow::Result<Filled> {
    let mut text = String::new();
    let mut stale = Vec::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        push_line(&mut text, line);
        let Some(file) = named_file(line)? else {
            continue;
        };
        let open = lines.next().unwrap_or_default();
        ensure!(
            open.starts_with(FENCE),
            "under `{line}` stands `{open}`, not the fence of a code block"
        );
        push_line(&mut text, open);
        let mut shown = Vec::new();
        loop {
            match lines.next() {
                Some(FENCE) => break,
                Some(line) => shown.push(line),
                None => bail!("the fence under `{line}` is not closed"),
            }
        }
        let snippet = snippet(&read(file)?).with_context(|| file.to_owned())?;
        if shown != snippet {
            stale.push(file.to_owned());
        }
        for line in &snippet {
            push_line(&mut text, line);
        }
        push_line(&mut text, FENCE);
    }
    Ok(Filled { text, stale })
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// The file that a marker names. What looks like one and is none is a mistake, not prose.
fn named_file(line: &str) -> anyhow::Result<Option<&str>> {
    if !line.contains("<!-- snippet") {
        return Ok(None);
    }
    let file = line
        .strip_prefix("<!-- snippet: ")
        .and_then(|rest| rest.strip_suffix(" -->"));
    match file {
        Some(file) => Ok(Some(file)),
        None => bail!("`{line}` is not of the form `{}`", marker("FILE")),
    }
}

/// The marked lines of a source file, moved to the left margin.
fn snippet(source: &str) -> anyhow::Result<Vec<String>> {
    let mut lines = source.lines();
    ensure!(
        lines.any(|line| line.trim_end().ends_with(" [snippet]")),
        "there is no line that ends in ` [snippet]`"
    );
    let mut inside = Vec::new();
    loop {
        match lines.next() {
            Some(line) if line.trim_end().ends_with(" [/snippet]") => break,
            Some(line) => inside.push(line),
            None => bail!("there is no line that ends in ` [/snippet]`"),
        }
    }
    while inside.last().is_some_and(|line| line.trim().is_empty()) {
        inside.pop();
    }
    let margin = inside
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .context("there is nothing between the markers")?;
    Ok(inside
        .into_iter()
        .map(|line| line.get(margin..).unwrap_or_default().to_owned())
        .collect())
}

const README: &str = "# Title\n<!-- snippet: a.go -->\n```go\nold()\n```\nafter\n";

fn filled(readme: &str, source: &'static str) -> anyhow::Result<Filled> {
    fill(readme, |_| Ok(source.to_owned()))
}

#[test]
fn a_snippet_that_differs_is_named_and_replaced() -> anyhow::Result<()> {
    let source = "x\n  // [snippet]\n  if y {\n    z()\n  }\n\n  // [/snippet]\n";
    let once = filled(README, source)?;
    assert_eq!(once.stale, ["a.go"]);
    assert_eq!(
        once.text,
        "# Title\n<!-- snippet: a.go -->\n```go\nif y {\n  z()\n}\n```\nafter\n"
    );

    let twice = filled(&once.text, source)?;
    assert!(twice.stale.is_empty());
    assert_eq!(twice.text, once.text);
    Ok(())
}

#[test]
fn what_cannot_be_shown_is_said() {
    for (readme, source, expected) in [
        (README, "x\n", "no line that ends in ` [snippet]`"),
        (
            README,
            "// [snippet]\nx\n",
            "no line that ends in ` [/snippet]`",
        ),
        (
            README,
            "// [snippet]\n\n// [/snippet]\n",
            "nothing between the markers",
        ),
        ("<!-- snippet: a.go -->\nprose\n", "", "not the fence"),
        (
            "<!-- snippet a.go -->\n```go\n```\n",
            "",
            "is not of the form",
        ),
    ] {
        let Err(error) = filled(readme, source) else {
            panic!("{readme:?} with {source:?} passed");
        };
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }
}
