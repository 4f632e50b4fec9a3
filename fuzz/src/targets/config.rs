//! The configuration: a file, and in lines `#env NAME=value` of it the environment.

use std::path::PathBuf;

use aep_flow::config::{Config, Environment, Sources};

use crate::oracle::{CANARY, assert_quiet};

/// Where a secret is put by mistake, and where it is put rightly.
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
        // A file that is named is read: from nowhere but the folder.
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
        // A reference is named in errors, as the person who wrote it must find it.
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
            // Who reads it wrote the file as well, so it may be as long as that.
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
