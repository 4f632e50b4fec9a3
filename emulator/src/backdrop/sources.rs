//! The sources whose tables Flow Service takes, as data: `sources.json`.
//!
//! Each has what its tutorial prints: the id of its connection spec, the exact names of its ways to
//! log in and of their parameters, and whether the two prints of the flow spec `CRMToAEP` list it.
//! Where no document has the service's own name of a source, its title in lower case stands for it.
//!
//! The tutorials of Salesforce Marketing Cloud and of PathFactory print one id. A platform finds a
//! spec by its id, so there is one spec, under the name of the source that the other prints of that
//! id belong to, with the ways of both tutorials; PathFactory is an alias, which only the settings
//! of the emulator know.
//!
//! Source: create a base connection, for each source; prints of 2022 to 2026, read 2026-11.

use std::sync::LazyLock;

use serde::Deserialize;

/// A source, as its documents have it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Source {
    /// The name of its connection spec.
    pub(crate) name: String,
    /// Other names that settings may call it by.
    #[serde(default)]
    aliases: Vec<String>,
    /// The id of its connection spec.
    pub(crate) id: String,
    /// As the catalogue of sources has it.
    pub(crate) category: String,
    /// Which tables it has.
    pub(crate) tables: String,
    /// Which prints of `CRMToAEP` list it.
    flow_spec_prints: Vec<Print>,
    /// Whether it filters rows.
    #[serde(default)]
    pub(crate) filter_at_source: bool,
    /// Its ways to log in.
    pub(crate) auth: Vec<AuthSpec>,
}

/// A print of the flow spec `CRMToAEP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Print {
    Older,
    Newest,
}

/// A way to log in.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AuthSpec {
    pub(crate) spec_name: String,
    pub(crate) params: Vec<Param>,
}

/// A parameter of a way to log in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Param {
    pub(crate) name: String,
    #[serde(default, rename = "type")]
    pub(crate) kind: ParamKind,
    #[serde(default)]
    pub(crate) secret: bool,
    #[serde(default)]
    pub(crate) optional: bool,
}

/// The JSON type of a parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ParamKind {
    #[default]
    String,
    Number,
    Boolean,
}

impl Source {
    /// Whether a setting means this source by a name or by an id.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.id == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// Whether the newest print of `CRMToAEP` lists it.
    pub(crate) fn is_in_newest_print(&self) -> bool {
        self.flow_spec_prints.contains(&Print::Newest)
    }
}

/// All of them, in the order of the catalogue.
pub(crate) fn all() -> &'static [Source] {
    #[expect(clippy::expect_used, reason = "compiled in, and read by a test")]
    static ALL: LazyLock<Vec<Source>> = LazyLock::new(|| {
        serde_json::from_str(include_str!("sources.json")).expect("sources.json is JSON of sources")
    });
    &ALL
}

/// Whether some source has a parameter of this name that is no secret, and none has it as one.
pub(crate) fn is_plain_param(name: &str) -> bool {
    let mut named = all()
        .iter()
        .flat_map(|source| &source.auth)
        .flat_map(|auth| &auth.params)
        .filter(|param| param.name == name)
        .peekable();
    named.peek().is_some() && named.all(|param| !param.secret)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_source_is_there_once() {
        let ids: BTreeSet<&str> = all().iter().map(|source| source.id.as_str()).collect();
        assert_eq!((all().len(), ids.len()), (37, 37));
        let ways: usize = all().iter().map(|source| source.auth.len()).sum();
        assert_eq!(ways, 52);
        for source in all() {
            assert!(!source.flow_spec_prints.is_empty(), "{}", source.name);
            assert_eq!(source.id.len(), 36, "{}", source.name);
            for auth in &source.auth {
                let names: BTreeSet<&str> = auth
                    .params
                    .iter()
                    .map(|param| param.name.as_str())
                    .collect();
                assert_eq!(names.len(), auth.params.len(), "{}", source.name);
            }
        }
    }

    #[test]
    fn the_newest_print_lacks_six_sources() {
        let lacking = all().iter().filter(|source| !source.is_in_newest_print());
        let lacking: Vec<&str> = lacking.map(|source| source.name.as_str()).collect();
        let expected = [
            "oracle-service-cloud",
            "zoho-crm",
            "couchbase",
            "phoenix",
            "oracle-responsys",
            "paypal",
        ];
        assert_eq!(lacking, expected);
    }

    #[test]
    fn a_parameter_is_plain_only_where_no_source_hides_it() {
        for plain in ["host", "clientId", "enableSsl", "servicePrincipalId"] {
            assert!(is_plain_param(plain), "{plain}");
        }
        for other in [
            "password",
            "connectionString",
            "servicePrincipalKey",
            "anything",
        ] {
            assert!(!is_plain_param(other), "{other}");
        }
    }
}
