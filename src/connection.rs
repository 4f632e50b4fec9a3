//! Checks an input's connection against the catalogue: its source, its way of authentication, and
//! whether the source accepts every parameter.
//!
//! This sends nothing and reads no secret, so that a command can refuse a connection before a server
//! stores it. The activity that creates the connection asks the platform as well.

use aep_flow_proto::{
    read::{nearest, shown},
    v1::{Connection, SecretReference, Violation},
    validate::{self, Findings, Rules},
};
use serde_json::Value;

use crate::catalog::{
    Catalog,
    entry::{Auth, Format, Param, Source, Tabular, ValueType},
};
use crate::secrets::{Destination, host_in};

/// A connection that passes the catalogue's checks.
#[derive(Debug)]
pub struct CheckedConnection<'a> {
    /// The source.
    pub source: &'a Source,
    /// The way of authentication.
    pub auth: &'a Auth,
    /// The parameters, ordered by name.
    pub params: Vec<Parameter<'a>>,
    /// The parameters that are missing and that the catalogue requires. The platform may not.
    pub missing: Vec<Violation>,
}

impl CheckedConnection<'_> {
    /// Where the platform sends the connection's secrets. A host is unknown if the input gives it
    /// in a form that can't be compared, if no parameter names one, and if a parameter that the
    /// catalogue does not know may name one.
    #[must_use]
    pub fn destination(&self) -> Destination {
        let hosts = self.params.iter().filter_map(|given| match &given.known {
            Ok(param) if matches!(param.format, Some(Format::Host | Format::Url)) => {
                match &given.value {
                    ParameterInput::Plain(Value::String(text)) => Some(host_in(text)),
                    ParameterInput::Plain(_) | ParameterInput::Reference(_) => Some(None),
                }
            }
            Ok(_) => None,
            Err(_) => Some(None),
        });
        let mut hosts: Vec<Option<String>> = hosts.collect();
        if hosts.is_empty() {
            hosts.push(None);
        }
        Destination {
            source: self.source.name.clone(),
            hosts,
        }
    }

    /// Everything that is wrong if only the catalogue decides.
    #[must_use]
    pub fn found_by_catalogue(&self) -> Vec<Violation> {
        let unknown = self.params.iter();
        let unknown = unknown.filter_map(|given| given.known.as_ref().err());
        self.missing.iter().chain(unknown).cloned().collect()
    }
}

/// A parameter of an input.
#[derive(Debug, Clone)]
pub struct Parameter<'a> {
    /// Its name.
    pub name: String,
    /// Its catalogue entry, or what is wrong if the catalogue does not know it. The platform may
    /// still know it.
    pub known: Result<&'a Param, Violation>,
    /// Its value.
    pub value: ParameterInput,
}

/// The value of a parameter in an input.
#[derive(Debug, Clone)]
pub enum ParameterInput {
    /// A value that anyone may see.
    Plain(Value),
    /// A reference to a secret.
    Reference(SecretReference),
}

fn field(param: &str) -> String {
    format!("params.{}", shown(param))
}

/// A source of tables, as the catalogue describes it.
#[derive(Debug, Clone, Copy)]
pub struct ServedSource<'a> {
    /// The source.
    pub source: &'a Source,
    tabular: &'a Tabular,
}

/// Looks up the source called `name`.
///
/// # Errors
/// The catalogue has no such source, or the source has no tables.
pub fn served<'a>(catalog: &'a Catalog, name: &str) -> Result<ServedSource<'a>, Vec<Violation>> {
    let source = catalog
        .source(name)
        .map_err(|error| one("source", error, "a source that `aep-flow sources` lists"))?;
    let tabular = source
        .served()
        .map_err(|error| one("source", error, "a source of tables"))?;
    Ok(ServedSource { source, tabular })
}

/// The parameters of a connection that [`validate::any_connection`] accepts, by name.
#[must_use]
pub fn parameters(connection: &Connection) -> Vec<(String, ParameterInput)> {
    let params = connection.params.iter().flat_map(|params| &params.0);
    params
        .map(|(name, value)| {
            let value = match validate::param(value) {
                Ok(Some(reference)) => ParameterInput::Reference(reference),
                Ok(None) | Err(_) => ParameterInput::Plain(value.clone()),
            };
            (name.clone(), value)
        })
        .collect()
}

