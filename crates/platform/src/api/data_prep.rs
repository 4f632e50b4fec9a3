//! Mapping sets: which column goes to which XDM path.
//!
//! Two forms of the body are current. This is the form of Data Prep's own guide, as the check of a
//! flow compares its content type. The API has no deletion: an unused mapping set stays, and does
//! no harm. Source: Data Prep API guide and reference, read 2026-11.

use http::Method;
use serde::Serialize;
use serde_json::Value;

use super::filter::is_plain;
use super::flow_service::{Created, SchemaRef};
use super::target_connections::SCHEMA_VERSION;
use crate::client::Sandbox;
use crate::error::PlatformError;
use crate::fields::{self, Raw};
use crate::ids::{MappingSetId, SchemaId};
use crate::kind::{EntityKind, Operation};
use crate::paging::{NextPage, Page};
use crate::request::{Request, Service};
use crate::response::{Response, UnreadableResponse};
use crate::text;

const COLLECTION: &str = "/mappingSets";
const ONE: &str = "/mappingSets/{id}";
const VALIDATE: &str = "/mappingSets/validate";
const MAX_PAGE: u32 = 100;

/// One column, or an expression over columns, to one XDM path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldMapping {
    /// The column's path, dots in names escaped, or an expression.
    pub source: String,
    /// The XDM path, such as `_acme.contactId`.
    pub destination: String,
    /// Whether `source` is calculated rather than a column.
    #[serde(skip)]
    pub is_expression: bool,
}

impl FieldMapping {
    /// A column to a path; see [`source_path`](crate::source_path) for a name with a dot.
    #[must_use]
    pub fn attribute(source: impl Into<String>, destination: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            destination: destination.into(),
            is_expression: false,
        }
    }

    /// A calculated value to a path; at most 4096 characters.
    #[must_use]
    pub fn expression(source: impl Into<String>, destination: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            destination: destination.into(),
            is_expression: true,
        }
    }

    fn read(value: &Value) -> Option<Self> {
        let source_type = fields::text(value, "/sourceType").unwrap_or_default();
        Some(Self {
            // The other dialect's names are read too.
            source: fields::text(value, "/source")
                .or_else(|| fields::text(value, "/sourceAttribute"))?,
            destination: fields::text(value, "/destination")
                .or_else(|| fields::text(value, "/destinationXdmPath"))?,
            // An attribute is read back as `text/x.schema-path`.
            is_expression: source_type.eq_ignore_ascii_case("EXPRESSION")
                || source_type.eq_ignore_ascii_case("text/x.aep-xl"),
        })
    }
}

/// A mapping set to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMappingSet {
    /// The name by which it is found again.
    pub name: String,
    /// The schema mapped into: the target connection's.
    pub schema_id: SchemaId,
    /// The mappings.
    pub mappings: Vec<FieldMapping>,
}

/// A mapping set as Data Prep shows it.
#[derive(Debug, Clone)]
pub struct MappingSet {
    /// Its id.
    pub id: MappingSetId,
    /// Its name, if it was given one; names are not unique.
    pub name: String,
    /// When it was created, in milliseconds since 1970, if that can be read. The guide shows a
    /// number, the reference a date-time.
    pub created_at_ms: Option<i64>,
    /// Its version, 0 for a new one; a flow keeps the one that it names.
    pub version: Option<i64>,
    /// The schema mapped into.
    pub schema_ref: Option<SchemaRef>,
    /// The mappings, in the service's order.
    pub mappings: Vec<FieldMapping>,
    /// The whole entity.
    pub raw: Raw,
}

/// What Data Prep finds wrong with one mapping of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingFault {
    /// Its place among the mappings.
    pub index: usize,
    /// What is wrong, in Data Prep's words; at most 300 bytes on one line.
    pub reason: String,
}

/// The longest reason that is kept, in bytes.
const MAX_REASON_BYTES: usize = 300;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MappingSetBody<'a> {
    name: &'a str,
    output_schema: OutputJson<'a>,
    mappings: Vec<MappingJson<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputJson<'a> {
    schema_ref: SchemaJson<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SchemaJson<'a> {
    id: &'a SchemaId,
    content_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MappingJson<'a> {
    source_type: &'static str,
    #[serde(flatten)]
    mapping: &'a FieldMapping,
}

