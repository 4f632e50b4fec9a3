//! The rules of the worker's owner: which secret may go to which source and which host.
//!
//! An input names both a secret and the host to which the platform sends it. So whoever may start
//! a workflow could have an allowed secret sent to a host of their own, unless a rule binds it.

use std::fmt;

use aep_flow_proto::v1::{SecretReference, secret_reference::Place};
use serde::{Deserialize, Serialize};

use super::pattern::matches;

/// What matches every host, also one that no rule can compare.
const ANY: &str = "*";

/// Lets the secrets that match go to the sources and hosts that match. In each pattern, `*` matches
/// any characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretRule {
    /// Pattern of references: `env:OSC_*`, `file:osc/*`, `vault:osc/*#password`.
    pub secret: String,
    /// Patterns of the sources' names.
    pub sources: Vec<String>,
    /// Patterns of hosts, without scheme and port. Only `*` alone lets a secret go where the input
    /// names no host that can be compared.
    pub hosts: Vec<String>,
}

impl SecretRule {
    /// Whether the rule can match anything.
    pub(crate) fn is_sound(&self) -> bool {
        let is_reference = self.secret == ANY
            || ["env:", "file:", "vault:"]
                .iter()
                .any(|place| self.secret.starts_with(place));
        let is_host = |pattern: &String| {
            let is_part = |each: char| each.is_ascii_alphanumeric() || "-.*".contains(each);
            !pattern.is_empty() && pattern.chars().all(is_part)
        };
        is_reference
            && !self.sources.is_empty()
            && !self.hosts.is_empty()
            && self.hosts.iter().all(is_host)
    }

    pub(super) fn permits(&self, secret: &str, destination: &Destination) -> bool {
        let is_host = |host: &Option<String>| {
            self.hosts.iter().any(|pattern| match host {
                Some(host) => matches(&pattern.to_ascii_lowercase(), host),
                None => pattern == ANY,
            })
        };
        matches(&self.secret, secret)
            && self
                .sources
                .iter()
                .any(|pattern| matches(pattern, &destination.source))
            && destination.hosts.iter().all(is_host)
    }
}

/// Where the platform sends a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Name of the source.
    pub source: String,
    /// Each host to which the input may send it; nothing for one that can't be compared.
    pub hosts: Vec<Option<String>>,
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the source `{}`", self.source)?;
        for host in &self.hosts {
            match host {
                Some(host) => write!(formatter, " at `{host}`")?,
                None => formatter.write_str(" at a host that no pattern but `*` matches")?,
            }
        }
        Ok(())
    }
}

/// The host in the address `text` in lower case, without scheme, port and path. Nothing for an
/// address in which another reader could see another host.
pub(crate) fn host_in(text: &str) -> Option<String> {
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|each| each.is_ascii_alphanumeric()) => rest,
        Some(_) | None => text,
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|each| each.is_ascii_digit());
    let authority = rest.split('/').next().unwrap_or(rest);
    let host = match authority.split_once(':') {
        Some((host, port)) if is_port(port) => host,
        Some(_) | None => authority,
    };
    let is_part = |each: u8| each.is_ascii_alphanumeric() || b"-.".contains(&each);
    (!host.is_empty() && host.bytes().all(is_part)).then(|| host.to_ascii_lowercase())
}

/// The reference as rules and errors have it. Nothing if it names no place.
pub(super) fn written(reference: &SecretReference) -> Option<String> {
    Some(match reference.place.as_ref()? {
        Place::Env(name) => format!("env:{name}"),
        Place::File(path) => format!("file:{path}"),
        Place::Vault(secret) => format!("vault:{}#{}", secret.path, secret.key),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn rule(secret: &str, sources: &[&str], hosts: &[&str]) -> SecretRule {
        SecretRule {
            secret: secret.to_owned(),
            sources: texts(sources),
            hosts: texts(hosts),
        }
    }

    #[test]
    fn a_rule_binds_a_secret_to_sources_and_hosts() {
        let osc = rule(
            "env:OSC_*",
            &["oracle-*"],
            &["*.custhelp.com", "EU.example"],
        );
        let any = rule("*", &["*"], &["*"]);
        let good = Some("acme.custhelp.com");
        for (rule, secret, source, hosts, expected) in [
            (&osc, "env:OSC_A", "oracle-service-cloud", &[good][..], true),
            (
                &osc,
                "env:OSC_A",
                "oracle-db",
                &[good, Some("eu.example")],
                true,
            ),
            (&osc, "env:SFSC_A", "oracle-db", &[good], false),
            (&osc, "file:OSC_A", "oracle-db", &[good], false),
            (&osc, "env:OSC_A", "mysql", &[good], false),
            (
                &osc,
                "env:OSC_A",
                "oracle-db",
                &[Some("evil.example")],
                false,
            ),
            (
                &osc,
                "env:OSC_A",
                "oracle-db",
                &[good, Some("evil.example")],
                false,
            ),
            (&osc, "env:OSC_A", "oracle-db", &[good, None], false),
            (
                &osc,
                "env:OSC_A",
                "oracle-db",
                &[Some("custhelp.com")],
                false,
            ),
            (&any, "vault:osc#p", "mysql", &[None, good], true),
        ] {
            let destination = Destination {
                source: source.to_owned(),
                hosts: hosts.iter().map(|host| host.map(str::to_owned)).collect(),
            };
            assert_eq!(
                rule.permits(secret, &destination),
                expected,
                "{secret} {destination}"
            );
        }
    }

    #[test]
    fn a_host_is_compared_only_if_every_reader_sees_the_same() {
        for (text, expected) in [
            ("acme.custhelp.com", Some("acme.custhelp.com")),
            ("ACME.custhelp.com:443", Some("acme.custhelp.com")),
            ("https://acme.custhelp.com", Some("acme.custhelp.com")),
            (
                "https://acme.custhelp.com:443/a/b",
                Some("acme.custhelp.com"),
            ),
            (
                "https://acme.custhelp.com/@evil.example",
                Some("acme.custhelp.com"),
            ),
            ("https:evil.example/x://acme.custhelp.com", None),
            ("https:/\\evil.example/://acme.custhelp.com", None),
            ("https://acme.custhelp.com\\@evil.example", None),
            ("https://acme.custhelp.com?@evil.example", None),
            ("https://acme.custhelp.com#@evil.example", None),
            ("https://acme.custhelp.com:80@evil.example", None),
            ("https://acme.cust\thelp.com", None),
            ("https:///evil.example", None),
            ("evil%2eexample", None),
            ("münchen.example", None),
            ("[2001:db8::1]:443", None),
            ("", None),
        ] {
            assert_eq!(host_in(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_rule_that_matches_nothing_is_a_mistake() {
        let source = &["mysql"][..];
        for (rule, expected) in [
            (rule("env:A", source, &["*.example"]), true),
            (rule("*", source, &["*"]), true),
            (rule("OSC_PASSWORD", source, &["*"]), false),
            (rule("env:A", &[], &["*"]), false),
            (rule("env:A", source, &[]), false),
            (rule("env:A", source, &["https://db.example"]), false),
            (rule("env:A", source, &["db.example:3306"]), false),
        ] {
            assert_eq!(rule.is_sound(), expected, "{rule:?}");
        }
    }
}
