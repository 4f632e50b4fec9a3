//! Identity descriptors: which field of a schema identifies a person or thing.
//!
//! A descriptor has neither a name nor a description. Lists of descriptors have two media types of
//! their own: only the second has pages, and both refuse a version. Source: Schema Registry API
//! guide, "Descriptors endpoint", read 2026-11.

use serde::Serialize;
use serde_json::Value;

use super::flow_service::Created;
use crate::client::Sandbox;
use crate::error::PlatformError;
use crate::fields;
use crate::ids::{DescriptorId, SchemaId};
use crate::kind::EntityKind;
use crate::paging::{NextPage, Page};
use crate::request::{Request, Service};
use crate::response::{Response, UnreadableResponse};

const COLLECTION: &str = "/tenant/descriptors";
const ONE: &str = "/tenant/descriptors/{id}";

/// Lists whole descriptors in pages.
const ACCEPT: &str = "application/vnd.adobe.xdm-v2+json";

const TYPE: &str = "xdm:descriptorIdentity";

/// The one major version that a schema has.
const SCHEMA_VERSION: u32 = 1;

/// An identity descriptor to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIdentity {
    /// The schema.
    pub schema_id: SchemaId,
    /// The field's path with slashes: `/_acme/email`.
    pub property: String,
    /// Code of the identity namespace, such as `Email`.
    pub namespace: String,
    /// Whether it is the schema's primary identity; a schema has one at most.
    pub is_primary: bool,
}

/// An identity descriptor as the registry shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its `@id`.
    pub id: DescriptorId,
    /// The schema.
    pub schema_id: Option<SchemaId>,
    /// The field's path with slashes.
    pub property: String,
    /// Code or number of the identity namespace.
    pub namespace: String,
    /// Whether it is the schema's primary identity.
    pub is_primary: bool,
    /// When it was created, in milliseconds since 1970.
    pub created_at_ms: Option<i64>,
}

#[derive(Serialize)]
struct IdentityBody<'a> {
    #[serde(rename = "@type")]
    type_: &'static str,
    #[serde(rename = "xdm:sourceSchema")]
    schema: &'a SchemaId,
    #[serde(rename = "xdm:sourceVersion")]
    version: u32,
    #[serde(rename = "xdm:sourceProperty")]
    property: &'a str,
    #[serde(rename = "xdm:namespace")]
    namespace: &'a str,
    #[serde(rename = "xdm:property")]
    namespace_is: &'static str,
    #[serde(rename = "xdm:isPrimary")]
    is_primary: bool,
}

fn body(new: &NewIdentity) -> IdentityBody<'_> {
    IdentityBody {
        type_: TYPE,
        schema: &new.schema_id,
        version: SCHEMA_VERSION,
        property: &new.property,
        namespace: &new.namespace,
        namespace_is: "xdm:code",
        is_primary: new.is_primary,
    }
}

fn read(value: &Value) -> Result<Identity, UnreadableResponse> {
    Ok(Identity {
        id: fields::required_id(value, "/@id")?,
        schema_id: fields::id(value, "/xdm:sourceSchema"),
        property: fields::text(value, "/xdm:sourceProperty").unwrap_or_default(),
        namespace: fields::text(value, "/xdm:namespace").unwrap_or_default(),
        is_primary: fields::flag(value, "/xdm:isPrimary").unwrap_or_default(),
        created_at_ms: fields::time_ms(value, "/created"),
    })
}

fn build_list(schema: Option<&SchemaId>, cursor: Option<&str>) -> Request {
    let mut request =
        Request::get(EntityKind::Identity, Service::SchemaRegistry, COLLECTION).accept(ACCEPT);
    if let Some(schema) = schema {
        request = request.property("xdm:sourceSchema", "==", schema.as_str());
    }
    match cursor {
        Some(cursor) => request.query("start", cursor),
        None => request,
    }
}

/// The identity descriptors of a page, which also holds descriptors of other kinds.
pub(crate) fn parse_list(response: &Response) -> Result<Page<Identity>, UnreadableResponse> {
    let body = response.json()?;
    let next = fields::text(&body, "/_page/next").filter(|next| !next.is_empty());
    if !body.get("results").is_some_and(Value::is_array) {
        return Err(UnreadableResponse::shape("`results` is no list"));
    }
    let is_other = |entry: &Value| {
        let type_ = fields::text(entry, "/@type");
        type_.is_some_and(|type_| type_ != TYPE)
    };
    let entries = fields::list(&body, "/results").iter();
    let identities = entries.filter(|entry| !is_other(entry));
    Ok(Page::of(
        EntityKind::Identity,
        identities,
        NextPage::Cursor(next),
        |entry| {
            if fields::text(entry, "/@type").is_none() {
                return Err(UnreadableResponse::shape("`/@type` is missing"));
            }
            read(entry).map(|identity| (identity.id.as_str().to_owned(), identity))
        },
    ))
}

