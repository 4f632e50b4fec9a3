//! The setting with the codec's keys: a list, in which each key is a reference to a secret.

use secrecy::{ExposeSecret as _, SecretString};

use super::raw_value::{RawValue, ValueError};
use super::reference;
use super::value::Value;
use crate::codec::{KeyRing, KeyRingError};

impl Value for Option<KeyRing> {
    const IS_SECRET: bool = true;
    const EXPECTED: &'static str = "keys, each with an id and 32 bytes: `ID=KEY` in the \
        environment, `{ id = \"ID\", key = { env = \"NAME\" } }` or `{ id = \"ID\", key = { file \
        = \"path\" } }` in a file";

    fn from_text(text: &str) -> Option<Self> {
        KeyRing::parse(text).ok().map(Some)
    }

    fn shown(&self) -> String {
        match self {
            Some(_) => "***".to_owned(),
            None => String::new(),
        }
    }

    fn read(raw: RawValue<'_>) -> Result<Self, ValueError> {
        match raw {
            RawValue::Text(text) => KeyRing::parse(text).map(Some).map_err(wrong),
            RawValue::File {
                value,
                folder,
                environment,
            } => match value {
                toml::Value::Array(entries) => listed(entries, |value: &toml::Value| {
                    reference::resolve(value, folder, environment)
                })
                .map(Some),
                value => {
                    let text = reference::resolve(value, folder, environment)?;
                    KeyRing::parse(text.expose_secret())
                        .map(Some)
                        .map_err(wrong)
                }
            },
        }
    }
}

fn listed(
    entries: &[toml::Value],
    secret: impl Fn(&toml::Value) -> Result<SecretString, ValueError>,
) -> Result<KeyRing, ValueError> {
    let mut keys = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let table = entry.as_table().filter(|table| table.len() == 2);
        let id = table.and_then(|table| table.get("id")?.as_str());
        let key = table.and_then(|table| table.get("key"));
        let (Some(id), Some(key)) = (id, key) else {
            return Err(ValueError::Type {
                found: format!("a list whose entry {} has not an `id` and a `key`", at + 1),
                expected: <Option<KeyRing>>::EXPECTED.to_owned(),
            });
        };
        keys.push((id, secret(key)?));
    }
    KeyRing::new(keys.iter().map(|(id, key)| (*id, key.expose_secret()))).map_err(wrong)
}

fn wrong(error: KeyRingError) -> ValueError {
    ValueError::Type {
        found: error.to_string(),
        expected: <Option<KeyRing>>::EXPECTED.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ConfigError, Sources};

    const KEY: &str = "aa06aa06aa06aa06aa06aa06aa06aa06aa06aa06aa06aa06aa06aa06aa06aa06";

    fn load(file: &str, environment: &[(&str, &str)]) -> Result<Vec<String>, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        put("aep-flow.toml", file);
        put("key", &format!("{KEY}\n"));
        put("keys", &format!("new={KEY}\nold={KEY}\n"));
        let loaded = Config::load(&Sources {
            folder: folder.path().to_owned(),
            environment: environment.iter().copied().collect(),
            ..Sources::default()
        })?;
        assert!(!format!("{:?}", loaded.config).contains("aa06"));
        assert_eq!(loaded.warnings, Vec::<String>::new());
        let shown = loaded.config.shown();
        let keys = loaded.config.codec.keys;
        let expected = if keys.is_some() { "***" } else { "" };
        assert!(
            shown
                .iter()
                .any(|line| line.key == "codec.keys" && line.value == expected)
        );
        let ids = keys.map(|keys| keys.ids().map(str::to_owned).collect());
        Ok(ids.unwrap_or_default())
    }

    #[test]
    fn keys_are_read_from_each_place() {
        let none = [""; 0];
        assert_eq!(load("", &[]).unwrap(), none);
        let variable = format!("2026-11={KEY}, 2026-08={KEY}");
        let mine = [("MINE", variable.as_str()), ("ONE", KEY)];
        let listed = "[codec]\nkeys = [{ id = \"a\", key = { file = \"key\" } },\n\
                      { id = \"b\", key = { env = \"ONE\" } }]";
        assert_eq!(load(listed, &mine).unwrap(), ["a", "b"]);
        let whole = "[codec]\nkeys = { env = \"MINE\" }";
        assert_eq!(load(whole, &mine).unwrap(), ["2026-11", "2026-08"]);
        let file = "[codec]\nkeys = { file = \"keys\" }";
        assert_eq!(load(file, &mine).unwrap(), ["new", "old"]);
        let environment = [("AEP_FLOW_CODEC_KEYS", variable.as_str())];
        assert_eq!(load(listed, &environment).unwrap(), ["2026-11", "2026-08"]);
    }

    #[test]
    fn keys_that_are_wrong_are_named_and_not_shown() {
        let entry = |entry: &str| format!("[codec]\nkeys = [{entry}]");
        let short = &KEY[2..];
        let variables = [("SHORT", short), ("ONE", KEY)];
        for (file, expected) in [
            (
                format!("[codec]\nkeys = \"a={KEY}\""),
                "is a literal secret",
            ),
            (
                entry(&format!("{{ id = \"a\", key = \"{KEY}\" }}")),
                "is a literal secret",
            ),
            (
                entry("{ id = \"a\", key = { env = \"GONE\" } }"),
                "`GONE` is not set",
            ),
            (
                entry("{ id = \"a\", key = { env = \"SHORT\" } }"),
                "key `a` is not 32 bytes",
            ),
            (
                entry(&format!("{{ id = \"{KEY}\", key = {{ env = \"ONE\" }} }}")),
                "entry 1 has no valid id",
            ),
            (entry("{ id = \"a\" }"), "entry 1 has not an `id`"),
            (entry(&format!("\"{KEY}\"")), "entry 1 has not an `id`"),
            ("[codec]\nkeys = []".to_owned(), "without a key"),
        ] {
            let error = load(&file, &variables).unwrap_err();
            let shown = format!("{error} / {} / {error:?}", error.next_step());
            assert!(shown.contains(expected), "{file}: {shown}");
            assert!(!shown.contains("aa06"), "{shown}");
        }
        let environment = [("AEP_FLOW_CODEC_KEYS", short)];
        let shown = load("", &environment).unwrap_err().to_string();
        assert!(shown.contains("entry 1 is not `ID=KEY`"), "{shown}");
        assert!(!shown.contains("aa06"), "{shown}");
    }
}
