//! Resolves references to secrets, such as `{"env": "OSC_PASSWORD"}`.
//!
//! A reference comes from an input, so from somebody who may start workflows but need not
//! own the worker: it reaches the allowed variables and the files below one folder, and
//! nothing else. Every use reads again, so that a mounted secret may be rotated. No error
//! shows a value.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use aep_flow_proto::v1::{SecretReference, secret_reference::Place};
use secrecy::SecretString;

use crate::config;

/// What references may reach. Holds no secret.
#[derive(Debug, Clone)]
pub struct SecretStore {
    folder: Option<PathBuf>,
    env_allow: Vec<String>,
    max_bytes: usize,
    lookup: fn(&str) -> Option<OsString>,
}

/// Why a reference gives no secret. Never shows a value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Neither a variable nor a file is named.
    #[error("the reference names neither a variable nor a file")]
    NothingNamed,
    /// The worker has no such variable.
    #[error("the variable `{name}` is not set in the worker's environment")]
    NotSet {
        /// Name of the variable.
        name: String,
    },
    /// The worker's configuration keeps inputs from every variable.
    #[error("the variable `{name}` can't be looked up: inputs may use no variable of this worker")]
    NoVariables {
        /// Name of the variable.
        name: String,
    },
    /// The worker's configuration keeps inputs from this variable.
    #[error("the variable `{name}` is not one that inputs may use")]
    NotAllowed {
        /// Name of the variable.
        name: String,
    },
    /// Set, with nothing in it.
    #[error("the secret `{reference}` is empty")]
    Empty {
        /// `env:NAME` or `file:path`.
        reference: String,
    },
    /// The worker has no secrets folder.
    #[error("the file `{path}` can't be looked up: the worker has no secrets folder")]
    NoFolder {
        /// Path as it was given.
        path: String,
    },
    /// Absolute, with `..`, or a link that leads out.
    #[error("the file `{path}` is not below the worker's secrets folder")]
    Outside {
        /// Path as it was given.
        path: String,
    },
    /// No such file.
    #[error("the file `{path}` is not in the worker's secrets folder")]
    Missing {
        /// Path as it was given.
        path: String,
    },
    /// There, and not readable, or not a plain file.
    #[error("the file `{path}` in the worker's secrets folder can't be read")]
    Unreadable {
        /// Path as it was given.
        path: String,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// More than a secret has.
    #[error("the file `{path}` is longer than {max_bytes} bytes")]
    TooLarge {
        /// Path as it was given.
        path: String,
        /// The limit.
        max_bytes: usize,
    },
    /// Not text.
    #[error("the secret `{reference}` is not UTF-8")]
    NotUtf8 {
        /// `env:NAME` or `file:path`.
        reference: String,
    },
}

impl SecretError {
    /// What to do about it, one sentence.
    #[must_use]
    pub fn next_step(&self) -> String {
        match self {
            Self::NothingNamed => {
                r#"refer to the secret as {"env": "NAME"} or {"file": "path"}"#.to_owned()
            }
            Self::NotSet { name } => {
                format!("set `{name}` where the worker runs and start the worker again")
            }
            Self::NoVariables { name } => format!(
                "set the worker's setting `secrets.env_allow` (`AEP_FLOW_SECRETS_ENV_ALLOW`) to \
                 `{}`, or to `{name}` alone",
                prefix_of(name)
            ),
            Self::NotAllowed { name } => format!(
                "add `{name}` to the worker's setting `secrets.env_allow` \
                 (`AEP_FLOW_SECRETS_ENV_ALLOW`), or use a variable that it has"
            ),
            Self::Empty { reference } => format!("put the secret into `{reference}`"),
            Self::NoFolder { .. } => {
                "set the worker's setting `secrets.folder` to the folder that holds its secrets"
                    .to_owned()
            }
            Self::Outside { .. } => {
                "name the file by its path from the secrets folder, without `..`".to_owned()
            }
            Self::Missing { path } => format!("put `{path}` into the worker's secrets folder"),
            Self::Unreadable { path, .. } => {
                format!("make `{path}` a plain file that the worker's user may read")
            }
            Self::TooLarge { .. } => {
                "name the file that holds the secret alone, or raise the worker's setting \
                 `secrets.max_bytes`"
                    .to_owned()
            }
            Self::NotUtf8 { .. } => "store the secret as UTF-8 text".to_owned(),
        }
    }
}

