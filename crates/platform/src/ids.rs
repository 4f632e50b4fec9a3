//! One type per kind of id, so that a base connection's id can't be passed for a flow's.
//!
//! An id is opaque: it is kept as Adobe gave it, and only what would break a URL or a header is
//! refused. Sources: Flow Service, Schema Registry, Catalog, Data Prep and Sandbox API references,
//! read 2026-11.

use serde::{Deserialize, Serialize};

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {what}: {problem}")]
pub struct IdError {
    what: &'static str,
    problem: &'static str,
}

const MAX_ID_BYTES: usize = 512;

fn check_opaque(what: &'static str, text: &str) -> Result<(), IdError> {
    let problem = if text.is_empty() {
        "it is empty"
    } else if text.len() > MAX_ID_BYTES {
        "it is longer than 512 bytes"
    } else if text == "." || text == ".." {
        // In a URL's path these two are directions, whatever is percent-encoded around them.
        "it is a step in a path"
    } else if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        "it has white space or a control character"
    } else {
        return Ok(());
    };
    Err(IdError { what, problem })
}

fn check_sandbox(what: &'static str, text: &str) -> Result<(), IdError> {
    check_opaque(what, text)?;
    if text
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
        Ok(())
    } else {
        Err(IdError {
            what,
            problem: "only lower-case letters, digits and `-` are allowed",
        })
    }
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes a text as it is.
            ///
            /// # Errors
            /// [`IdError`] when it is empty, too long, or would not survive a URL or a header.
            pub fn parse(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                $check($what, &text)?;
                Ok(Self(text))
            }

            /// The text as Adobe gave it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }
    };
}

text_type!(
    /// A base connection: Flow Service's UUID.
    BaseConnectionId, "the id of a base connection", check_opaque
);
text_type!(
    /// A source connection: Flow Service's UUID.
    SourceConnectionId, "the id of a source connection", check_opaque
);
text_type!(
    /// A target connection: Flow Service's UUID.
    TargetConnectionId, "the id of a target connection", check_opaque
);
text_type!(
    /// A flow (dataflow): Flow Service's UUID.
    FlowId, "the id of a flow", check_opaque
);
text_type!(
    /// One run of a flow: Flow Service's UUID.
    FlowRunId, "the id of a flow run", check_opaque
);
text_type!(
    /// A connection spec: a UUID that is the same in every organisation.
    ConnectionSpecId, "the id of a connection spec", check_opaque
);
text_type!(
    /// A flow spec: a UUID that is the same in every organisation.
    FlowSpecId, "the id of a flow spec", check_opaque
);
text_type!(
    /// A schema: its `$id`, a URL such as `https://ns.adobe.com/acme/schemas/719c4e19`.
    SchemaId, "the id of a schema", check_opaque
);
text_type!(
    /// A field group: its `$id`, a URL such as `https://ns.adobe.com/acme/mixins/8779fd45`.
    FieldGroupId, "the id of a field group", check_opaque
);
text_type!(
    /// A class of schemas: its `$id`, such as `https://ns.adobe.com/xdm/context/profile`.
    ClassId, "the id of a class", check_opaque
);
text_type!(
    /// A descriptor of a schema: its `@id`, 40 hex digits.
    DescriptorId, "the id of a descriptor", check_opaque
);
text_type!(
    /// A dataset: Catalog's 24 hex digits.
    DatasetId, "the id of a dataset", check_opaque
);
text_type!(
    /// A mapping set: Data Prep's 32 hex digits.
    MappingSetId, "the id of a mapping set", check_opaque
);
text_type!(
    /// The tenant's short name, without the underscore: `acme` for the field namespace `_acme`.
    TenantId, "a tenant id", check_opaque
);
text_type!(
    /// A sandbox's name: lower-case letters, digits and `-`.
    SandboxName, "a sandbox name", check_sandbox
);
text_type!(
    /// An entity's version for `If-Match`, with the quotes that Flow Service puts inside it.
    Etag, "an etag", check_opaque
);

impl ConnectionSpecId {
    /// Oracle Service Cloud. Source: Oracle Service Cloud base connection tutorial, read 2026-11.
    #[must_use]
    pub fn oracle_service_cloud() -> Self {
        Self("ba5126ec-c9ac-11eb-b8bc-0242ac130003".to_owned())
    }

    /// The data lake, the target of every batch flow. Source: collect tutorials, read 2026-11.
    #[must_use]
    pub fn data_lake() -> Self {
        Self("c604ff05-7f1a-43c0-8e18-33bf874cb11c".to_owned())
    }
}

impl FlowSpecId {
    /// `CRMToAEP`, the flow spec of every table source. Source: collect tutorials, read 2026-11.
    #[must_use]
    pub fn crm_to_aep() -> Self {
        Self("14518937-270c-4525-bdec-c2ba7cce3860".to_owned())
    }
}

impl ClassId {
    /// XDM Individual Profile, a record class. Source: Schema Registry guide, read 2026-11.
    #[must_use]
    pub fn individual_profile() -> Self {
        Self("https://ns.adobe.com/xdm/context/profile".to_owned())
    }

    /// XDM ExperienceEvent, a time series class. Source: Schema Registry guide, read 2026-11.
    #[must_use]
    pub fn experience_event() -> Self {
        Self("https://ns.adobe.com/xdm/context/experienceevent".to_owned())
    }
}

impl TenantId {
    /// The object under which every custom field lives: `_acme`.
    #[must_use]
    pub fn namespace(&self) -> String {
        format!("_{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_kept_as_it_came() {
        let text = "https://ns.adobe.com/acme/schemas/719c4e19";
        assert_eq!(SchemaId::parse(text).unwrap().as_str(), text);
        assert_eq!(
            Etag::parse("\"0200-5e43\"").unwrap().as_str(),
            "\"0200-5e43\""
        );
    }

    #[test]
    fn what_would_break_a_url_or_a_header_is_refused() {
        for text in ["", "a b", "a\nb", ".", "..", &"x".repeat(513)] {
            assert!(FlowId::parse(text).is_err(), "{text:?}");
        }
        for text in ["Prod", "pröd", "a_b"] {
            assert!(SandboxName::parse(text).is_err(), "{text:?}");
        }
    }
}
