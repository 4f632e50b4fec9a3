//! Merges the layers: defaults, file, environment, flags.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::ExposeSecret as _;

use super::declare::Setting;
use super::environment::Environment;
use super::error::ConfigError;
use super::raw_value::{RawValue, ValueError};
use super::sources::Sources;
use super::vars::{Config, SETTINGS};
use super::{file, reference};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// A variable, by its name.
    Environment(String),
    /// A flag.
    Flag,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File(path) => write!(formatter, "{}", path.display()),
            Self::Environment(name) => write!(formatter, "environment, {name}"),
            Self::Flag => formatter.write_str("flag"),
        }
    }
}

/// A configuration, and the source of each value.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The source of each value, by name in the file. Settings that are not in it have defaults.
    pub origins: BTreeMap<&'static str, Origin>,
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
    /// The files that the configuration's secrets were read from, each with its setting.
    pub secret_files: Vec<(&'static str, PathBuf)>,
    /// Likely mistakes, such as a variable `AEP_FLOW_…` that no setting has.
    pub warnings: Vec<String>,
}

impl Loaded {
    /// Where the value of a setting came from.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }
}

impl Config {
    /// Reads the configuration of these sources.
    ///
    /// # Errors
    /// [`ConfigError`] for a file that can't be read, an unknown key, a value of the wrong type or
    /// out of range, a literal secret, and a reference that can't be resolved. The person who
    /// starts the program corrects it; nothing was done.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
        let mut loaded = Loaded {
            config: Self::default(),
            origins: BTreeMap::new(),
            file: None,
            secret_files: Vec::new(),
            warnings: Vec::new(),
        };
        refuse_jwt(&sources.environment)?;
        if let Some(file) = file::read(sources)? {
            for (key, value) in &file.values {
                // The file is read before the environment, but a secret that the environment
                // replaces need not be resolvable.
                let Some(setting) = find(key) else { continue };
                if setting.is_secret && from_environment(setting, &sources.environment).is_some() {
                    continue;
                }
                let raw = RawValue::File {
                    value,
                    folder: file.folder(),
                    environment: &sources.environment,
                };
                set(&mut loaded, setting, raw, Origin::File(file.path.clone()))?;
                if setting.is_secret {
                    let secret = reference::file_of(value, file.folder());
                    let secret = secret.map(|path| (setting.key, path));
                    loaded.secret_files.extend(secret);
                }
            }
            loaded.file = Some(file.path);
        }
        for setting in SETTINGS {
            let Some(variable) = from_environment(setting, &sources.environment) else {
                continue;
            };
            let Variable {
                name,
                value,
                names_a_file,
            } = variable;
            if names_a_file {
                let path = sources.folder.join(value);
                let secret = reference::from_file(&path)
                    .map_err(|wrong| explain(wrong, setting, format!("`{name}`")))?;
                let text = RawValue::Text(secret.expose_secret());
                set(&mut loaded, setting, text, Origin::Environment(name))?;
                loaded.secret_files.push((setting.key, path));
            } else {
                let text = RawValue::Text(value);
                set(&mut loaded, setting, text, Origin::Environment(name))?;
            }
        }
        for (key, value) in &sources.flags {
            let setting = find(key).ok_or_else(|| file::unknown_key(key, "a flag".to_owned()))?;
            if setting.is_secret {
                // Everybody on the machine can read the command line.
                return Err(explain(ValueError::Literal, setting, "a flag".to_owned()));
            }
            set(&mut loaded, setting, RawValue::Text(value), Origin::Flag)?;
        }
        check_ranges(&loaded)?;
        loaded.warnings = unknown_variables(&sources.environment);
        Ok(loaded)
    }
}

fn find(key: &str) -> Option<&'static Setting<Config>> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// A variable that sets a setting.
struct Variable<'a> {
    name: String,
    value: &'a str,
    /// Whether the value is the path of a file that holds the secret.
    names_a_file: bool,
}

/// The variable that sets `setting`. For a secret, the variable with `_FILE` after its name may
/// name a file instead: that is how secrets are mounted.
fn from_environment<'a>(
    setting: &Setting<Config>,
    environment: &'a Environment,
) -> Option<Variable<'a>> {
    let names = std::iter::once(&setting.env).chain(setting.other_envs);
    let direct = names.map(|&name| (name.to_owned(), false));
    let mounted = setting.is_secret.then(|| (file_variable(setting), true));
    direct.chain(mounted).find_map(|(name, names_a_file)| {
        let value = environment.get(&name)?;
        Some(Variable {
            name,
            value,
            names_a_file,
        })
    })
}

/// The variable that names the file of a secret.
fn file_variable(setting: &Setting<Config>) -> String {
    format!("{}_FILE", setting.env)
}

