//! The Schema Registry: the tenant's name, field groups, and schemas composed of them.
//!
//! Titles are unique across all kinds of the registry. No other resource of the chain has a unique
//! name. Source: Schema Registry API guide and troubleshooting guide, read 2026-11.

use serde_json::{Map, Value, json};

use super::filter::is_plain;
use super::flow_service::{Created, Deleted};
use crate::client::Sandbox;
use crate::error::PlatformError;
use crate::fields::{self, Raw};
use crate::ids::{ClassId, FieldGroupId, SchemaId, TenantId};
use crate::kind::EntityKind;
use crate::paging::{NextPage, Page};
use crate::request::{Request, Service};
use crate::response::{Response, UnreadableResponse};

/// Lists whole objects; the registry refuses a version in it.
const ACCEPT_LIST: &str = "application/vnd.adobe.xed+json";
/// One whole object. The registry requires a version, and 1 always means the newest.
const ACCEPT_ONE: &str = "application/vnd.adobe.xed+json;version=1";
/// One object with all references resolved.
const ACCEPT_RESOLVED: &str = "application/vnd.adobe.xed-full+json;version=1";
/// The longest page that the registry returns.
const MAX_PAGE: u32 = 300;

/// The organisation, as the registry knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantInfo {
    /// The tenant's name, without the underscore.
    pub tenant_id: TenantId,
    /// The organisation that the token belongs to.
    pub org_id: Option<String>,
}

/// A field group to be created: fields under the tenant's namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFieldGroup {
    /// Unique among all titles of the registry.
    pub title: String,
    /// The description.
    pub description: String,
    /// The class whose schemas can use it.
    pub class_id: ClassId,
    /// Whose namespace the fields live in.
    pub tenant_id: TenantId,
    /// The fields by name, as [`schema_fields`](crate::schema_fields) gives them.
    pub properties: Map<String, Value>,
}

/// A schema to be created: a class and field groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSchema {
    /// Unique among all titles of the registry.
    pub title: String,
    /// The description.
    pub description: String,
    /// Its one class.
    pub class_id: ClassId,
    /// Its field groups.
    pub field_group_ids: Vec<FieldGroupId>,
}

/// A field group as the registry shows it.
#[derive(Debug, Clone)]
pub struct FieldGroup {
    /// Its `$id`.
    pub id: FieldGroupId,
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: Option<String>,
    /// When it was created, in milliseconds since 1970.
    pub created_at_ms: Option<i64>,
    /// Its version, such as `1.0`.
    pub version: Option<String>,
    /// The classes whose schemas can use it.
    pub class_ids: Vec<ClassId>,
    /// The whole entity.
    pub raw: Raw,
}

impl FieldGroup {
    /// The fields under the tenant's namespace by name, wherever the registry shows them: in a
    /// definition of ours, or in place.
    #[must_use]
    pub fn properties(&self, tenant: &TenantId) -> Option<&Map<String, Value>> {
        let namespace = tenant.namespace();
        let raw = self.raw.as_value();
        let definitions = raw
            .get("definitions")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::values);
        let parts = fields::list(raw, "/allOf").iter();
        definitions.chain(parts).chain([raw]).find_map(|part| {
            part.get("properties")?
                .get(&namespace)?
                .get("properties")?
                .as_object()
        })
    }
}

/// A schema as the registry shows it.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Its `$id`.
    pub id: SchemaId,
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: Option<String>,
    /// When it was created, in milliseconds since 1970.
    pub created_at_ms: Option<i64>,
    /// Its version, such as `1.0`.
    pub version: Option<String>,
    /// Its class.
    pub class_id: Option<ClassId>,
    /// The `$ref`s of its parts: the class and its field groups.
    pub refs: Vec<String>,
    /// The whole entity.
    pub raw: Raw,
}

/// A kind of object of the registry.
pub(crate) trait Titled: Sized {
    const KIND: EntityKind;
    const COLLECTION: &'static str;
    fn read(value: Value) -> Result<Self, UnreadableResponse>;
    fn title(&self) -> &str;
    fn id(&self) -> &str;
}

