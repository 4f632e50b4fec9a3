//! Resolves references to secrets, such as `{"env": "OSC_PASSWORD"}`.
//!
//! A reference comes from an input, and so from somebody who may start workflows but may not own
//! the worker. It can reach the variables that the owner allows, the files below one folder, the
//! allowed paths of one Vault, and nothing else, for the sources and hosts that the rules name. Each
//! use reads the secret again, so that it may be rotated. No error shows a value.

mod error;
pub(crate) mod exposure;
mod file;
mod pattern;
mod rule;
mod text;
mod variable;
pub mod vault;

use std::ffi::OsString;
use std::path::PathBuf;

use aep_flow_proto::v1::{SecretReference, secret_reference::Place};
use secrecy::SecretString;

pub use error::SecretError;
pub use file::{NoOpenat2, check_system};
pub(crate) use rule::host_in;
pub use rule::{Destination, SecretRule};
use vault::{Vault, VaultConfigError};

use crate::config::Config;

/// The places that references may reach.
#[derive(Debug)]
pub struct SecretStore {
    folder: Option<PathBuf>,
    env_allow: Vec<String>,
    max_bytes: usize,
    vault: Option<Vault>,
    rules: Vec<SecretRule>,
    lookup: fn(&str) -> Option<OsString>,
}

impl SecretStore {
    /// A store with the limits of the configuration. Each place is off unless configured: variables
    /// by `secrets.env_allow`, files by `secrets.folder`, Vault by `vault.address`.
    ///
    /// # Errors
    /// [`VaultConfigError`]: the settings of Vault are wrong.
    pub fn new(config: &Config) -> Result<Self, VaultConfigError> {
        Ok(Self {
            folder: config.secrets.folder.clone(),
            env_allow: config.secrets.env_allow.clone(),
            max_bytes: config.secrets.max_bytes,
            vault: Vault::from_config(config)?,
            rules: config.secrets.rule.clone(),
            lookup: variable::of_process,
        })
    }

    /// Checks that the secret that `reference` names may go to `destination`, before it is read.
    /// Without any rule, every secret may.
    ///
    /// # Errors
    /// [`SecretError::NoRule`]. The owner of the worker adds a rule, or the author of the input
    /// names another secret or host.
    pub fn permit(
        &self,
        reference: &SecretReference,
        destination: &Destination,
    ) -> Result<(), SecretError> {
        let secret = rule::written(reference).ok_or(SecretError::NothingNamed)?;
        let mut rules = self.rules.iter();
        if self.rules.is_empty() || rules.any(|rule| rule.permits(&secret, destination)) {
            return Ok(());
        }
        Err(SecretError::NoRule {
            reference: secret,
            destination: destination.clone(),
        })
    }

