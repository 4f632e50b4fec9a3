//! The sources whose tables Flow Service ingests, as data in `sources.json`.
//!
//! Each entry holds what the source's tutorial prints: the id of its connection spec, the exact
//! names of its auth specs and of their parameters, and whether the two printed versions of the
//! flow spec `CRMToAEP` list it. If no document gives the service's own name for a source, the
//! entry uses its title in lower case.
//!
//! The tutorials of Salesforce Marketing Cloud and of PathFactory print the same id. A platform
//! finds a spec by its id, so there is one spec with the auth specs of both tutorials. Its name is
//! that of the source to which the other documents assign the id. PathFactory is an alias that only
//! the emulator's settings know.
//!
//! Source: create a base connection, for each source; versions of 2022 to 2026, read 2026-11.

use std::sync::LazyLock;

use serde::Deserialize;

/// A source as Adobe documents it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Source {
    /// The name of its connection spec.
    pub(crate) name: String,
    /// Other names that settings may use for it.
    #[serde(default)]
    aliases: Vec<String>,
    /// The id of its connection spec.
    pub(crate) id: String,
    /// Its category in the catalogue of sources.
    pub(crate) category: String,
    /// The name of its set of tables.
    pub(crate) tables: String,
    /// Which printed versions of `CRMToAEP` list it.
    flow_spec_prints: Vec<Print>,
    /// Whether it filters rows.
    #[serde(default)]
    pub(crate) filter_at_source: bool,
    /// Its auth specs.
    pub(crate) auth: Vec<AuthSpec>,
}

/// A printed version of the flow spec `CRMToAEP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Print {
    Older,
    Newest,
}

/// One way to authenticate.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AuthSpec {
    pub(crate) spec_name: String,
    pub(crate) params: Vec<Param>,
}

/// A parameter of an auth spec.
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
    /// Whether a setting names this source by a name or by its id.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.id == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// Whether the newest printed version of `CRMToAEP` lists it.
    pub(crate) fn is_in_newest_print(&self) -> bool {
        self.flow_spec_prints.contains(&Print::Newest)
    }
}

/// All sources, in the order of the catalogue.
pub(crate) fn all() -> &'static [Source] {
    #[expect(clippy::expect_used, reason = "compiled in, and read by a test")]
    static ALL: LazyLock<Vec<Source>> = LazyLock::new(|| {
        serde_json::from_str(include_str!("sources.json")).expect("sources.json is JSON of sources")
    });
    &ALL
}

/// Whether at least one source has a parameter of this name, and no source treats it as a secret.
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
    fn every_source_exists_once() {
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
    fn the_newest_printed_version_lacks_six_sources() {
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
