//! Datasets: where a flow's rows end.
//!
//! Source: Catalog Service API guide ("Create a dataset", "List objects", "Filter data", "Look up
//! an object", "Delete", "Appendix"), read 2026-11.

use std::collections::BTreeMap;

use http::Method;
use serde::Serialize;
use serde_json::{Map, Value};

use super::filter::is_plain;
use super::flow_service::{Created, Deleted, SchemaRef};
use crate::client::Sandbox;
use crate::error::PlatformError;
use crate::fields::{self, Raw};
use crate::ids::{DatasetId, Etag, SchemaId};
use crate::kind::{EntityKind, Operation};
use crate::paging::{NextPage, Page};
use crate::request::{Request, Service};
use crate::response::{Response, UnreadableResponse};

const COLLECTION: &str = "/dataSets";
const ONE: &str = "/dataSets/{id}";

/// A larger `limit` is refused.
const MAX_PAGE: u32 = 100;

/// The content type of `schemaRef` that the newest guide prints for datasets.
const SCHEMA_CONTENT_TYPE: &str = "application/vnd.adobe.xed+json;version=1";

/// A dataset to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDataset {
    /// Its name; names are not unique.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// The rows' schema.
    pub schema_id: SchemaId,
    /// Tags by name; a name must not begin with `adobe`.
    pub tags: BTreeMap<String, Vec<String>>,
}

/// A dataset as Catalog shows it.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Its id.
    pub id: DatasetId,
    /// Its name; names are not unique.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// When it was created, in milliseconds since 1970.
    pub created_at_ms: Option<i64>,
    /// Its version, such as `1.0.2`.
    pub version: Option<String>,
    /// Its version for a change. It is in a header of the response, so lists have none.
    pub etag: Option<Etag>,
    /// Such as `DRAFT`.
    pub state: Option<String>,
    /// The rows' schema.
    pub schema_ref: Option<SchemaRef>,
    /// Tags by name.
    pub tags: BTreeMap<String, Vec<String>>,
    /// The whole entity.
    pub raw: Raw,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DatasetBody<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    schema_ref: SchemaRef,
    file_description: FileJson,
    enable_error_diagnostics: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: &'a BTreeMap<String, Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileJson {
    persisted: bool,
    container_format: &'static str,
    format: &'static str,
}

fn body(new: &NewDataset) -> DatasetBody<'_> {
    DatasetBody {
        name: &new.name,
        description: new.description.as_deref(),
        schema_ref: SchemaRef {
            id: new.schema_id.clone(),
            content_type: SCHEMA_CONTENT_TYPE.to_owned(),
        },
        file_description: FileJson {
            persisted: true,
            container_format: "parquet",
            format: "parquet",
        },
        // Without it a run counts the rows that failed, but gives no reasons.
        enable_error_diagnostics: true,
        tags: &new.tags,
    }
}

/// `["@/dataSets/5ed18e0f4f90b719196f44a9"]`, in either spelling of the path.
pub(crate) fn parse_created(response: &Response) -> Result<Created<DatasetId>, UnreadableResponse> {
    let body = response.json()?;
    let path = fields::text(&body, "/0")
        .ok_or_else(|| UnreadableResponse::shape("the response is no list of one path"))?;
    let id = path.rsplit('/').next().unwrap_or_default();
    Ok(Created {
        id: DatasetId::parse(id).map_err(|error| UnreadableResponse::shape(error.to_string()))?,
        etag: None,
        request_id: response.request_id(),
    })
}

fn build_list(name: Option<&str>, limit: usize, start: usize) -> Request {
    let mut request = Request::get(EntityKind::Dataset, Service::Catalog, COLLECTION);
    if let Some(name) = name {
        // In this filter `*` matches anything, and `**` is an asterisk.
        request = request.query("name", &name.replace('*', "**"));
    }
    request
        .query(
            "properties",
            "name,description,schemaRef,tags,created,state,version",
        )
        // Newest first: a dataset created meanwhile moves others to a later page, where they are
        // read a second time. In another order they could move to an earlier page and be missed.
        .query("orderBy", "desc:created")
        .query("limit", &limit.to_string())
        .query("start", &start.to_string())
}

