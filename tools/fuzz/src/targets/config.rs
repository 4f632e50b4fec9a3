//! The configuration: a file, whose lines `#env NAME=value` are the environment.

use std::path::PathBuf;

use aep_flow::config::{Config, Environment, Sources};

use crate::oracle::{CANARY, assert_quiet};

/// Places where a secret is by mistake, and where it belongs.
const SECRET_PLACES: [&str; 8] = [
    "token = ",
    "#env AEP_FLOW_VAULT_TOKEN=",
    "#env AEP_FLOW_CODEC_KEYS=",
    "#env AEP_FLOW_CODEC_SERVER_TOKEN=",
    "client_secret",
    "#env AEP_FLOW_CLIENT_SECRET=",
    "#env CLIENT_SECRET=",
    "#env SOME_SECRET=",
];

thread_local! {
    static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("a temporary folder");
}

pub(super) fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let environment: Environment = text
        .lines()
        .filter_map(|line| line.strip_prefix("#env ")?.split_once('='))
        // A variable that names a file makes the configuration read it, so none may lead out of the
        // folder.
        .filter(|(name, _)| *name != "AEP_FLOW_CONFIG" && !name.ends_with("_FILE"))
        .collect();
    let folder = FOLDER.with(|folder| folder.path().to_owned());
    let file = folder.join("aep-flow.toml");
    std::fs::write(&file, input).expect("the folder can be written to");
    let sources = Sources {
        config_file: Some(PathBuf::from(&file)),
        folder,
        environment,
        flags: Vec::new(),
    };
    let secret = text.lines().all(|line| {
        // Errors name a reference, so that the person who wrote it can find it.
        let written = line.trim().strip_prefix("#env ").unwrap_or(line);
        let is_reference = written.contains("file") || written.contains("env");
        let (key, _) = line.rsplit_once('=').unwrap_or_default();
        let is_reference = is_reference || key.contains(CANARY);
        let is_secret = SECRET_PLACES
            .iter()
            .any(|place| line.trim().starts_with(place));
        !line.contains(CANARY) || (is_secret && !is_reference)
    });
    match Config::load(&sources) {
        Err(error) => {
            let causes =
                std::iter::successors(std::error::Error::source(&error), |error| error.source());
            let causes: Vec<String> = causes.map(ToString::to_string).collect();
            // The reader of the error also wrote the file, so the error may be as long as the file.
            if secret {
                assert_quiet(&format!("{error}\n{error:?}\n{causes:?}"));
            }
        }
        Ok(loaded) => {
            if secret {
                assert_quiet(&format!("{loaded:?}"));
                assert_quiet(&format!("{:?}", loaded.config.shown()));
                assert_quiet(&loaded.warnings.concat());
            }
        }
    }
}
