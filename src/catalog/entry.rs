//! The entry of a source in the catalogue: plain data, like a file of `catalog/`.
//!
//! An entry contains only what a document of Adobe's backs. What no document says is absent, and
//! absent means unknown. `build.rs` uses this file too, so it depends on nothing else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A source that Flow Service's documents name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Name that an input uses. Example: `salesforce-service-cloud`.
    pub name: String,
    /// Name that Adobe shows. Example: `Salesforce Service Cloud`.
    pub title: String,
    /// What it has: tables, files, a stream.
    pub kind: SourceKind,
    /// Group of Adobe's catalogue. Example: `customer-success`.
    pub category: String,
    /// The document behind the entry: a path in the repository of Adobe's documentation.
    pub document: String,
    /// Whether Adobe's catalogue of sources lists it (May 2026); nothing if nobody checked.
    pub in_current_catalog: Option<bool>,
    /// Remarks, such as where the documents disagree.
    pub remarks: Option<String>,
    /// Why this entry may be wrong. Users get it as a warning.
    pub doubt: Option<String>,
    /// The removal of the source by Adobe.
    pub deprecation: Option<Deprecation>,
    /// The connection specification of every connection to this source.
    pub connection_spec: ConnectionSpec,
    /// The flow specification; nothing if no document names it.
    pub flow_spec: Option<FlowSpec>,
    /// How its tables are reached; nothing for a source without tables.
    pub tabular: Option<Tabular>,
}

/// What a source has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Tables, which are explored and copied by `CRMToAEP`.
    Tabular,
    /// Files in a storage.
    File,
    /// Events as they happen.
    Streaming,
    /// Nested JSON of a REST interface.
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
    /// Its name; nothing if documents only name the id. Example: `CRMToAEP`.
    pub name: Option<String>,
    /// Its id, a UUID.
    pub id: String,
}

/// How the tables of a source are reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tabular {
    /// Ways of authentication, at least one; the preferred one comes first.
    pub auth: Vec<Auth>,
    /// The fields of a source connection's body.
    pub source_connection: SourceConnection,
    /// What is known of a delta column; nothing if no document says.
    pub delta_column: Option<DeltaColumn>,
    /// The XDM types of columns, by the source's own words for them: only words that mean
    /// something else to other vendors. Example: `bit` is `boolean`.
    #[serde(default)]
    pub column_types: BTreeMap<String, String>,
}

/// A way of authentication: `auth` of a base connection's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// `auth.specName`, exact with blanks and case. Example: `OAuth2 Client Credential`.
    pub spec_name: String,
    /// When to choose it, in a line.
    pub description: Option<String>,
    /// The removal of this way by Adobe; the source's other ways stay.
    pub deprecation: Option<Deprecation>,
    /// Further fields of `auth` beside `specName` and `params`, word for word.
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
    /// Whether it is a secret: then an input may only refer to it.
    #[serde(default)]
    pub secret: bool,
    /// Whether it is optional.
    #[serde(default)]
    pub optional: bool,
    /// Its JSON type in the body.
    #[serde(default, rename = "type")]
    pub value_type: ValueType,
    /// The format of its text; nothing if any text is valid, or no document says.
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

/// The format of a parameter's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Name of the host that the platform calls; documents also show it with a scheme or a port.
    Host,
    /// The address that the platform calls, with its scheme.
    Url,
    /// Host, login and options for the platform's calls, in one text.
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

/// The fields of a source connection's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConnection {
    /// `data.format`. Example: `tabular`.
    pub data_format: String,
    /// The field of `params` that names the table. Example: `tableName`.
    pub table_param: String,
    /// The field of `params` that lists the columns. Example: `columns`.
    pub columns_param: String,
    /// Whether `params.filters` is accepted; nothing if no document says.
    pub row_filter: Option<bool>,
}

/// What is known of a column by which a recurring flow finds new rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeltaColumn {
    /// Whether a flow may use one.
    pub supported: bool,
    /// The required format of its dates, in Java's letters; nothing if no document names it.
    pub date_format: Option<String>,
}

/// The removal of a source, or of one way of authentication, by Adobe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deprecation {
    /// Month of the removal, such as `2025-06`; nothing if no document dates it.
    pub since: Option<String>,
    /// What Adobe announced, as a sentence about Adobe without a full stop. Example: `Adobe
    /// announced its removal for the end of June 2025`.
    pub said: String,
    /// The replacement that Adobe names; nothing if no document names one.
    pub instead: Option<String>,
}