pub(crate) fn parse_one(response: &Response) -> Result<Identity, UnreadableResponse> {
    read(&response.json()?)
}

pub(crate) fn parse_created(
    response: &Response,
) -> Result<Created<DescriptorId>, UnreadableResponse> {
    Ok(Created {
        id: fields::required_id(&response.json()?, "/@id")?,
        etag: None,
        request_id: response.request_id(),
    })
}

impl Sandbox {
    /// Creates an identity descriptor. The request is sent once.
    ///
    /// # Errors
    /// [`PlatformError`]; check its `effect` before sending it again.
    pub async fn create_identity(
        &self,
        new: &NewIdentity,
    ) -> Result<Created<DescriptorId>, PlatformError> {
        let request = Request::create(
            EntityKind::Identity,
            Service::SchemaRegistry,
            COLLECTION,
            &new.property,
        )
        .json(&body(new));
        self.call(&request, parse_created).await
    }

    /// One identity descriptor.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn get_identity(&self, id: &DescriptorId) -> Result<Identity, PlatformError> {
        let request =
            Request::get(EntityKind::Identity, Service::SchemaRegistry, ONE).id(id.as_str());
        self.call(&request, parse_one).await
    }

    /// Every identity descriptor of a schema.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn find_identities_of(
        &self,
        schema_id: &SchemaId,
    ) -> Result<Vec<Identity>, PlatformError> {
        let mut identities = match self.list_identities(Some(schema_id)).await {
            Err(error) if error.refuses_filter() => self.list_identities(None).await?,
            result => result?,
        };
        identities.retain(|identity| identity.schema_id.as_ref() == Some(schema_id));
        Ok(identities)
    }

    async fn list_identities(
        &self,
        schema_id: Option<&SchemaId>,
    ) -> Result<Vec<Identity>, PlatformError> {
        self.pages(
            usize::MAX,
            |cursor| build_list(schema_id, cursor),
            |response, _| parse_list(response),
        )
        .await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::response::response;

    fn schema_id() -> SchemaId {
        "https://ns.adobe.com/acme/schemas/fbc5".parse().unwrap()
    }

    #[test]
    fn the_body_is_the_guides() {
        let new = NewIdentity {
            schema_id: schema_id(),
            property: "/_acme/contactId".to_owned(),
            namespace: "Email".to_owned(),
            is_primary: true,
        };
        let expected = json!({
            "@type": "xdm:descriptorIdentity",
            "xdm:sourceSchema": "https://ns.adobe.com/acme/schemas/fbc5",
            "xdm:sourceVersion": 1,
            "xdm:sourceProperty": "/_acme/contactId",
            "xdm:namespace": "Email",
            "xdm:property": "xdm:code",
            "xdm:isPrimary": true,
        });
        assert_eq!(serde_json::to_value(body(&new)).unwrap(), expected);
    }

    #[test]
    fn a_page_holds_descriptors_of_other_kinds_too() {
        let body = json!({
            "results": [
                {"@type": "xdm:alternateDisplayInfo", "@id": "a"},
                {"@type": "xdm:descriptorIdentity", "@id": "b", "created": 7,
                 "xdm:sourceSchema": "https://ns.adobe.com/acme/schemas/fbc5",
                 "xdm:sourceProperty": "/_acme/email", "xdm:namespace": "Email",
                 "xdm:isPrimary": true},
            ],
            "_page": {"next": "c"},
        });
        let page = parse_list(&response(200, Some("application/json"), &body.to_string())).unwrap();
        assert_eq!(page.items.len(), 1);
        let found = &page.items[0].1;
        assert_eq!(found.id.as_str(), "b");
        assert_eq!(found.schema_id, Some(schema_id()));
        assert_eq!(
            (found.property.as_str(), found.is_primary),
            ("/_acme/email", true)
        );
        assert_eq!(found.created_at_ms, Some(7));
        assert!(matches!(page.next, NextPage::Cursor(Some(next)) if next == "c"));
        assert!(parse_list(&response(200, None, r#"{"xdm:descriptorIdentity":[]}"#)).is_err());
    }

    #[test]
    fn a_list_is_asked_for_one_schema() {
        assert_eq!(
            build_list(Some(&schema_id()), Some("c")).shown().0,
            "GET /data/foundation/schemaregistry/tenant/descriptors?property=xdm%3AsourceSchema==\
             https%3A%2F%2Fns.adobe.com%2Facme%2Fschemas%2Ffbc5&start=c"
        );
    }
}
