//! A request as a value: built without I/O, compared in tests, sent by `transport`.
//!
//! Source: "Getting started with Experience Platform APIs", read 2026-11.

use bytes::Bytes;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::ids::Etag;
use crate::kind::{EntityKind, Operation};

/// Everything but RFC 3986's unreserved characters: the characters that are left are safe
/// everywhere, so a `+`, `&`, `#`, `%` or a letter beyond ASCII in a value arrives unchanged.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Encodes a text as one path segment or one query value.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// The services behind one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Flow,
    SchemaRegistry,
    Catalog,
    DataPrep,
    SandboxManagement,
}

impl Service {
    pub(crate) fn base_path(self) -> &'static str {
        match self {
            Self::Flow => "/data/foundation/flowservice",
            Self::SchemaRegistry => "/data/foundation/schemaregistry",
            Self::Catalog => "/data/foundation/catalog",
            Self::DataPrep => "/data/foundation/conversion",
            Self::SandboxManagement => "/data/foundation/sandbox-management",
        }
    }
}

pub(crate) const ACCEPT_JSON: &str = "application/json";

/// One call of the platform, without host, token and sandbox.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) service: Service,
    /// The path with `{id}` in place of an id: what spans may show.
    pub(crate) template: &'static str,
    /// The path below the service's base, percent-encoded.
    pub(crate) path: String,
    /// The query without `?`, percent-encoded.
    pub(crate) query: String,
    pub(crate) accept: &'static str,
    pub(crate) if_match: Option<Etag>,
    /// Serialized once; sending again clones a pointer.
    pub(crate) body: Option<Bytes>,
    /// The secrets in the body, which no message may repeat.
    pub(crate) secrets: Vec<SecretString>,
    pub(crate) kind: EntityKind,
    /// For errors: the name of what is written, or its id if it has one.
    pub(crate) name: String,
    pub(crate) operation: Operation,
}

impl Request {
    pub(crate) fn new(
        operation: Operation,
        method: Method,
        kind: EntityKind,
        service: Service,
        template: &'static str,
    ) -> Self {
        Self {
            method,
            service,
            template,
            path: template.to_owned(),
            query: String::new(),
            accept: ACCEPT_JSON,
            if_match: None,
            body: None,
            secrets: Vec::new(),
            kind,
            name: String::new(),
            operation,
        }
    }

    pub(crate) fn get(kind: EntityKind, service: Service, template: &'static str) -> Self {
        Self::new(Operation::Read, Method::GET, kind, service, template)
    }

    pub(crate) fn create(
        kind: EntityKind,
        service: Service,
        template: &'static str,
        name: &str,
    ) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::new(Operation::Create, Method::POST, kind, service, template)
        }
    }

    pub(crate) fn delete(kind: EntityKind, service: Service, template: &'static str) -> Self {
        Self::new(Operation::Delete, Method::DELETE, kind, service, template)
    }

    /// Puts an id into the template.
    pub(crate) fn id(mut self, id: &str) -> Self {
        self.name = id.to_owned();
        self.path = self.template.replace("{id}", &encode(id));
        self
    }

    pub(crate) fn query(self, name: &str, value: &str) -> Self {
        self.raw_query(name, &encode(value))
    }

    /// A filter of Flow Service or of the registry, `property=<path>==<value>`: unquoted, the
    /// value percent-encoded, the operator as it is. Source: "Sort and filter responses in the
    /// Flow Service API", read 2026-11.
    pub(crate) fn property(self, path: &str, operator: &str, value: &str) -> Self {
        let filter = format!("{}{operator}{}", encode(path), encode(value));
        self.raw_query("property", &filter)
    }

    fn raw_query(mut self, name: &str, encoded: &str) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str(name);
        self.query.push('=');
        self.query.push_str(encoded);
        self
    }

    pub(crate) fn accept(mut self, accept: &'static str) -> Self {
        self.accept = accept;
        self
    }

    pub(crate) fn if_match(mut self, etag: &Etag) -> Self {
        self.if_match = Some(etag.clone());
        self
    }

    /// Names the secrets in the body, which no error may show.
    pub(crate) fn secrets<'a>(mut self, secrets: impl Iterator<Item = &'a SecretString>) -> Self {
        self.secrets = secrets.cloned().collect();
        self
    }

    /// Serializes the body, once. The bytes are zeroed when the last clone of them is dropped,
    /// as they may hold a source's password.
    ///
    /// # Panics
    /// Never for the bodies of this crate: their maps have string keys and nothing else fails.
    pub(crate) fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        // The capacity is enough for an ordinary body: a growing vector leaves copies that nothing
        // zeroes.
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        serde_json::to_writer(&mut *bytes, body).expect("a body with string keys serializes");
        self.body = Some(Bytes::from_owner(SecretBytes(bytes)));
        self
    }

    /// Path and query below the host.
    pub(crate) fn target(&self) -> String {
        let base = self.service.base_path();
        if self.query.is_empty() {
            format!("{base}{}", self.path)
        } else {
            format!("{base}{}?{}", self.path, self.query)
        }
    }
}

pub(crate) struct SecretBytes(pub(crate) Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for SecretBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
impl Request {
    /// Method, target, and the body as JSON, for the tests of `api`.
    pub(crate) fn shown(&self) -> (String, serde_json::Value) {
        let body = self.body.as_ref().map_or(serde_json::Value::Null, |body| {
            serde_json::from_slice(body).unwrap()
        });
        (format!("{} {}", self.method, self.target()), body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awkward_values_survive_the_query() {
        let cases = [
            ("a b", "a%20b"),
            ("a,b", "a%2Cb"),
            ("a&b=c#d", "a%26b%3Dc%23d"),
            ("a+b%20", "a%2Bb%2520"),
            ("\"Größe\" 😀", "%22Gr%C3%B6%C3%9Fe%22%20%F0%9F%98%80"),
        ];
        for (value, expected) in cases {
            let request = Request::get(EntityKind::Flow, Service::Flow, "/flows")
                .property("name", "==", value);
            assert_eq!(
                request.query,
                format!("property=name=={expected}"),
                "{value}"
            );
        }
    }

    #[test]
    fn an_id_that_is_a_url_is_one_segment() {
        let request = Request::get(
            EntityKind::Schema,
            Service::SchemaRegistry,
            "/tenant/schemas/{id}",
        )
        .id("https://ns.adobe.com/acme/schemas/1f");
        assert_eq!(
            request.target(),
            "/data/foundation/schemaregistry/tenant/schemas/https%3A%2F%2Fns.adobe.com%2Facme%2Fschemas%2F1f"
        );
    }
}