fn set(
    loaded: &mut Loaded,
    setting: &'static Setting<Config>,
    raw: RawValue<'_>,
    origin: Origin,
) -> Result<(), ConfigError> {
    (setting.set)(&mut loaded.config, raw)
        .map_err(|wrong| explain(wrong, setting, place(&origin)))?;
    loaded.origins.insert(setting.key, origin);
    Ok(())
}

fn place(origin: &Origin) -> String {
    match origin {
        Origin::Default => "the defaults".to_owned(),
        Origin::File(path) => format!("`{}`", path.display()),
        Origin::Environment(name) => format!("the variable `{name}`"),
        Origin::Flag => "a flag".to_owned(),
    }
}

fn explain(wrong: ValueError, setting: &Setting<Config>, place: String) -> ConfigError {
    let key = setting.key;
    match wrong {
        ValueError::Type { found, expected } => ConfigError::WrongValue {
            key,
            place,
            found,
            expected,
        },
        ValueError::Literal => ConfigError::LiteralSecret {
            key,
            field: setting.field,
            place,
            env: setting.env,
        },
        ValueError::Reference(problem) => ConfigError::SecretMissing {
            key,
            place,
            problem,
        },
    }
}

fn refuse_jwt(environment: &Environment) -> Result<(), ConfigError> {
    let retired = environment
        .names()
        .find(|name| name.strip_prefix("AEP_FLOW_").is_some_and(file::is_jwt_key));
    match retired {
        Some(name) => Err(ConfigError::JwtCredentials {
            key: name.to_owned(),
            place: "the environment".to_owned(),
        }),
        None => Ok(()),
    }
}

/// Refuses numbers that the program can't work with.
fn check_ranges(loaded: &Loaded) -> Result<(), ConfigError> {
    let config = &loaded.config;
    let at_least = |key: &'static str, value: u128, least: u128| {
        if value >= least {
            return Ok(());
        }
        Err(ConfigError::WrongValue {
            key,
            place: place(&loaded.origin(key)),
            found: value.to_string(),
            expected: format!("at least {least}"),
        })
    };
    let greater_than_zero = |key: &'static str, value: std::time::Duration| {
        if !value.is_zero() {
            return Ok(());
        }
        Err(ConfigError::WrongValue {
            key,
            place: place(&loaded.origin(key)),
            found: "0s".to_owned(),
            expected: "a duration greater than zero".to_owned(),
        })
    };
    greater_than_zero("aep.connect_timeout", config.aep.connect_timeout)?;
    greater_than_zero("aep.first_byte_timeout", config.aep.first_byte_timeout)?;
    greater_than_zero("aep.total_timeout", config.aep.total_timeout)?;
    at_least(
        "aep.max_answer_bytes",
        config.aep.max_answer_bytes as u128,
        1024,
    )?;
    at_least("aep.page_size", config.aep.page_size.into(), 1)?;
    at_least(
        "worker.max_concurrent_activities",
        config.worker.max_concurrent_activities as u128,
        1,
    )?;
    // With only one, the task of a cached workflow and that of an evicted one wait for each
    // other. The SDK refuses it too.
    at_least(
        "worker.max_concurrent_workflow_tasks",
        config.worker.max_concurrent_workflow_tasks as u128,
        2,
    )?;
    at_least("secrets.max_bytes", config.secrets.max_bytes as u128, 1)?;
    greater_than_zero("vault.timeout", config.vault.timeout)?;
    at_least("ensure.looks", config.ensure.looks.into(), 1)
}

/// Variables of ours that are not settings: the path of the file, and the folder in which the demo
/// keeps the Temporal server that it downloads.
const OTHERS: [&str; 2] = ["AEP_FLOW_CONFIG", "AEP_FLOW_CACHE"];

/// Variables with our prefix that no setting has. This is only a warning, because a cluster with a
/// service called `aep-flow` sets variables such as `AEP_FLOW_PORT` itself.
fn unknown_variables(environment: &Environment) -> Vec<String> {
    environment
        .names()
        .filter(|name| name.starts_with("AEP_FLOW_") && !OTHERS.contains(name))
        .filter(|name| !is_known(name))
        .map(|name| {
            let known = SETTINGS.iter().map(|setting| setting.env);
            match aep_flow_proto::read::nearest(name, known).first() {
                Some(near) => {
                    format!("no setting reads the variable `{name}`; did you mean `{near}`?")
                }
                None => format!("no setting reads the variable `{name}`"),
            }
        })
        .collect()
}

fn is_known(name: &str) -> bool {
    SETTINGS.iter().any(|setting| {
        setting.env == name
            || setting.other_envs.contains(&name)
            || (setting.is_secret && name == file_variable(setting))
    })
}
