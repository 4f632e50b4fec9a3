//! How each type of setting is read and shown.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::raw_value::{RawValue, ValueError};
use super::reference;
use crate::secrets::SecretRule;

/// A type of setting.
pub(super) trait Value: Sized {
    /// Whether the value is never shown, and never literal in a file.
    const IS_SECRET: bool = false;
    /// What a valid value looks like.
    const EXPECTED: &'static str;

    /// Reads the value from the environment or a flag.
    fn from_text(text: &str) -> Option<Self>;

    /// Reads the value from the file, where it is a string unless the type says otherwise.
    fn from_toml(value: &toml::Value) -> Option<Self> {
        value.as_str().and_then(Self::from_text)
    }

    /// The value as the environment would have it.
    fn shown(&self) -> String;

    /// Reads the value from either source.
    fn read(raw: RawValue<'_>) -> Result<Self, ValueError> {
        match raw {
            RawValue::Text(text) => {
                Self::from_text(text).ok_or_else(|| wrong(text, Self::EXPECTED))
            }
            RawValue::File { value, .. } => {
                Self::from_toml(value).ok_or_else(|| wrong(&value.to_string(), Self::EXPECTED))
            }
        }
    }
}

fn wrong(found: &str, expected: &str) -> ValueError {
    let mut shown: String = found
        .chars()
        .take(80)
        .flat_map(char::escape_debug)
        .collect();
    if found.chars().nth(80).is_some() {
        shown.push('…');
    }
    ValueError::Type {
        found: format!("`{shown}`"),
        expected: expected.to_owned(),
    }
}

impl Value for String {
    const EXPECTED: &'static str = "a text that is not empty";

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn shown(&self) -> String {
        self.clone()
    }
}

impl Value for Option<String> {
    const EXPECTED: &'static str = String::EXPECTED;

    fn from_text(text: &str) -> Option<Self> {
        String::from_text(text).map(Some)
    }

    fn shown(&self) -> String {
        self.clone().unwrap_or_default()
    }
}

impl Value for Vec<String> {
    const EXPECTED: &'static str = "a list of texts (in the environment: separated by commas)";

    fn from_text(text: &str) -> Option<Self> {
        let words: Self = text
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        (!words.is_empty()).then_some(words)
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        match value {
            toml::Value::Array(items) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect(),
            other => other.as_str().and_then(Self::from_text),
        }
    }

    fn shown(&self) -> String {
        self.join(",")
    }
}

impl Value for Vec<SecretRule> {
    const EXPECTED: &'static str = "rules such as `[{ secret = \"env:OSC_*\", sources = \
        [\"oracle-service-cloud\"], hosts = [\"*.custhelp.com\"] }]`; a secret begins with `env:`, \
        `file:` or `vault:`, or is `*`, and a host has no scheme and no port";

    fn from_text(text: &str) -> Option<Self> {
        let table: toml::Table = format!("rule = {text}").parse().ok()?;
        // The text could hold more than one key.
        let rules = (table.len() == 1).then(|| table.get("rule"))??;
        Self::from_toml(rules)
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        let rules: Self = value.clone().try_into().ok()?;
        // No rule would mean that every secret may go everywhere.
        (!rules.is_empty() && rules.iter().all(SecretRule::is_sound)).then_some(rules)
    }

    fn shown(&self) -> String {
        if self.is_empty() {
            return String::new();
        }
        toml::Value::try_from(self).map_or_else(|_| String::new(), |rules| rules.to_string())
    }
}

