//! Where the repository, its build and its programs are.

use std::path::{Path, PathBuf};

/// The top folder of the repository.
pub fn repository() -> &'static Path {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.ancestors().nth(2).unwrap()
}

/// A program of this build, such as `aep-flow`.
///
/// # Panics
/// If it is not built.
pub fn program(name: &str) -> PathBuf {
    let path = build().join(name);
    assert!(path.exists(), "{} is not built", path.display());
    path
}

/// A folder for what a run may leave behind, such as packages that the next run uses again.
pub fn scratch() -> PathBuf {
    build().parent().unwrap().join("tmp")
}

/// Where Cargo puts the programs of the profile that this process was built with.
fn build() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().unwrap();
    // Tests and benchmarks are one level further down.
    let is_test = folder.ends_with("deps");
    let folder = if is_test {
        folder.parent()
    } else {
        Some(folder)
    };
    folder.unwrap().to_owned()
}