/// Checks a connection that [`validate::any_connection`] accepts against `catalog`. Whether the
/// caller may use a source that Adobe removes is a separate question: [`deprecation`].
///
/// # Errors
/// Those of [`served`] and [`ServedSource::check`].
pub fn check<'a>(
    catalog: &'a Catalog,
    connection: &Connection,
    rules: Rules,
) -> Result<CheckedConnection<'a>, Vec<Violation>> {
    served(catalog, &connection.source)?.check(&connection.auth, parameters(connection), rules)
}

impl<'a> ServedSource<'a> {
    /// Checks the way of authentication `auth` (empty for the only one) and its parameters.
    ///
    /// # Errors
    /// Everything that is wrong, including parameters that the catalogue does not know. The value
    /// of a parameter that is or could be a secret is never repeated.
    pub fn check(
        self,
        auth: &str,
        params: Vec<(String, ParameterInput)>,
        rules: Rules,
    ) -> Result<CheckedConnection<'a>, Vec<Violation>> {
        let auth = self.tabular.auth(auth).map_err(|error| {
            let expected = "one of the source's ways of authentication, by Adobe's name for it";
            one("auth", error, expected)
        })?;
        let mut findings = Findings::default();
        let mut missing = Findings::default();
        for param in auth.params.iter().filter(|param| !param.optional) {
            if !params.iter().any(|(name, _)| *name == param.name) {
                missing.note(field(&param.name), "nothing", expected(param));
            }
        }
        let params: Vec<Parameter<'a>> = params
            .into_iter()
            .map(|(name, value)| {
                let known = auth.params.iter().find(|param| param.name == name);
                let known = known.ok_or_else(|| unknown(auth, &name));
                match (&known, &value) {
                    (Ok(param), ParameterInput::Plain(value)) => {
                        plain(&mut findings, param, value, rules);
                    }
                    (Ok(param), ParameterInput::Reference(_)) if param.secret => {}
                    // The platform shows such a parameter to everybody who reads the connection.
                    (Ok(param), ParameterInput::Reference(_)) => {
                        let found = "a reference to a secret, for a parameter that is not secret";
                        findings.note(field(&name), found, expected(param));
                    }
                    (Err(unknown), ParameterInput::Reference(_)) => {
                        let found = "a reference to a secret, for an unknown parameter";
                        findings.note(unknown.field.clone(), found, unknown.expected.clone());
                    }
                    (Err(_), ParameterInput::Plain(_)) => {}
                }
                Parameter { name, known, value }
            })
            .collect();
        let missing = missing.into_result().err().unwrap_or_default();
        match findings.into_result() {
            Ok(()) => Ok(CheckedConnection {
                source: self.source,
                auth,
                params,
                missing,
            }),
            Err(found) => {
                let unknown = params.into_iter().filter_map(|given| match given.value {
                    ParameterInput::Plain(_) => given.known.err(),
                    // Among what is found.
                    ParameterInput::Reference(_) => None,
                });
                Err(missing.into_iter().chain(found).chain(unknown).collect())
            }
        }
    }
}

/// The violation for a source that Adobe removes, unless `connection` acknowledges the removal.
#[must_use]
pub fn deprecation(source: &Source, connection: &Connection) -> Option<Violation> {
    let notice = source.deprecation_notice()?;
    (!connection.acknowledge_deprecation).then(|| Violation {
        field: "acknowledgeDeprecation".to_owned(),
        found: format!("false, and {notice}"),
        expected: "true, to use it anyway".to_owned(),
    })
}

fn one(field: &str, found: impl ToString, expected: &str) -> Vec<Violation> {
    vec![Violation {
        field: field.to_owned(),
        found: found.to_string(),
        expected: expected.to_owned(),
    }]
}

fn unknown(auth: &Auth, name: &str) -> Violation {
    let known = || auth.params.iter().map(|param| param.name.as_str());
    let near = nearest(name, known());
    let few: Vec<String> = if near.is_empty() {
        known().map(|name| format!("`{name}`")).collect()
    } else {
        near.iter().map(|name| format!("`{name}`")).collect()
    };
    let expected = if few.is_empty() {
        "no parameters".to_owned()
    } else {
        format!(
            "one of the parameters of `{}`: {}",
            auth.spec_name,
            few.join(", ")
        )
    };
    Violation {
        field: field(name),
        found: "an unknown parameter".to_owned(),
        expected,
    }
}