impl SecretStore {
    /// A store with the limits of the configuration.
    #[must_use]
    pub fn new(settings: &config::Secrets) -> Self {
        Self {
            folder: settings.folder.clone(),
            env_allow: settings.env_allow.clone(),
            max_bytes: settings.max_bytes,
            lookup: variable,
        }
    }

    /// The secret that `reference` names, read now.
    ///
    /// Reads a file without leaving the thread: it is small and local. Asynchronous all the same,
    /// for a secret may be kept by another machine.
    ///
    /// # Errors
    /// [`SecretError`]; the owner of the input or of the worker puts it right, see
    /// [`SecretError::next_step`].
    pub async fn resolve(&self, reference: &SecretReference) -> Result<SecretString, SecretError> {
        match &reference.place {
            Some(Place::Env(name)) if !name.is_empty() => self.read_variable(name),
            Some(Place::File(path)) if !path.is_empty() => self.read_file(path),
            Some(Place::Env(_) | Place::File(_)) | None => Err(SecretError::NothingNamed),
        }
    }

    fn read_variable(&self, name: &str) -> Result<SecretString, SecretError> {
        if self.env_allow.is_empty() {
            return Err(SecretError::NoVariables {
                name: name.to_owned(),
            });
        }
        if !self.is_allowed(name) {
            return Err(SecretError::NotAllowed {
                name: name.to_owned(),
            });
        }
        let value = (self.lookup)(name).ok_or_else(|| SecretError::NotSet {
            name: name.to_owned(),
        })?;
        let reference = || format!("env:{name}");
        let value = value.into_string().map_err(|_| SecretError::NotUtf8 {
            reference: reference(),
        })?;
        if value.is_empty() {
            return Err(SecretError::Empty {
                reference: reference(),
            });
        }
        Ok(SecretString::from(value))
    }

    fn is_allowed(&self, name: &str) -> bool {
        // The worker's own credentials would otherwise be one workflow away from a host of
        // the caller's choice.
        let is_own = is_own(name);
        self.env_allow.iter().any(|pattern| {
            if is_own {
                pattern == name
            } else {
                matches(pattern, name)
            }
        })
    }