pub(crate) fn parse_list(
    response: &Response,
    start: usize,
    limit: usize,
) -> Result<Page<Dataset>, UnreadableResponse> {
    let next = NextPage::Offset { start, limit };
    let entries = parse_map(response)?;
    Ok(Page::of(
        EntityKind::Dataset,
        entries,
        next,
        |(id, value)| read(&id, value).map(|dataset| (dataset.id.as_str().to_owned(), dataset)),
    ))
}

/// Datasets by id, without an envelope.
fn parse_map(response: &Response) -> Result<Map<String, Value>, UnreadableResponse> {
    match response.json()? {
        Value::Object(entries) => Ok(entries),
        Value::Array(entries) if entries.is_empty() => Ok(Map::new()),
        _ => Err(UnreadableResponse::shape(
            "the response is no map of datasets",
        )),
    }
}

fn read(id: &str, value: Value) -> Result<Dataset, UnreadableResponse> {
    let id = DatasetId::parse(id).map_err(|error| UnreadableResponse::shape(error.to_string()))?;
    if !value.is_object() {
        return Err(UnreadableResponse::shape("a dataset is no object"));
    }
    let tags = value
        .get("tags")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, values)| {
            let values = values.as_array().map_or(&[][..], Vec::as_slice);
            let texts = values.iter().filter_map(Value::as_str).map(str::to_owned);
            (name.clone(), texts.collect())
        })
        .collect();
    Ok(Dataset {
        id,
        name: fields::text(&value, "/name").unwrap_or_default(),
        description: fields::text(&value, "/description"),
        created_at_ms: fields::time_ms(&value, "/created"),
        version: fields::text(&value, "/version"),
        etag: None,
        state: fields::text(&value, "/state"),
        schema_ref: SchemaRef::read(&value, "/schemaRef"),
        tags,
        raw: Raw::new(value),
    })
}

/// One dataset, in a map of one, with the version that only the header has.
pub(crate) fn parse_one(
    response: &Response,
    id: &DatasetId,
) -> Result<Dataset, UnreadableResponse> {
    let value = parse_map(response)?
        .remove(id.as_str())
        .ok_or_else(|| UnreadableResponse::shape("the dataset is not in its response"))?;
    let mut dataset = read(id.as_str(), value)?;
    dataset.etag = etag(response);
    Ok(dataset)
}

/// Catalog's `E-Tag`, spelled so. An `ETag` is ignored: it may be a proxy's, computed of the bytes,
/// and Catalog would refuse every change under it as stale.
fn etag(response: &Response) -> Option<Etag> {
    response.header("e-tag")?.parse().ok()
}

#[derive(Serialize)]
struct DescriptionJson<'a> {
    description: &'a str,
}

/// A merge: fields that are not sent stay.
fn build_description(id: &DatasetId, etag: Option<&Etag>, description: &str) -> Request {
    let request = Request::new(
        Operation::Update,
        Method::PATCH,
        EntityKind::Dataset,
        Service::Catalog,
        ONE,
    )
    .id(id.as_str())
    .json(&DescriptionJson { description });
    match etag {
        Some(etag) => request.if_match(etag),
        None => request,
    }
}

/// For an unknown id the response may also be a success with an empty list.
pub(crate) fn parse_deleted(response: &Response) -> Result<Deleted, UnreadableResponse> {
    Ok(match response.json() {
        Ok(Value::Array(paths)) if paths.is_empty() => Deleted::WasGone,
        Ok(_) | Err(_) => Deleted::Accepted,
    })
}

impl Sandbox {
    /// Creates a dataset. The request is sent once.
    ///
    /// # Errors
    /// [`PlatformError`]; check its `effect` before sending it again, as names are not unique.
    pub async fn create_dataset(
        &self,
        new: &NewDataset,
    ) -> Result<Created<DatasetId>, PlatformError> {
        let request = Request::create(EntityKind::Dataset, Service::Catalog, COLLECTION, &new.name)
            .json(&body(new));
        self.call(&request, parse_created).await
    }