fn body(new: &NewMappingSet) -> MappingSetBody<'_> {
    MappingSetBody {
        name: &new.name,
        output_schema: OutputJson {
            schema_ref: SchemaJson {
                id: &new.schema_id,
                content_type: SCHEMA_VERSION,
            },
        },
        mappings: new
            .mappings
            .iter()
            .map(|mapping| MappingJson {
                source_type: if mapping.is_expression {
                    "EXPRESSION"
                } else {
                    "ATTRIBUTE"
                },
                mapping,
            })
            .collect(),
    }
}

pub(crate) fn parse_created(
    response: &Response,
) -> Result<Created<MappingSetId>, UnreadableResponse> {
    Ok(Created {
        id: fields::required_id(&response.json()?, "/id")?,
        etag: None,
        request_id: response.request_id(),
    })
}

/// One entry per mapping, in their order.
pub(crate) fn parse_validation(
    response: &Response,
) -> Result<Vec<MappingFault>, UnreadableResponse> {
    let body = response.json()?;
    if !body.get("validationResponse").is_some_and(Value::is_array) {
        return Err(UnreadableResponse::shape("`validationResponse` is no list"));
    }
    let entries = fields::list(&body, "/validationResponse")
        .iter()
        .enumerate();
    Ok(entries
        .filter_map(|(index, entry)| fault(index, entry))
        .collect())
}

fn fault(index: usize, entry: &Value) -> Option<MappingFault> {
    let errors = fields::list(entry, "/errors");
    let has_failed =
        fields::text(entry, "/status").is_some_and(|status| status.eq_ignore_ascii_case("FAILED"));
    if errors.is_empty() && !has_failed {
        return None;
    }
    let reasons: Vec<String> = errors
        .iter()
        .filter_map(|error| fields::text(error, "/exception"))
        .collect();
    let reason = match reasons.as_slice() {
        [] => "Data Prep does not say why".to_owned(),
        reasons => text::clean(&reasons.join("; "), MAX_REASON_BYTES),
    };
    Some(MappingFault { index, reason })
}

fn read(value: Value) -> Result<MappingSet, UnreadableResponse> {
    let schema_ref = SchemaRef::read(&value, "/outputSchema/schemaRef")
        .or_else(|| SchemaRef::read(&value, "/schemaRef"))
        .or_else(|| {
            Some(SchemaRef {
                id: fields::id(&value, "/xdmSchema")?,
                content_type: String::new(),
            })
        });
    Ok(MappingSet {
        id: fields::required_id(&value, "/id")?,
        name: fields::text(&value, "/name").unwrap_or_default(),
        created_at_ms: fields::time_ms(&value, "/createdDate"),
        version: fields::integer(&value, "/version"),
        schema_ref,
        mappings: fields::list(&value, "/mappings")
            .iter()
            .filter_map(FieldMapping::read)
            .collect(),
        raw: Raw::new(value),
    })
}

fn build_list(name: Option<&str>, limit: usize, start: usize) -> Request {
    // Both are demanded.
    let request = Request::get(EntityKind::MappingSet, Service::DataPrep, COLLECTION)
        .query("limit", &limit.to_string())
        .query("start", &start.to_string())
        .query("orderBy", "-createdDate");
    match name {
        Some(name) => request.query("name", name),
        None => request,
    }
}

pub(crate) fn parse_list(
    response: &Response,
    start: usize,
    limit: usize,
) -> Result<Page<MappingSet>, UnreadableResponse> {
    let mut body = response.json()?;
    let Some(Value::Array(entries)) = body.get_mut("data").map(Value::take) else {
        return Err(UnreadableResponse::shape("`data` is no list"));
    };
    // `_page.count` is 0 beside two entries in the guide's example: it is not used.
    let next = NextPage::Offset { start, limit };
    Ok(Page::of(EntityKind::MappingSet, entries, next, |entry| {
        read(entry).map(|set| (set.id.as_str().to_owned(), set))
    }))
}

impl Sandbox {
    /// Creates a mapping set. The request is sent once.
    ///
    /// # Errors
    /// [`PlatformError`]; check its `effect` before sending it again, as names are not unique.
    pub async fn create_mapping_set(
        &self,
        new: &NewMappingSet,
    ) -> Result<Created<MappingSetId>, PlatformError> {
        let request = Request::create(
            EntityKind::MappingSet,
            Service::DataPrep,
            COLLECTION,
            &new.name,
        )
        .json(&body(new));
        self.call(&request, parse_created).await
    }