    /// The secret that `reference` names, read now. Whoever sends it somewhere asks
    /// [`SecretStore::permit`] first.
    ///
    /// Reads a file synchronously, because it is small and local. Vault is called over the
    /// network.
    ///
    /// # Errors
    /// [`SecretError`]. The owner of the input or of the worker fixes it, see
    /// [`SecretError::next_step`], unless it is transient, see [`SecretError::is_transient`].
    pub async fn resolve(&self, reference: &SecretReference) -> Result<SecretString, SecretError> {
        match &reference.place {
            Some(Place::Env(name)) if !name.is_empty() => {
                variable::read(&self.env_allow, name, self.lookup)
            }
            Some(Place::File(path)) if !path.is_empty() => {
                file::read(self.folder.as_deref(), path, self.max_bytes)
            }
            Some(Place::Vault(secret)) if !secret.path.is_empty() => {
                let (path, key) = (secret.path.clone(), secret.key.clone());
                let Some(vault) = &self.vault else {
                    return Err(SecretError::NoVault { path, key });
                };
                let value = vault.read(&path, &key).await;
                value.map_err(|cause| SecretError::Vault { path, key, cause })
            }
            Some(Place::Env(_) | Place::File(_) | Place::Vault(_)) | None => {
                Err(SecretError::NothingNamed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

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
            vault: None,
            rules: Vec::new(),
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
            (
                "",
                "the reference names neither a variable, nor a file, nor a secret in Vault",
            ),
            (
                "AEP_FLOW_CLIENT_SECRET",
                "inputs may not use the variable `AEP_FLOW_CLIENT_SECRET`",
            ),
            (
                "TEMPORAL_API_KEY",
                "inputs may not use the variable `TEMPORAL_API_KEY`",
            ),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "inputs may not use the variable `OTEL_EXPORTER_OTLP_HEADERS`",
            ),
            (
                "VAULT_TOKEN",
                "inputs may not use the variable `VAULT_TOKEN`",
            ),
            (
                "https_proxy",
                "inputs may not use the variable `https_proxy`",
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
            "inputs may not use the variable `EMPTY`"
        );
    }

    #[tokio::test]
    async fn no_variable_is_read_unless_the_owner_allows_some() {
        let none = SecretStore {
            lookup,
            ..SecretStore::new(&Config::default()).unwrap()
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
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(to, folder.join(name)).unwrap();
        };
        link("../outside", "leak");
        // Kubernetes mounts a secret like this, so that all of its files change at once.
        link("..2026", "..data");
        link("..data/password", "mounted");
        // The kernel itself would follow this one.
        link("/proc/self/root/etc/passwd", "magic");
        let store = store(Some(&folder), &["*"]);
        for name in ["password", "mounted"] {
            assert_eq!(check(&store, &file(name)).await, "s3cret", "{name}");
        }
        for name in ["leak", "magic"] {
            assert_eq!(
                check(&store, &file(name)).await,
                format!("the file `{name}` is not below the worker's secrets folder")
            );
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_link_that_is_swapped_in_the_middle_leads_nowhere() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicBool, Ordering};

        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("secrets");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("good"), "s3cret").unwrap();
        std::fs::write(base.path().join("outside"), "outside").unwrap();
        let store = store(Some(&folder), &[]);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let swap = std::thread::spawn(move || {
            let mut to = ["good", "../outside"].into_iter().cycle();
            while !stopped.load(Ordering::Relaxed) {
                std::os::unix::fs::symlink(to.next().unwrap(), folder.join("next")).unwrap();
                std::fs::rename(folder.join("next"), folder.join("password")).unwrap();
            }
        });
        let mut read = 0;
        for _ in 0..20_000 {
            match store.resolve(&file("password")).await {
                Ok(secret) => {
                    assert_eq!(secret.expose_secret(), "s3cret");
                    read += 1;
                }
                Err(SecretError::Outside { .. } | SecretError::Missing { .. }) => {}
                Err(SecretError::Unreadable { cause, .. }) => {
                    assert_eq!(cause.kind(), std::io::ErrorKind::WouldBlock);
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        stop.store(true, Ordering::Relaxed);
        swap.join().unwrap();
        assert!(read > 0);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_pipe_does_not_hold_the_thread() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        assert_eq!(
            check(&store(Some(folder.path()), &[]), &file("pipe")).await,
            "the file `pipe` in the worker's secrets folder can't be read"
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
    async fn without_a_vault_none_is_asked() {
        let reference = SecretReference {
            place: Some(Place::Vault(aep_flow_proto::v1::VaultSecret {
                path: "osc/emea".to_owned(),
                key: "password".to_owned(),
            })),
        };
        assert_eq!(
            check(&store(None, &[]), &reference).await,
            "the secret `vault:osc/emea#password` can't be looked up: the worker has no Vault"
        );
    }

    #[test]
    fn a_store_prints_no_secret() {
        let mut config = Config::default();
        config.vault.address = Some("https://vault.example".parse().unwrap());
        config.vault.allow = vec!["osc/*".to_owned()];
        config.vault.role_id = Some("role".to_owned());
        config.vault.secret_id = Some("s3cret".into());
        let proxy = ("HTTPS_PROXY", "http://svc:s3cret@proxy.example:3128");
        let sources = crate::config::Sources {
            environment: [proxy].into_iter().collect(),
            ..crate::config::Sources::default()
        };
        config.proxy = Config::load(&sources).unwrap().config.proxy;
        let store = SecretStore::new(&config).unwrap();
        let shown = format!("{store:?} {config:?}");
        assert!(shown.contains("vault.example"), "{shown}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }

    #[tokio::test]
    async fn without_a_folder_no_file_is_read() {
        assert_eq!(
            check(&store(None, &[]), &file("p")).await,
            "the file `p` can't be looked up: the worker has no secrets folder"
        );
    }
}