    /// One dataset.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn get_dataset(&self, id: &DatasetId) -> Result<Dataset, PlatformError> {
        let request = Request::get(EntityKind::Dataset, Service::Catalog, ONE).id(id.as_str());
        self.call(&request, |response| parse_one(response, id))
            .await
    }

    /// Every dataset of exactly that name, whatever characters the name has.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn find_datasets_named(&self, name: &str) -> Result<Vec<Dataset>, PlatformError> {
        let filter = is_plain(&name.replace('*', "x")).then_some(name);
        let mut datasets = match self.list_datasets(filter).await {
            Err(error) if error.refuses_filter() && filter.is_some() => {
                self.list_datasets(None).await?
            }
            result => result?,
        };
        datasets.retain(|dataset| dataset.name == name);
        Ok(datasets)
    }

    async fn list_datasets(&self, name: Option<&str>) -> Result<Vec<Dataset>, PlatformError> {
        let limit = self.client.page_size(MAX_PAGE);
        self.pages(
            usize::MAX,
            |cursor| build_list(name, limit, crate::paging::offset(cursor)),
            |response, cursor| parse_list(response, crate::paging::offset(cursor), limit),
        )
        .await
    }

    /// Sets a dataset's description, and changes nothing else. Without an etag, which is
    /// [`Dataset::etag`] of one read by its id, it overwrites what somebody else wrote meanwhile.
    /// Gives the new etag where the service does; none is documented.
    ///
    /// # Errors
    /// [`PlatformError`]; [`crate::Conflict::Version`] when it changed since the etag was read: read
    /// it again.
    pub async fn update_dataset_description(
        &self,
        id: &DatasetId,
        etag: Option<&Etag>,
        description: &str,
    ) -> Result<Option<Etag>, PlatformError> {
        let request = build_description(id, etag, description);
        // The body holds at most the dataset's id, so it is not read.
        self.call(&request, |response| Ok(self::etag(response)))
            .await
    }

    /// Deletes a dataset and its rows; this can't be undone.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn delete_dataset(&self, id: &DatasetId) -> Result<Deleted, PlatformError> {
        let request = Request::delete(EntityKind::Dataset, Service::Catalog, ONE).id(id.as_str());
        self.delete(&request, parse_deleted).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::response::response;

    #[test]
    fn the_body_is_the_guides() {
        let new = NewDataset {
            name: "osc_contacts".to_owned(),
            description: None,
            schema_id: "https://ns.adobe.com/acme/schemas/719c4e19"
                .parse()
                .unwrap(),
            tags: BTreeMap::from([("aep-flow".to_owned(), vec!["v1:a".to_owned()])]),
        };
        assert_eq!(
            serde_json::to_value(body(&new)).unwrap(),
            json!({
                "name": "osc_contacts",
                "schemaRef": {"id": "https://ns.adobe.com/acme/schemas/719c4e19",
                              "contentType": "application/vnd.adobe.xed+json;version=1"},
                "fileDescription": {"persisted": true, "containerFormat": "parquet", "format": "parquet"},
                "enableErrorDiagnostics": true,
                "tags": {"aep-flow": ["v1:a"]}
            })
        );
    }

    #[test]
    fn the_id_is_what_follows_the_last_slash() {
        for body in [r#"["@/dataSets/5ed18e0f"]"#, r#"["@/datasets/5ed18e0f"]"#] {
            let created = parse_created(&response(201, Some("application/json"), body)).unwrap();
            assert_eq!(created.id.as_str(), "5ed18e0f");
        }
        for body in ["[]", "{}", r#"["@/dataSets/"]"#] {
            assert!(parse_created(&response(201, None, body)).is_err(), "{body}");
        }
    }

    #[test]
    fn an_asterisk_in_a_name_is_escaped() {
        let shown = build_list(Some("a*b"), 100, 0).shown().0;
        assert!(shown.contains("?name=a%2A%2Ab&"), "{shown}");
    }

    #[test]
    fn datasets_come_by_id() {
        let body = r#"{"5ba9452f": {"version":"1.0.2","name":"osc","created":1533539550237,
            "schemaRef":{"id":"https://x/1","contentType":"c"},"tags":{"aep-flow":["v1:a"],"odd":7}},
            "5ba94530": {}}"#;
        let datasets = |body| {
            parse_list(&response(200, None, body), 0, 100)
                .unwrap()
                .items
        };
        let found = datasets(body);
        assert_eq!(found[0].1.name, "osc");
        assert_eq!(found[0].1.tags["aep-flow"], ["v1:a"]);
        assert_eq!(found[1].1.name, "");
        assert!(datasets("{}").is_empty());
    }
}