/// What a parameter has to be, in words that fit after "expected".
fn expected(param: &Param) -> String {
    let what = match (param.secret, param.value_type) {
        (true, _) => format!("a reference such as {}", validate::SECRET_REFERENCE),
        (false, ValueType::String) => "a text".to_owned(),
        (false, ValueType::Integer) => "a whole number, without quotes".to_owned(),
        (false, ValueType::Boolean) => "true or false, without quotes".to_owned(),
    };
    let description = param.description.trim_end_matches('.');
    format!("{what}: {description}")
}

fn plain(findings: &mut Findings, param: &Param, value: &Value, rules: Rules) {
    let field = field(&param.name);
    if param.secret {
        return findings.note(field, "a literal secret", expected(param));
    }
    let found = match (param.value_type, value) {
        (ValueType::String, Value::String(text)) if text.trim().is_empty() => "nothing",
        (ValueType::String, Value::String(text)) => {
            return address(findings, &field, param, text, rules);
        }
        (ValueType::Boolean, Value::Bool(_)) => return,
        (ValueType::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => {
            return;
        }
        (_, Value::String(_)) => "a text",
        (_, Value::Bool(_)) => "true or false",
        (ValueType::Integer, Value::Number(_)) => "a number that is not whole",
        _ => "a number",
    };
    findings.note(field, found, expected(param));
}

/// Checks that the platform may call the source at the address in `text`.
pub(crate) fn address(
    findings: &mut Findings,
    field: &str,
    param: &Param,
    text: &str,
    rules: Rules,
) {
    match param.format {
        Some(Format::Host) => validate::source_host(findings, field, text, rules),
        Some(Format::Url) => validate::source_url(findings, field, text, rules),
        // Only the platform reads these.
        Some(Format::ConnectionString | Format::Json | Format::Base64) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn connection(change: impl FnOnce(&mut Value)) -> Connection {
        let mut value = json!({
            "name": "SFSC", "source": "salesforce-service-cloud",
            "auth": "OAuth2 Client Credential",
            "params": {"environmentUrl": "https://acme.my.salesforce.example.com",
                       "clientId": "3MVG9", "clientSecret": {"env": "SFSC_SECRET"},
                       "apiVersion": "60.0"},
        });
        change(&mut value);
        aep_flow_proto::read::from_json(value.to_string().as_bytes()).unwrap()
    }

    fn found(change: impl FnOnce(&mut Value)) -> Vec<(String, String)> {
        let catalog = Catalog::built_in();
        let input = connection(change);
        let mut findings = Findings::default();
        validate::any_connection(&mut findings, "", &input);
        let checked = findings
            .into_result()
            .and_then(|()| check(&catalog, &input, Rules::default()));
        let all = match checked {
            Ok(checked) => checked.found_by_catalogue(),
            Err(all) => all,
        };
        let all = all.into_iter();
        all.map(|each| (each.field, format!("{}; {}", each.found, each.expected)))
            .collect()
    }

    #[test]
    fn a_good_connection_passes() {
        assert_eq!(found(|_| ()), []);
    }

    #[test]
    fn each_bad_field_is_named() {
        type Case = (&'static str, &'static str, fn(&mut Value));
        let cases: [Case; 16] = [
            ("source", "`salesforce-service-cloud`", |input| {
                input["source"] = json!("salesforce-service-clod")
            }),
            ("source", "files in a storage", |input| {
                input["source"] = json!("amazon-s3")
            }),
            ("source", "lower-case", |input| input["source"] = json!("")),
            ("auth", "`OAuth2 Client Credential`", |input| {
                input["auth"] = json!("")
            }),
            ("auth", "`Basic Authentication`", |input| {
                input["auth"] = json!("basic authentication")
            }),
            ("params.clientId", "nothing", |input| {
                input["params"].as_object_mut().unwrap().remove("clientId");
            }),
            ("params.clientSecret", "a literal secret", |input| {
                input["params"]["clientSecret"] = json!("hunter2")
            }),
            ("params.clientSecret", "a literal secret", |input| {
                input["params"]["clientSecret"] = json!(7)
            }),
            ("params.clientId", "a reference to a secret", |input| {
                input["params"]["clientId"] = json!({"env": "SFSC_SECRET"})
            }),
            (
                "params.environmentUrl",
                "a reference to a secret",
                |input| input["params"]["environmentUrl"] = json!({"file": "url"}),
            ),
            ("params.clientSecrt", "`clientSecret`", |input| {
                input["params"]["clientSecrt"] = json!({"env": "SFSC_SECRET"})
            }),
            ("params.clientID", "`clientId`", |input| {
                input["params"]["clientID"] = json!("hunter2")
            }),
            ("params.apiVersion", "a number; a text", |input| {
                input["params"]["apiVersion"] = json!(60.0)
            }),
            ("params.apiVersion", "nothing", |input| {
                input["params"]["apiVersion"] = json!(" ")
            }),
            ("params.environmentUrl", "loopback", |input| {
                input["params"]["environmentUrl"] = json!("https://127.0.0.1/")
            }),
            ("params.environmentUrl", "user information", |input| {
                input["params"]["environmentUrl"] = json!("https://u:hunter2@acme.example.com")
            }),
        ];
        for (field, text, change) in cases {
            let found = found(change);
            assert_eq!(found.len(), 1, "{field}: {found:?}");
            assert_eq!(found[0].0, field, "{found:?}");
            assert!(found[0].1.contains(text), "{text}: {found:?}");
            assert!(!found[0].1.contains("hunter2"), "{found:?}");
        }
    }

    #[test]
    fn a_secret_goes_where_the_addresses_and_what_is_unknown_lead() {
        let catalog = Catalog::built_in();
        let hosts = |change: fn(&mut Value)| {
            let input = connection(change);
            let checked = check(&catalog, &input, Rules::default()).unwrap();
            checked.destination().hosts
        };
        let acme = Some("acme.my.salesforce.example.com".to_owned());
        assert_eq!(hosts(|_| ()), std::slice::from_ref(&acme));
        let unknown = hosts(|input| input["params"]["aHost"] = json!("evil.example"));
        assert_eq!(unknown, [None, acme]);
        let none = hosts(|input| {
            input["params"]
                .as_object_mut()
                .unwrap()
                .remove("environmentUrl");
        });
        assert_eq!(none, [None]);
    }

    #[test]
    fn everything_is_reported_at_once() {
        let fields: Vec<String> = found(|input| {
            input["params"] = json!({"apiVersion": 60, "clientSecret": "hunter2", "x": 1});
        })
        .into_iter()
        .map(|(field, _)| field)
        .collect();
        assert_eq!(
            fields,
            [
                "params.environmentUrl",
                "params.clientId",
                "params.apiVersion",
                "params.clientSecret",
                "params.x"
            ]
        );
    }

    #[test]
    fn a_type_other_than_text_is_reported() {
        let param = |value_type| Param {
            name: "port".to_owned(),
            description: "Port.".to_owned(),
            secret: false,
            optional: false,
            value_type,
            format: None,
            example: None,
        };
        let cases = [
            (ValueType::Integer, json!(5432), None),
            (
                ValueType::Integer,
                json!(54.5),
                Some("a number that is not whole"),
            ),
            (ValueType::Integer, json!("5432"), Some("a text")),
            (ValueType::Integer, json!(true), Some("true or false")),
            (ValueType::Boolean, json!(false), None),
            (ValueType::Boolean, json!("false"), Some("a text")),
            (ValueType::Boolean, json!(0), Some("a number")),
            (ValueType::String, json!(true), Some("true or false")),
        ];
        for (value_type, value, expected) in cases {
            let mut findings = Findings::default();
            plain(&mut findings, &param(value_type), &value, Rules::default());
            let found = findings.into_result().err();
            let found = found.map(|all| all[0].found.clone());
            assert_eq!(found.as_deref(), expected, "{value_type:?} {value}");
        }
    }

    #[test]
    fn a_dropped_source_must_be_acknowledged() {
        let catalog = Catalog::built_in();
        let source = catalog.source("oracle-service-cloud").unwrap();
        let mut input = connection(|_| ());
        let violation = deprecation(source, &input).unwrap();
        assert_eq!(violation.field, "acknowledgeDeprecation");
        for part in ["2025-06", "end of June 2025", "Data Landing Zone"] {
            assert!(violation.found.contains(part), "{violation:?}");
        }
        input.acknowledge_deprecation = true;
        assert_eq!(deprecation(source, &input), None);
        let stays = catalog.source("salesforce-service-cloud").unwrap();
        assert_eq!(deprecation(stays, &connection(|_| ())), None);
    }
}
