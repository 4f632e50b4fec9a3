//! Checks every file of `catalog/`, and generates the text that is compiled in.
//!
//! A wrong file fails the build, so that no caller finds it first.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[path = "src/catalog/entry.rs"]
#[expect(
    unreachable_pub,
    reason = "the module is the library's, and this is another crate"
)]
mod entry;
#[path = "src/catalog/file.rs"]
#[expect(
    unreachable_pub,
    reason = "the module is the library's, and this is another crate"
)]
mod file;

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=catalog");
    match compile(Path::new("catalog")) {
        Ok(json) => write(&json),
        Err(problem) => fail(&problem),
    }
}

/// The sources of `folder` as JSON, or what is wrong with the first file that is wrong.
fn compile(folder: &Path) -> Result<String, String> {
    let mut sources = Vec::new();
    for path in files(folder)? {
        let in_file = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
        let text = std::fs::read_to_string(&path).map_err(|error| in_file(&error))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        sources.push(file::read(&name, &text).map_err(|error| in_file(&error))?);
    }
    serde_json::to_string(&sources).map_err(|error| error.to_string())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn write(json: &str) -> ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo names the output folder in this variable"
    )]
    let folder = std::env::var_os("OUT_DIR").map(PathBuf::from);
    let Some(folder) = folder else {
        return fail("OUT_DIR is not set: cargo runs this");
    };
    match std::fs::write(folder.join("catalog.json"), json) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{}: {error}", folder.display())),
    }
}

/// Cargo shows a line with this prefix without the rest of the build script's output.
fn fail(problem: &str) -> ExitCode {
    println!("cargo::error={problem}");
    ExitCode::FAILURE
}
