//! Finds files with secrets that everybody on the machine may read or change.

use std::path::{Path, PathBuf};

use crate::config::Loaded;

/// How deep a folder is searched, and how many entries. A secrets folder has a handful; one that is
/// named by mistake may be a whole disk.
const MAX_DEPTH: usize = 4;
const MAX_ENTRIES: usize = 1000;

/// Whether others than the owner and the group may read or write the file: the permissions of the
/// file and of its folder allow it.
#[cfg(unix)]
pub(crate) fn is_exposed(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.permissions().mode());
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    mode(file) & 0o006 != 0 && mode(folder) & 0o001 != 0
}

/// Other systems have no such permissions.
#[cfg(not(unix))]
pub(crate) fn is_exposed(_file: &Path) -> bool {
    false
}

/// The first exposed file below `folder`, and how many more there are.
pub(crate) fn below(folder: &Path) -> Option<(PathBuf, usize)> {
    let mut found = Vec::new();
    let mut left = MAX_ENTRIES;
    collect(folder, MAX_DEPTH, &mut left, &mut found);
    found.sort();
    let more = found.len().saturating_sub(1);
    found.into_iter().next().map(|first| (first, more))
}

fn collect(folder: &Path, depth: usize, left: &mut usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let path = entry.path();
        // The targets of an orchestrator's links are visited as files themselves.
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if path.is_dir() {
            if depth > 1 && !is_link {
                collect(&path, depth - 1, left, found);
            }
        } else if is_exposed(&path) {
            found.push(path);
        }
    }
}

/// The sentence that a file is exposed.
pub(crate) fn describe(file: &Path) -> String {
    format!("everybody on this machine may read {}", file.display())
}

/// The addition to it for `more` files.
pub(crate) fn and_more(more: usize) -> String {
    match more {
        0 => String::new(),
        more => format!(", and {more} more"),
    }
}

/// One line for each exposed place: files of the configuration's own secrets, and the folder of the
/// secrets of inputs.
pub(crate) fn warnings(loaded: &Loaded) -> Vec<String> {
    let own = loaded.secret_files.iter();
    let own = own
        .filter(|(_, file)| is_exposed(file))
        .map(|(_, file)| describe(file));
    let folder = loaded.config.secrets.folder.as_deref().and_then(below);
    let folder = folder.map(|(file, more)| format!("{}{}", describe(&file), and_more(more)));
    own.chain(folder)
        .map(|exposed| format!("{exposed}; {NEXT_STEP}"))
        .collect()
}

/// What to do about it.
pub(crate) const NEXT_STEP: &str = "remove the permissions of others: `chmod o-rwx FILE`, or \
                                    a `defaultMode` of 0440 for a Kubernetes volume";

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn others_need_a_right_to_the_file_and_to_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = folder.path().join("secrets");
        std::fs::create_dir(&secrets).unwrap();
        let file = secrets.join("password");
        std::fs::write(&file, "s3cret").unwrap();
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        for (file_mode, folder_mode, is_exposed) in [
            (0o644, 0o755, true),
            (0o642, 0o711, true),
            (0o640, 0o755, false),
            (0o644, 0o750, false),
            (0o400, 0o755, false),
        ] {
            set(&file, file_mode);
            set(&secrets, folder_mode);
            let found = below(&secrets);
            assert_eq!(
                found,
                is_exposed.then(|| (file.clone(), 0)),
                "{file_mode:o} {folder_mode:o}"
            );
        }
    }
}
