//! Each promise of docs/promises.md names tests that exist.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, ensure};

/// Folders with code, of which the build's own is none.
const CODE: [&str; 6] = ["crates", "proto", "src", "tests", "tools", "workflows"];

#[test]
fn each_promise_has_a_test() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/promises.md"))?;
    let mut code = String::new();
    for folder in CODE {
        read_all(&root.join(folder), &mut code)?;
    }
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let mut ids = BTreeSet::new();
    for row in rows.skip(1) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [id, _, tests] = cells[..] else {
            anyhow::bail!("no row of three cells: {row}");
        };
        ensure!(ids.insert(id), "two promises have the id {id}");
        let tests: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        ensure!(!tests.is_empty(), "the promise {id} names no test");
        for test in tests {
            ensure!(
                code.contains(&format!("fn {test}(")),
                "the promise {id} names `{test}`, which is no test"
            );
        }
    }
    ensure!(ids.len() > 30, "the page lost its rows");
    Ok(())
}

fn read_all(folder: &Path, code: &mut String) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            read_all(&path, code)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            code.push_str(&std::fs::read_to_string(&path)?);
        }
    }
    Ok(())
}