    fn read_file(&self, path: &str) -> Result<SecretString, SecretError> {
        let given = || path.to_owned();
        let Some(folder) = &self.folder else {
            return Err(SecretError::NoFolder { path: given() });
        };
        let is_below = Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !is_below || path.contains('\0') {
            return Err(SecretError::Outside { path: given() });
        }
        let failed = |cause: std::io::Error| match cause.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
                SecretError::Missing { path: given() }
            }
            _ => SecretError::Unreadable {
                path: given(),
                cause,
            },
        };
        // Links are followed, since that is how an orchestrator mounts secrets, and then
        // must still be inside.
        let folder = folder.canonicalize().map_err(failed)?;
        let file = folder.join(path).canonicalize().map_err(failed)?;
        if !file.starts_with(&folder) {
            return Err(SecretError::Outside { path: given() });
        }
        // A pipe would hold the thread for ever.
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(failed(std::io::Error::other("not a plain file")));
        }
        let mut bytes = Vec::with_capacity(self.max_bytes.min(4096));
        let limit = u64::try_from(self.max_bytes).unwrap_or(u64::MAX);
        std::fs::File::open(&file)
            .and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes))
            .map_err(failed)?;
        if bytes.len() > self.max_bytes {
            return Err(SecretError::TooLarge {
                path: given(),
                max_bytes: self.max_bytes,
            });
        }
        cut_line_end(&mut bytes);
        let reference = || format!("file:{path}");
        let text = String::from_utf8(bytes).map_err(|_| SecretError::NotUtf8 {
            reference: reference(),
        })?;
        if text.is_empty() {
            return Err(SecretError::Empty {
                reference: reference(),
            });
        }
        Ok(SecretString::from(text))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a reference is resolved where the worker's environment is, and anew each time"
)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Whether the worker itself is told something by this variable, such as an API key, a header of
/// an exporter or a proxy's password.
fn is_own(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["AEP_FLOW_", "TEMPORAL_", "OTEL_", "VAULT_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || name.ends_with("_PROXY")
}

/// The pattern of the names that begin as this one does.
fn prefix_of(name: &str) -> String {
    match name.split_once('_') {
        Some((prefix, _)) if !prefix.is_empty() => format!("{prefix}_*"),
        Some(_) | None => name.to_owned(),
    }
}

/// Cuts one line end, as `echo` and editors leave it, of either kind.
fn cut_line_end(bytes: &mut Vec<u8>) {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
}

/// Whether `name` is of the form `pattern`, in which `*` stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut rest = rest;
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn lookup(name: &str) -> Option<OsString> {
        match name {
            "OSC_PASSWORD"
            | "AEP_FLOW_CLIENT_SECRET"
            | "https_proxy"
            | "VAULT_TOKEN"
            | "OTEL_EXPORTER_OTLP_HEADERS" => Some("s3cret".into()),
            "EMPTY" => Some(OsString::new()),
            #[cfg(unix)]
            "BYTES" => Some(std::os::unix::ffi::OsStringExt::from_vec(vec![b's', 0xff])),
            _ => None,
        }
    }

    fn store(folder: Option<&Path>, env_allow: &[&str]) -> SecretStore {
        SecretStore {
            folder: folder.map(Path::to_owned),
            env_allow: env_allow.iter().map(|&each| each.to_owned()).collect(),
            max_bytes: 16,
            lookup,
        }
    }

    fn env(name: &str) -> SecretReference {
        SecretReference {
            place: Some(Place::Env(name.to_owned())),
        }
    }

    fn file(path: &str) -> SecretReference {
        SecretReference {
            place: Some(Place::File(path.to_owned())),
        }
    }

    async fn check(store: &SecretStore, reference: &SecretReference) -> String {
        match store.resolve(reference).await {
            Ok(secret) => secret.expose_secret().to_owned(),
            Err(error) => {
                let shown = format!("{error} / {} / {error:?}", error.next_step());
                assert!(!shown.contains("s3cret"), "{shown}");
                error.to_string()
            }
        }
    }

    #[tokio::test]
    async fn a_variable_is_read_when_it_is_allowed() {
        let all = store(None, &["*"]);
        let cases = [
            ("OSC_PASSWORD", "s3cret"),
            (
                "OSC_PASSWORT",
                "the variable `OSC_PASSWORT` is not set in the worker's environment",
            ),
            ("EMPTY", "the secret `env:EMPTY` is empty"),
            ("BYTES", "the secret `env:BYTES` is not UTF-8"),
            ("", "the reference names neither a variable nor a file"),
            (
                "AEP_FLOW_CLIENT_SECRET",
                "the variable `AEP_FLOW_CLIENT_SECRET` is not one that inputs may use",
            ),
            (
                "TEMPORAL_API_KEY",
                "the variable `TEMPORAL_API_KEY` is not one that inputs may use",
            ),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "the variable `OTEL_EXPORTER_OTLP_HEADERS` is not one that inputs may use",
            ),
            (
                "VAULT_TOKEN",
                "the variable `VAULT_TOKEN` is not one that inputs may use",
            ),
            (
                "https_proxy",
                "the variable `https_proxy` is not one that inputs may use",
            ),
        ];
        for (name, expected) in cases {
            assert_eq!(check(&all, &env(name)).await, expected, "{name}");
        }
        let some = store(None, &["OSC_*", "AEP_FLOW_CLIENT_SECRET"]);
        assert_eq!(check(&some, &env("OSC_PASSWORD")).await, "s3cret");
        assert_eq!(check(&some, &env("AEP_FLOW_CLIENT_SECRET")).await, "s3cret");
        assert_eq!(
            check(&some, &env("EMPTY")).await,
            "the variable `EMPTY` is not one that inputs may use"
        );
    }

    #[tokio::test]
    async fn no_variable_is_read_unless_the_owner_allows_some() {
        let none = SecretStore {
            lookup,
            ..SecretStore::new(&config::Secrets::default())
        };
        let error = none.resolve(&env("OSC_PASSWORD")).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the variable `OSC_PASSWORD` can't be looked up: inputs may use no variable of this \
             worker"
        );
        assert_eq!(
            error.next_step(),
            "set the worker's setting `secrets.env_allow` (`AEP_FLOW_SECRETS_ENV_ALLOW`) to \
             `OSC_*`, or to `OSC_PASSWORD` alone"
        );
    }

    #[test]
    fn a_pattern_matches_as_a_person_reads_it() {
        for (pattern, name, expected) in [
            ("*", "A", true),
            ("OSC_*", "OSC_PASSWORD", true),
            ("OSC_*", "MOSC_PASSWORD", false),
            ("*_PASSWORD", "OSC_PASSWORD", true),
            ("*_PASSWORD", "OSC_PASSWORD_OLD", false),
            ("OSC_*_PASSWORD", "OSC_EMEA_PASSWORD", true),
            ("OSC_*_PASSWORD", "OSC_PASSWORD", false),
            ("OSC", "OSC", true),
            ("OSC", "OSC_PASSWORD", false),
            ("A*A", "A", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[tokio::test]
    async fn a_file_is_read_below_the_folder_only() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("secrets");
        std::fs::create_dir_all(folder.join("osc")).unwrap();
        let put = |name: &str, content: &[u8]| std::fs::write(folder.join(name), content).unwrap();
        put("osc/password", b"s3cret\n");
        put("windows", b"s3cret\r\n");
        put("two", b"s3cret\n\n");
        put("empty", b"\n");
        put("bytes", b"s\xff");
        put("long", &[b'x'; 17]);
        std::fs::write(base.path().join("outside"), "s3cret").unwrap();

        let store = store(Some(&folder), &["*"]);
        let outside =
            |path: &str| format!("the file `{path}` is not below the worker's secrets folder");
        let absolute = base.path().join("outside").display().to_string();
        let cases = [
            ("osc/password", "s3cret".to_owned()),
            ("windows", "s3cret".to_owned()),
            ("two", "s3cret\n".to_owned()),
            ("empty", "the secret `file:empty` is empty".to_owned()),
            ("bytes", "the secret `file:bytes` is not UTF-8".to_owned()),
            ("long", "the file `long` is longer than 16 bytes".to_owned()),
            (
                "gone",
                "the file `gone` is not in the worker's secrets folder".to_owned(),
            ),
            (
                "windows/gone",
                "the file `windows/gone` is not in the worker's secrets folder".to_owned(),
            ),
            (
                "osc",
                "the file `osc` in the worker's secrets folder can't be read".to_owned(),
            ),
            ("../outside", outside("../outside")),
            ("osc/../../outside", outside("osc/../../outside")),
            (absolute.as_str(), outside(&absolute)),
        ];
        for (path, expected) in cases {
            assert_eq!(check(&store, &file(path)).await, expected, "{path}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_may_turn_inside_the_folder_and_not_lead_out() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("secrets");
        std::fs::create_dir_all(folder.join("..2026")).unwrap();
        std::fs::write(folder.join("..2026/password"), "s3cret").unwrap();
        std::fs::write(base.path().join("outside"), "s3cret").unwrap();
        std::os::unix::fs::symlink("..2026/password", folder.join("password")).unwrap();
        std::os::unix::fs::symlink("../outside", folder.join("leak")).unwrap();
        let store = store(Some(&folder), &["*"]);
        assert_eq!(check(&store, &file("password")).await, "s3cret");
        assert_eq!(
            check(&store, &file("leak")).await,
            "the file `leak` is not below the worker's secrets folder"
        );
    }

    #[tokio::test]
    async fn a_changed_file_is_seen_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(Some(folder.path()), &[]);
        std::fs::write(folder.path().join("p"), "old").unwrap();
        assert_eq!(check(&store, &file("p")).await, "old");
        std::fs::write(folder.path().join("p"), "new").unwrap();
        assert_eq!(check(&store, &file("p")).await, "new");
    }

    #[tokio::test]
    async fn without_a_folder_no_file_is_read() {
        assert_eq!(
            check(&store(None, &[]), &file("p")).await,
            "the file `p` can't be looked up: the worker has no secrets folder"
        );
    }
}