fn created_at_ms(value: &Value) -> Option<i64> {
    fields::time_ms(value, "/meta:registryMetadata/repo:createdDate")
}

impl Titled for FieldGroup {
    const KIND: EntityKind = EntityKind::FieldGroup;
    const COLLECTION: &'static str = "/tenant/fieldgroups";

    fn read(value: Value) -> Result<Self, UnreadableResponse> {
        Ok(Self {
            id: fields::required_id(&value, "/$id")?,
            title: fields::text(&value, "/title").unwrap_or_default(),
            description: fields::text(&value, "/description"),
            created_at_ms: created_at_ms(&value),
            version: fields::text(&value, "/version"),
            class_ids: fields::ids(&value, "/meta:intendedToExtend"),
            raw: Raw::new(value),
        })
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }
}

impl Titled for Schema {
    const KIND: EntityKind = EntityKind::Schema;
    const COLLECTION: &'static str = "/tenant/schemas";

    fn read(value: Value) -> Result<Self, UnreadableResponse> {
        Ok(Self {
            id: fields::required_id(&value, "/$id")?,
            title: fields::text(&value, "/title").unwrap_or_default(),
            description: fields::text(&value, "/description"),
            created_at_ms: created_at_ms(&value),
            version: fields::text(&value, "/version"),
            class_id: fields::id(&value, "/meta:class"),
            refs: fields::list(&value, "/allOf")
                .iter()
                .filter_map(|part| fields::text(part, "/$ref"))
                .collect(),
            raw: Raw::new(value),
        })
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }
}

fn build_list<T: Titled>(title: Option<&str>, limit: usize, cursor: Option<&str>) -> Request {
    let mut request = Request::get(T::KIND, Service::SchemaRegistry, T::COLLECTION)
        .accept(ACCEPT_LIST)
        // The registry refuses `limit` and `start` without an order.
        .query("orderby", "title")
        .query("limit", &limit.to_string());
    if let Some(title) = title {
        request = request.property("title", "==", title);
    }
    if let Some(cursor) = cursor {
        request = request.query("start", cursor);
    }
    request
}

pub(crate) fn parse_list<T: Titled>(response: &Response) -> Result<Page<T>, UnreadableResponse> {
    let mut body = response.json()?;
    // The last value in the order, not a link; null on the last page.
    let next = fields::text(&body, "/_page/next").filter(|next| !next.is_empty());
    let Some(Value::Array(entries)) = body.get_mut("results").map(Value::take) else {
        return Err(UnreadableResponse::shape("`results` is no list"));
    };
    Ok(Page::of(
        T::KIND,
        entries,
        NextPage::Cursor(next),
        |entry| T::read(entry).map(|object| (object.id().to_owned(), object)),
    ))
}

pub(crate) fn parse_one<T: Titled>(response: &Response) -> Result<T, UnreadableResponse> {
    T::read(response.json()?)
}

pub(crate) fn parse_tenant(response: &Response) -> Result<TenantInfo, UnreadableResponse> {
    let body = response.json()?;
    Ok(TenantInfo {
        tenant_id: fields::required_id(&body, "/tenantId")?,
        org_id: fields::text(&body, "/imsOrg"),
    })
}

fn field_group_body(new: &NewFieldGroup) -> Value {
    let mut namespace = Map::new();
    namespace.insert(
        new.tenant_id.namespace(),
        json!({"type": "object", "properties": new.properties}),
    );
    json!({
        "type": "object",
        "title": new.title,
        "description": new.description,
        "meta:intendedToExtend": [new.class_id],
        "definitions": {"customFields": {"type": "object", "properties": namespace}},
        "allOf": [{"$ref": "#/definitions/customFields"}]
    })
}

fn schema_body(new: &NewSchema) -> Value {
    let parts: Vec<Value> = std::iter::once(new.class_id.as_str())
        .chain(new.field_group_ids.iter().map(FieldGroupId::as_str))
        .map(|part| json!({"$ref": part}))
        .collect();
    json!({
        "type": "object",
        "title": new.title,
        "description": new.description,
        "allOf": parts
    })
}

