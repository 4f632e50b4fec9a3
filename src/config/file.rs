//! Finds the configuration file and reads it as sections of keys.

use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::sources::Sources;
use super::vars::SETTINGS;

/// Keys of the retired JWT credentials, as Adobe's files and samples spell them.
const JWT_KEYS: [&str; 10] = [
    "private_key",
    "private_key_file",
    "private_key_path",
    "public_keys_expiry",
    "jwt",
    "jwt_token",
    "technical_account_id",
    "technical_account_email",
    "metascopes",
    "meta_scopes",
];

/// Whether a key belongs to a credential of the retired type.
pub(super) fn is_jwt_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    JWT_KEYS.contains(&key.as_str())
}

/// The content of a configuration file.
pub(super) struct File {
    pub(super) path: PathBuf,
    /// Each key with its section, and its value.
    pub(super) values: Vec<(&'static str, toml::Value)>,
}

impl File {
    /// The folder to which paths in the file are relative.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

/// Reads the named file, or the first of the usual ones that exists.
pub(super) fn read(sources: &Sources) -> Result<Option<File>, ConfigError> {
    let named = sources
        .config_file
        .clone()
        .or_else(|| {
            sources
                .environment
                .get("AEP_FLOW_CONFIG")
                .map(PathBuf::from)
        })
        .map(|path| sources.folder.join(path));
    let path = match named {
        Some(path) => path,
        None => match usual_places(sources)
            .into_iter()
            .find(|path| path.is_file())
        {
            Some(path) => path,
            None => return Ok(None),
        },
    };
    let text = std::fs::read_to_string(&path).map_err(|cause| ConfigError::FileUnreadable {
        file: path.clone(),
        cause,
    })?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map(|before| before.matches('\n').count() + 1);
        ConfigError::FileMalformed {
            file: path.clone(),
            place: line.map_or_else(String::new, |line| format!(" at line {line}")),
            problem: error.message().to_owned(),
        }
    })?;
    let values = known(&path, table)?;
    Ok(Some(File { path, values }))
}

/// Where to look for a file if none is named.
fn usual_places(sources: &Sources) -> Vec<PathBuf> {
    let home = sources
        .environment
        .get("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        // The standard requires a relative one to be ignored.
        .filter(|path| path.is_absolute())
        .or_else(|| {
            let home = sources.environment.get("HOME")?;
            Some(Path::new(home).join(".config"))
        });
    let mut places = vec![sources.folder.join("aep-flow.toml")];
    places.extend(home.map(|home| home.join("aep-flow").join("config.toml")));
    places
}

fn known(path: &Path, table: toml::Table) -> Result<Vec<(&'static str, toml::Value)>, ConfigError> {
    let place = || format!("`{}`", path.display());
    let mut values = Vec::new();
    for (section, content) in table {
        if is_jwt_key(&section) {
            return Err(ConfigError::JwtCredentials {
                key: section,
                place: place(),
            });
        }
        let toml::Value::Table(content) = content else {
            return Err(unknown_key(&section, place()));
        };
        if content.is_empty() && !is_section(&section) {
            return Err(unknown_key(&section, place()));
        }
        for (field, value) in content {
            let key = format!("{section}.{field}");
            if is_jwt_key(&field) {
                return Err(ConfigError::JwtCredentials {
                    key,
                    place: place(),
                });
            }
            let setting = SETTINGS.iter().find(|setting| setting.key == key);
            match setting {
                Some(setting) => values.push((setting.key, value)),
                None => return Err(unknown_key(&key, place())),
            }
        }
    }
    Ok(values)
}

fn is_section(name: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.section == name)
}

/// The error for a key that no setting has, with the most similar setting.
pub(super) fn unknown_key(key: &str, place: String) -> ConfigError {
    // A field without its section, or in the wrong one, is the most common mistake.
    let field = key.rsplit('.').next().unwrap_or(key);
    let same_field = SETTINGS.iter().find(|known| known.field == field);
    let nearest = same_field.map(|known| known.key).or_else(|| {
        aep_flow_proto::read::nearest(key, SETTINGS.iter().map(|setting| setting.key))
            .first()
            .and_then(|near| SETTINGS.iter().find(|setting| setting.key == *near))
            .map(|setting| setting.key)
    });
    ConfigError::UnknownKey {
        key: key.escape_debug().to_string(),
        place,
        nearest,
    }
}