    /// The faults that Data Prep finds in a mapping set before it is created; empty if there are
    /// none. Creates nothing.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn validate_mapping_set(
        &self,
        new: &NewMappingSet,
    ) -> Result<Vec<MappingFault>, PlatformError> {
        let request = Request::new(
            Operation::Read,
            Method::POST,
            EntityKind::MappingSet,
            Service::DataPrep,
            VALIDATE,
        )
        .json(&body(new));
        self.call(&request, parse_validation).await
    }

    /// One mapping set, with its mappings.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn get_mapping_set(&self, id: &MappingSetId) -> Result<MappingSet, PlatformError> {
        let request = Request::get(EntityKind::MappingSet, Service::DataPrep, ONE).id(id.as_str());
        self.call(&request, |response| read(response.json()?)).await
    }

    /// Every mapping set of exactly that name, whatever characters the name has.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn find_mapping_sets_named(
        &self,
        name: &str,
    ) -> Result<Vec<MappingSet>, PlatformError> {
        let filter = is_plain(name).then_some(name);
        let mut sets = match self.list_mapping_sets(filter).await {
            Err(error) if filter.is_some() && error.refuses_filter() => {
                self.list_mapping_sets(None).await?
            }
            result => result?,
        };
        sets.retain(|set| set.name == name);
        Ok(sets)
    }

    async fn list_mapping_sets(
        &self,
        name: Option<&str>,
    ) -> Result<Vec<MappingSet>, PlatformError> {
        let limit = self.client.page_size(MAX_PAGE);
        self.pages(
            usize::MAX,
            |cursor| build_list(name, limit, crate::paging::offset(cursor)),
            |response, cursor| parse_list(response, crate::paging::offset(cursor), limit),
        )
        .await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::response::response;

    #[test]
    fn the_body_is_the_guides() {
        let new = NewMappingSet {
            name: "osc_contacts".to_owned(),
            schema_id: "https://ns.adobe.com/acme/schemas/89abc189"
                .parse()
                .unwrap(),
            mappings: vec![
                FieldMapping::attribute("id", "_acme.contactId"),
                FieldMapping::expression("upper(name)", "_acme.name"),
            ],
        };
        assert_eq!(
            serde_json::to_value(body(&new)).unwrap(),
            json!({
                "name": "osc_contacts",
                "outputSchema": {"schemaRef": {
                    "id": "https://ns.adobe.com/acme/schemas/89abc189",
                    "contentType": "application/vnd.adobe.xed-full+json;version=1"}},
                "mappings": [
                    {"sourceType": "ATTRIBUTE", "source": "id", "destination": "_acme.contactId"},
                    {"sourceType": "EXPRESSION", "source": "upper(name)", "destination": "_acme.name"}]
            })
        );
    }

    #[test]
    fn faults_are_read_with_their_place() {
        let faults = |entries: Value| {
            let body = json!({"validationResponse": entries}).to_string();
            parse_validation(&response(200, Some("application/json"), &body)).unwrap()
        };
        let good = json!({"status": "SUCCESS", "errors": null});
        assert_eq!(faults(json!([good, good])), []);
        let found = faults(json!([
            good,
            {"status": "FAILED", "errors": [
                {"source": "shout(a)", "exception": "no function\n shout"},
                {"exception": "x".repeat(900)}]},
            {"status": "FAILED", "errors": null},
        ]));
        assert_eq!((found[0].index, found[1].index), (1, 2));
        assert!(
            found[0].reason.starts_with("no function shout; xxx"),
            "{found:?}"
        );
        assert_eq!(found[0].reason.len(), MAX_REASON_BYTES);
        assert_eq!(found[1].reason, "Data Prep does not say why");
        assert!(parse_validation(&response(200, None, "{}")).is_err());
    }

    #[test]
    fn both_dialects_are_read() {
        let sets = [
            json!({"id": "m", "outputSchema": {"schemaRef": {"id": "https://x/1", "contentType": "c"}},
                   "mappings": [{"sourceType": "text/x.schema-path", "source": "a", "destination": "_t.a"}]}),
            json!({"id": "m", "xdmSchema": "https://x/1",
                   "mappings": [{"sourceAttribute": "a", "destinationXdmPath": "_t.a"}]}),
        ];
        for set in sets {
            let set = read(set).unwrap();
            assert_eq!(set.schema_ref.unwrap().id.as_str(), "https://x/1");
            assert_eq!(set.mappings, [FieldMapping::attribute("a", "_t.a")]);
        }
    }
}
