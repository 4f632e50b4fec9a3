//! What the catalogue says of a source: plain data, as a file of `catalog/` has it.
//!
//! Only what a document of Adobe's backs stands in it. What no document gives is absent, and
//! absent means unknown. `build.rs` uses this file too, so it knows nothing of the rest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A source that Flow Service's documents name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Name that an ingestion says. Example: `salesforce-service-cloud`.
    pub name: String,
    /// Name that Adobe shows. Example: `Salesforce Service Cloud`.
    pub title: String,
    /// What it gives: tables, files, a stream.
    pub kind: Kind,
    /// Group of Adobe's catalogue. Example: `customer-success`.
    pub category: String,
    /// The document that this rests on: a path in the repository of Adobe's documentation.
    pub document: String,
    /// Whether Adobe's catalogue of sources lists it (May 2026); nothing where nobody looked.
    pub in_current_catalog: Option<bool>,
    /// Where the documents disagree, and the like.
    pub remarks: Option<String>,
    /// Why this entry is not to be relied on, where that is so. To be told as a warning.
    pub doubt: Option<String>,
    /// That Adobe drops the source.
    pub deprecation: Option<Deprecation>,
    /// The connection specification, for every connection made from this source.
    pub connection_spec: ConnectionSpec,
    /// The flow specification; nothing where no document gives it.
    pub flow_spec: Option<FlowSpec>,
    /// How its tables are reached; nothing for a source that gives no tables.
    pub tabular: Option<Tabular>,
}

/// What a source gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Tables, which are explored and copied by `CRMToAEP`.
    Tabular,
    /// Files in a storage.
    File,
    /// Events as they happen.
    Streaming,
    /// Answers of a REST interface, as nested JSON.
    Other,
}

/// A connection specification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSpec {
    /// Its id, a UUID. Sources may share one.
    pub id: String,
    /// Its version. Example: `1.0`.
    pub version: String,
}

/// A flow specification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowSpec {
    /// Its name; nothing where documents give the id alone. Example: `CRMToAEP`.
    pub name: Option<String>,
    /// Its id, a UUID.
    pub id: String,
}

/// How the tables of a source are reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tabular {
    /// Ways of authentication, at least one; the one that Adobe prefers comes first.
    pub auth: Vec<Auth>,
    /// What a source connection's body has.
    pub source_connection: SourceConnection,
    /// What is known of a delta column; nothing where no document says.
    pub delta_column: Option<DeltaColumn>,
}

/// A way of authentication: `auth` of a base connection's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// `auth.specName`, exact with blanks and case. Example: `OAuth2 Client Credential`.
    pub spec_name: String,
    /// When to choose it, in a line.
    pub description: Option<String>,
    /// That Adobe drops this way; the source's other ways stay.
    pub deprecation: Option<Deprecation>,
    /// What stands in `auth` beside `specName` and `params`, word for word.
    #[serde(default)]
    pub extra: BTreeMap<String, String>,
    /// `auth.params`, in the document's order.
    #[serde(default)]
    pub params: Vec<Param>,
}

/// A parameter of a way of authentication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// Its name in `auth.params`, exact. Example: `environmentUrl`.
    pub name: String,
    /// What it is, in a line.
    pub description: String,
    /// Whether it opens something: then an input may only refer to it.
    #[serde(default)]
    pub secret: bool,
    /// Whether it may be left out.
    #[serde(default)]
    pub optional: bool,
    /// What the body has for it.
    #[serde(default, rename = "type")]
    pub value_type: ValueType,
    /// What its text looks like; nothing where any text will do, or no document says.
    pub format: Option<Format>,
    /// A harmless value; never for a secret.
    pub example: Option<Literal>,
}

/// JSON type of a parameter in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    /// A text.
    #[default]
    String,
    /// A whole number, without quotes.
    Integer,
    /// `true` or `false`, without quotes.
    Boolean,
}

/// What the text of a parameter looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Name of a host, by which the platform calls the source; documents also show it with a
    /// scheme or a port.
    Host,
    /// An address with its scheme, by which the platform calls the source.
    Url,
    /// Host, login and options in one text, by which the platform calls the source.
    ConnectionString,
    /// JSON as a text.
    Json,
    /// Bytes in base64.
    Base64,
}

/// A value of any type that a parameter can have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a text, a whole number, true or false")]
pub enum Literal {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A text.
    String(String),
}

impl Literal {
    /// The type that a parameter with this value has.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Boolean(_) => ValueType::Boolean,
            Self::Integer(_) => ValueType::Integer,
            Self::String(_) => ValueType::String,
        }
    }
}

/// What a source connection's body has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConnection {
    /// `data.format`. Example: `tabular`.
    pub data_format: String,
    /// The field of `params` that names the table. Example: `tableName`.
    pub table_param: String,
    /// The field of `params` that lists the columns. Example: `columns`.
    pub columns_param: String,
    /// Whether `params.filters` is taken; nothing where no document says.
    pub row_filter: Option<bool>,
}

/// What is known of a column by which a recurring flow finds what is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeltaColumn {
    /// Whether a flow may name one.
    pub supported: bool,
    /// The format that its dates must have, in Java's letters; nothing where no document gives
    /// it.
    pub date_format: Option<String>,
}

/// That Adobe drops a source, or one way of authentication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deprecation {
    /// Month from which it is dropped, as `2025-06`; nothing where no document dates it.
    pub since: Option<String>,
    /// What Adobe says, as a sentence about Adobe without a full stop. Example: `Adobe announced
    /// that it drops this source at the end of June 2025`.
    pub said: String,
    /// What Adobe names as the replacement; nothing where no document does.
    pub instead: Option<String>,
}