impl Value for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_text(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            _ => None,
        }
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        value.as_bool()
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Value for usize {
    const EXPECTED: &'static str = "a whole number";

    fn from_text(text: &str) -> Option<Self> {
        text.trim().replace('_', "").parse().ok()
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        value.as_integer().and_then(|number| number.try_into().ok())
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Value for u32 {
    const EXPECTED: &'static str = "a whole number";

    fn from_text(text: &str) -> Option<Self> {
        text.trim().replace('_', "").parse().ok()
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        value.as_integer().and_then(|number| number.try_into().ok())
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Value for Option<f64> {
    const EXPECTED: &'static str = "a number greater than 0";

    fn from_text(text: &str) -> Option<Self> {
        let number: f64 = text.trim().parse().ok()?;
        (number.is_finite() && number > 0.0).then_some(Some(number))
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        Self::from_text(&value.to_string())
    }

    fn shown(&self) -> String {
        self.map_or_else(String::new, |number| number.to_string())
    }
}

impl Value for Option<SocketAddr> {
    const EXPECTED: &'static str = "an address and a port such as `127.0.0.1:9464`";

    fn from_text(text: &str) -> Option<Self> {
        text.trim().parse().ok().map(Some)
    }

    fn shown(&self) -> String {
        self.map_or_else(String::new, |address| address.to_string())
    }
}

impl Value for Duration {
    const EXPECTED: &'static str = "a duration with a unit, such as `30s`, `2m` or `1h 30m`";

    fn from_text(text: &str) -> Option<Self> {
        let time: jiff::SignedDuration = text.trim().parse().ok()?;
        time.try_into().ok()
    }

    fn shown(&self) -> String {
        jiff::SignedDuration::try_from(*self)
            .map(|time| format!("{time:#}"))
            .unwrap_or_else(|_| format!("{}s", self.as_secs()))
    }
}

impl Value for Url {
    const EXPECTED: &'static str = "a URL such as `https://platform.adobe.io`";

    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text.trim()).ok().filter(Self::has_host)
    }

    fn shown(&self) -> String {
        // A password in a URL is refused later; this may be printed before that.
        let mut shown = self.clone();
        if shown.password().is_some() {
            let _ = shown.set_password(Some("***"));
        }
        shown.to_string()
    }
}

impl Value for Option<Url> {
    const EXPECTED: &'static str = "a URL such as `https://vault.example:8200`";

    fn from_text(text: &str) -> Option<Self> {
        Url::from_text(text).map(Some)
    }

    fn shown(&self) -> String {
        self.as_ref().map(Value::shown).unwrap_or_default()
    }
}

/// The address of a proxy, which may hold a password.
#[derive(Debug, Clone)]
pub struct ProxyAddress(SecretString);

impl ProxyAddress {
    /// The whole address.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.0
    }

    fn url(&self) -> Option<Url> {
        Url::parse(self.0.expose_secret()).ok()
    }
}

impl Value for Option<ProxyAddress> {
    const EXPECTED: &'static str = "a proxy such as `http://proxy.example:3128`, in the file \
                                    without a password";

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        // Other tools accept a host without a scheme too.
        let text = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let url = Url::parse(&text).ok()?;
        let is_proxy = matches!(url.scheme(), "http" | "https") && url.has_host();
        is_proxy.then(|| Some(ProxyAddress(text.into())))
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        let address = Self::from_text(value.as_str()?)??;
        let is_literal = address.url()?.password().is_some();
        (!is_literal).then_some(Some(address))
    }

    fn shown(&self) -> String {
        let Some(mut url) = self.as_ref().and_then(ProxyAddress::url) else {
            return String::new();
        };
        if !url.username().is_empty() {
            let _ = url.set_username("***");
        }
        if url.password().is_some() {
            let _ = url.set_password(Some("***"));
        }
        url.to_string()
    }

    fn read(raw: RawValue<'_>) -> Result<Self, ValueError> {
        let read = match raw {
            RawValue::Text(text) => Self::from_text(text),
            RawValue::File { value, .. } => Self::from_toml(value),
        };
        // The value may contain a password.
        read.ok_or_else(|| ValueError::Type {
            found: "something else".to_owned(),
            expected: Self::EXPECTED.to_owned(),
        })
    }
}

impl Value for Option<PathBuf> {
    const EXPECTED: &'static str = "a path";

    fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Some(PathBuf::from(text)))
    }

    fn shown(&self) -> String {
        self.as_deref()
            .map(|path| path.display().to_string())
            .unwrap_or_default()
    }

    fn read(raw: RawValue<'_>) -> Result<Self, ValueError> {
        match raw {
            RawValue::Text(text) => {
                Self::from_text(text).ok_or_else(|| wrong(text, Self::EXPECTED))
            }
            RawValue::File { value, folder, .. } => match value.as_str() {
                Some(path) if !path.is_empty() => Ok(Some(folder.join(path))),
                _ => Err(wrong(&value.to_string(), Self::EXPECTED)),
            },
        }
    }
}

impl Value for Option<SecretString> {
    const IS_SECRET: bool = true;
    const EXPECTED: &'static str = reference::EXPECTED;

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Some(SecretString::from(text.to_owned())))
    }

    fn shown(&self) -> String {
        if self.is_some() {
            "***".to_owned()
        } else {
            String::new()
        }
    }

    fn read(raw: RawValue<'_>) -> Result<Self, ValueError> {
        match raw {
            RawValue::Text(text) => Self::from_text(text).ok_or_else(|| ValueError::Type {
                found: "nothing".to_owned(),
                expected: "a secret".to_owned(),
            }),
            RawValue::File {
                value,
                folder,
                environment,
            } => reference::resolve(value, folder, environment).map(Some),
        }
    }
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl Value for LogFormat {
    const EXPECTED: &'static str = "`auto`, `text` or `json`";

    fn from_text(text: &str) -> Option<Self> {
        match text.trim() {
            "auto" => Some(Self::Auto),
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Json => "json",
        }
        .to_owned()
    }
}

/// Whether calls to Temporal are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// None for a loopback or private address, gzip for any other.
    #[default]
    Auto,
    /// Never.
    None,
    /// Always.
    Gzip,
}

impl Value for Compression {
    const EXPECTED: &'static str = "`auto`, `none` or `gzip`";

    fn from_text(text: &str) -> Option<Self> {
        match text.trim() {
            "auto" => Some(Self::Auto),
            "none" => Some(Self::None),
            "gzip" => Some(Self::Gzip),
            _ => None,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::Gzip => "gzip",
        }
        .to_owned()
    }
}
