//! Where a Temporal server is, in the order in which a user expects it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{DevServerError, Report, VERSION, fetch};

/// What the environment says about Temporal servers and Go.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `TEMPORAL_ADDRESS`, unless empty: a server that runs already.
    pub address: Option<String>,
    /// `PATH`.
    pub path: Option<OsString>,
    /// The folder that fetched servers are kept in: `AEP_FLOW_CACHE`, or `aep-flow` in
    /// `XDG_CACHE_HOME`, or `.cache/aep-flow` in the home folder.
    pub cache: Option<PathBuf>,
    /// Where `go install` puts what it builds: `GOBIN`, `bin` in `GOPATH`, `go/bin` in the home
    /// folder.
    pub go_bins: Vec<PathBuf>,
}

impl Surroundings {
    /// What the environment says, by its variables. One that is empty counts as not set.
    pub fn read<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let folder = |name: &str| variable(name).map(PathBuf::from);
        let home = folder("HOME").or_else(|| folder("USERPROFILE"));
        let in_home = |path: &str| home.as_ref().map(|home| home.join(path));
        let cache = folder("AEP_FLOW_CACHE")
            .or_else(|| folder("XDG_CACHE_HOME").map(|cache| cache.join("aep-flow")))
            .or_else(|| in_home(".cache/aep-flow"));
        // GOPATH is a list of folders; `go install` uses the first.
        let go_path = variable("GOPATH")
            .and_then(|list| std::env::split_paths(list).next())
            .filter(|first| !first.as_os_str().is_empty())
            .map(|first| first.join("bin"));
        let go_bins = [folder("GOBIN"), go_path, in_home("go/bin")]
            .into_iter()
            .flatten()
            .collect();
        Self {
            address: variable("TEMPORAL_ADDRESS").map(str::to_owned),
            path: variable("PATH").map(OsString::from),
            cache,
            go_bins,
        }
    }

    /// The executable of that name on the `PATH`.
    pub(super) fn on_path(&self, name: &str) -> Option<PathBuf> {
        let path = self.path.as_ref()?;
        std::env::split_paths(path).find_map(|folder| executable(&folder, name))
    }
}

/// What [`find`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A server that runs already; nothing is to be started.
    Running {
        /// Its host and port.
        address: String,
    },
    /// The `temporal` command, to be started by [`super::DevServer::start`].
    Binary(PathBuf),
}

/// Finds a server: the one at `TEMPORAL_ADDRESS`, else what [`binary`] gives.
///
/// # Errors
///
/// As [`binary`].
pub async fn find(
    surroundings: &Surroundings,
    report: &dyn Report,
) -> Result<Found, DevServerError> {
    if let Some(address) = &surroundings.address {
        report.say(&format!("Temporal server: {address} (TEMPORAL_ADDRESS)"));
        return Ok(Found::Running {
            address: address.clone(),
        });
    }
    binary(surroundings, report).await.map(Found::Binary)
}

/// Finds the `temporal` command: on the `PATH`, fetched or built before, or fetched now.
///
/// A fetch is written beside its place and moved there whole; of two processes that fetch at the
/// same time one waits for the other. Dropping the future leaves nothing half done.
///
/// # Errors
///
/// [`DevServerError::NotFetched`].
pub async fn binary(
    surroundings: &Surroundings,
    report: &dyn Report,
) -> Result<PathBuf, DevServerError> {
    if let Some((binary, how)) = at_hand(surroundings) {
        report.say(&format!("Temporal server: {} ({how})", binary.display()));
        return Ok(binary);
    }
    fetch::fetch(surroundings, report)
        .await
        .map_err(DevServerError::NotFetched)
}

/// The command without fetching anything, and why this one.
fn at_hand(surroundings: &Surroundings) -> Option<(PathBuf, &'static str)> {
    if let Some(binary) = surroundings.on_path("temporal") {
        return Some((binary, "on the PATH"));
    }
    if let Some(binary) = surroundings.cache.as_deref().and_then(fetched) {
        return Some((binary, "fetched before"));
    }
    surroundings
        .go_bins
        .iter()
        .find_map(|folder| executable(folder, "temporal"))
        .map(|binary| (binary, "built by go install before"))
}

/// The command in the cache.
pub(super) fn fetched(cache: &Path) -> Option<PathBuf> {
    executable(cache, &cached_name())
}