pub(crate) fn parse_created<I: std::str::FromStr<Err = crate::IdError>>(
    response: &Response,
) -> Result<Created<I>, UnreadableResponse> {
    Ok(Created {
        id: fields::required_id(&response.json()?, "/$id")?,
        etag: None,
        request_id: response.request_id(),
    })
}

impl Sandbox {
    /// The tenant's name, which is the namespace of all custom fields.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn tenant_info(&self) -> Result<TenantInfo, PlatformError> {
        let request = Request::get(EntityKind::Tenant, Service::SchemaRegistry, "/stats");
        self.call(&request, parse_tenant).await
    }

    /// Creates a field group. The request is sent once.
    ///
    /// # Errors
    /// [`PlatformError`]; a title that exists is
    /// [`Conflict::TitleNotUnique`](crate::Conflict::TitleNotUnique).
    pub async fn create_field_group(
        &self,
        new: &NewFieldGroup,
    ) -> Result<Created<FieldGroupId>, PlatformError> {
        let request = Request::create(
            EntityKind::FieldGroup,
            Service::SchemaRegistry,
            FieldGroup::COLLECTION,
            &new.title,
        )
        .json(&field_group_body(new));
        self.call(&request, parse_created).await
    }

    /// One field group.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn get_field_group(&self, id: &FieldGroupId) -> Result<FieldGroup, PlatformError> {
        let request = Request::get(
            EntityKind::FieldGroup,
            Service::SchemaRegistry,
            "/tenant/fieldgroups/{id}",
        )
        .id(id.as_str())
        .accept(ACCEPT_ONE);
        self.call(&request, parse_one).await
    }

    /// The field groups of exactly that title: at most one, unless the registry breaks its own
    /// rule.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn find_field_groups_titled(
        &self,
        title: &str,
    ) -> Result<Vec<FieldGroup>, PlatformError> {
        self.find_titled(title).await
    }

    /// Deletes a field group. The registry refuses this while a schema uses it.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn delete_field_group(&self, id: &FieldGroupId) -> Result<Deleted, PlatformError> {
        let template = "/tenant/fieldgroups/{id}";
        let request = Request::delete(EntityKind::FieldGroup, Service::SchemaRegistry, template);
        self.delete(&request.id(id.as_str()), |_| Ok(Deleted::Accepted))
            .await
    }

    /// Creates a schema. The request is sent once.
    ///
    /// # Errors
    /// As for [`Sandbox::create_field_group`].
    pub async fn create_schema(&self, new: &NewSchema) -> Result<Created<SchemaId>, PlatformError> {
        let request = Request::create(
            EntityKind::Schema,
            Service::SchemaRegistry,
            Schema::COLLECTION,
            &new.title,
        )
        .json(&schema_body(new));
        self.call(&request, parse_created).await
    }

    /// One schema.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn get_schema(&self, id: &SchemaId) -> Result<Schema, PlatformError> {
        let request = Request::get(
            EntityKind::Schema,
            Service::SchemaRegistry,
            "/tenant/schemas/{id}",
        )
        .id(id.as_str())
        .accept(ACCEPT_ONE);
        self.call(&request, parse_one).await
    }

    /// One schema with all its fields, as [`Schema::field`] looks them up.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn get_resolved_schema(&self, id: &SchemaId) -> Result<Schema, PlatformError> {
        let request = Request::get(
            EntityKind::Schema,
            Service::SchemaRegistry,
            "/tenant/schemas/{id}",
        )
        .id(id.as_str())
        .accept(ACCEPT_RESOLVED);
        self.call(&request, parse_one).await
    }

    /// The schemas of exactly that title: at most one, unless the registry breaks its own rule.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn find_schemas_titled(&self, title: &str) -> Result<Vec<Schema>, PlatformError> {
        self.find_titled(title).await
    }

    /// Deletes a schema.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn delete_schema(&self, id: &SchemaId) -> Result<Deleted, PlatformError> {
        let template = "/tenant/schemas/{id}";
        let request = Request::delete(EntityKind::Schema, Service::SchemaRegistry, template);
        self.delete(&request.id(id.as_str()), |_| Ok(Deleted::Accepted))
            .await
    }

    async fn find_titled<T: Titled>(&self, title: &str) -> Result<Vec<T>, PlatformError> {
        let limit = self.client.page_size(MAX_PAGE);
        let list = |filter: Option<String>| async move {
            self.pages(
                usize::MAX,
                |cursor| build_list::<T>(filter.as_deref(), limit, cursor),
                |response, _| parse_list(response),
            )
            .await
        };
        let mut found = None;
        if is_plain(title) {
            match list(Some(title.to_owned())).await {
                Ok(objects) => found = Some(objects),
                Err(error) if error.refuses_filter() => {}
                Err(error) => return Err(error),
            }
        }
        let mut objects: Vec<T> = match found {
            Some(objects) => objects,
            None => list(None).await?,
        };
        objects.retain(|object| object.title() == title);
        Ok(objects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::response;

    #[test]
    fn the_field_group_is_the_guides() {
        let mut properties = Map::new();
        properties.insert(
            "contactId".to_owned(),
            json!({"title": "Contact id", "type": "string"}),
        );
        let new = NewFieldGroup {
            title: "osc_contacts fields".to_owned(),
            description: "d".to_owned(),
            class_id: ClassId::individual_profile(),
            tenant_id: TenantId::parse("acme").unwrap(),
            properties: properties.clone(),
        };
        let body = field_group_body(&new);
        assert_eq!(
            body,
            json!({
                "type": "object", "title": "osc_contacts fields", "description": "d",
                "meta:intendedToExtend": ["https://ns.adobe.com/xdm/context/profile"],
                "definitions": {"customFields": {"type": "object", "properties": {"_acme": {
                    "type": "object", "properties": {"contactId": {"title": "Contact id", "type": "string"}}}}}},
                "allOf": [{"$ref": "#/definitions/customFields"}]
            })
        );
        // What was sent is found again in what is shown.
        let mut shown = body;
        shown["$id"] = json!("https://ns.adobe.com/acme/mixins/1f");
        let read = FieldGroup::read(shown).unwrap();
        assert_eq!(read.properties(&new.tenant_id), Some(&properties));
    }

    #[test]
    fn the_schema_is_the_guides() {
        let new = NewSchema {
            title: "osc_contacts".to_owned(),
            description: "d".to_owned(),
            class_id: ClassId::individual_profile(),
            field_group_ids: vec!["https://ns.adobe.com/acme/mixins/8779fd45".parse().unwrap()],
        };
        assert_eq!(
            schema_body(&new),
            json!({
                "type": "object", "title": "osc_contacts", "description": "d",
                "allOf": [{"$ref": "https://ns.adobe.com/xdm/context/profile"},
                          {"$ref": "https://ns.adobe.com/acme/mixins/8779fd45"}]
            })
        );
    }

    #[test]
    fn a_page_ends_with_the_last_title_or_null() {
        let request = build_list::<Schema>(Some("My schema"), 100, Some("B & C"));
        assert_eq!(
            request.shown().0,
            "GET /data/foundation/schemaregistry/tenant/schemas?orderby=title&limit=100\
             &property=title==My%20schema&start=B%20%26%20C"
        );
        for (next, expected) in [("null", None), ("\"B & C\"", Some("B & C"))] {
            let body = format!(
                r#"{{"results":[{{"$id":"https://x/1","title":"A"}}],"_page":{{"orderby":"title","next":{next},"count":1}}}}"#
            );
            let page =
                parse_list::<Schema>(&response(200, Some("application/json"), &body)).unwrap();
            let NextPage::Cursor(found) = page.next else {
                panic!("a cursor")
            };
            assert_eq!(found.as_deref(), expected);
            assert_eq!(page.items[0].1.title, "A");
        }
    }
}