/// The name of the command in the cache, the one that the SDK's download gives it.
pub(super) fn cached_name() -> String {
    format!("temporal-{VERSION}{}", std::env::consts::EXE_SUFFIX)
}

fn executable(folder: &Path, name: &str) -> Option<PathBuf> {
    let with_suffix = if name.ends_with(std::env::consts::EXE_SUFFIX) {
        name.to_owned()
    } else {
        format!("{name}{}", std::env::consts::EXE_SUFFIX)
    };
    let path = folder.join(with_suffix);
    let metadata = std::fs::metadata(&path).ok()?;
    (metadata.is_file() && may_execute(&metadata)).then_some(path)
}

#[cfg(unix)]
fn may_execute(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn may_execute(_metadata: &std::fs::Metadata) -> bool {
    true
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Mutex;

    use super::*;

    fn put(folder: &Path, name: &str, mode: u32) -> PathBuf {
        std::fs::create_dir_all(folder).unwrap();
        let path = folder.join(name);
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn surroundings_of(variables: &[(&str, &'static str)]) -> Surroundings {
        Surroundings::read(|name| {
            let found = variables.iter().find(|(each, _)| *each == name);
            found.map(|(_, value)| *value)
        })
    }

    fn surroundings(root: &Path) -> Surroundings {
        Surroundings {
            address: None,
            path: Some(std::env::join_paths([root.join("a"), root.join("b")]).unwrap()),
            cache: Some(root.join("cache")),
            go_bins: vec![root.join("go")],
        }
    }

    #[tokio::test]
    async fn each_place_wins_over_those_behind_it() {
        let root = tempfile::tempdir().unwrap();
        let mut surroundings = surroundings(root.path());
        let said = Mutex::new(Vec::new());
        let report = |line: &str| said.lock().unwrap().push(line.to_owned());

        let built = put(&root.path().join("go"), "temporal", 0o755);
        assert_eq!(
            find(&surroundings, &report).await.unwrap(),
            Found::Binary(built)
        );
        let fetched = put(&root.path().join("cache"), "temporal-v1.5.1", 0o755);
        assert_eq!(
            find(&surroundings, &report).await.unwrap(),
            Found::Binary(fetched)
        );
        let on_path = put(&root.path().join("b"), "temporal", 0o755);
        assert_eq!(
            find(&surroundings, &report).await.unwrap(),
            Found::Binary(on_path)
        );
        surroundings.address = Some("temporal:7233".to_owned());
        let address = "temporal:7233".to_owned();
        assert_eq!(
            find(&surroundings, &report).await.unwrap(),
            Found::Running { address }
        );
        let said = said.into_inner().unwrap();
        let endings = [
            "(built by go install before)",
            "(fetched before)",
            "(on the PATH)",
        ];
        for (line, ending) in said.iter().zip(endings) {
            assert!(line.ends_with(ending), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_executed_is_passed_over() {
        let root = tempfile::tempdir().unwrap();
        put(&root.path().join("a"), "temporal", 0o644);
        std::fs::create_dir_all(root.path().join("b/temporal")).unwrap();
        assert_eq!(surroundings(root.path()).on_path("temporal"), None);
    }

    #[test]
    fn the_cache_is_where_each_variable_says() {
        type Case = (
            &'static [(&'static str, &'static str)],
            Option<&'static str>,
        );
        let cases: [Case; 4] = [
            (&[("HOME", "/h")], Some("/h/.cache/aep-flow")),
            (
                &[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")],
                Some("/x/aep-flow"),
            ),
            (
                &[("XDG_CACHE_HOME", "/x"), ("AEP_FLOW_CACHE", "/c")],
                Some("/c"),
            ),
            (&[("HOME", "")], None),
        ];
        for (variables, cache) in cases {
            let read = surroundings_of(variables);
            assert_eq!(read.cache, cache.map(PathBuf::from), "{variables:?}");
        }
    }

    #[test]
    fn go_builds_into_gobin_before_gopath_before_the_home_folder() {
        let variables = [
            ("GOBIN", "/gobin"),
            ("GOPATH", "/gopath:/other"),
            ("HOME", "/h"),
        ];
        let read = surroundings_of(&variables);
        let expected = ["/gobin", "/gopath/bin", "/h/go/bin"].map(PathBuf::from);
        assert_eq!(read.go_bins, expected);
    }
}
