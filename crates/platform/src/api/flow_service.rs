//! What all resources of Flow Service share: the envelope of lists and single entities, the
//! response to a create, and deletion.
//!
//! Sources: Flow Service API reference and "Sort and filter responses in the Flow Service API",
//! read 2026-11.

use std::str::FromStr;

use http::Method;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;

use super::filter::is_plain;
use crate::client::Sandbox;
use crate::code::RequestId;
use crate::error::PlatformError;
use crate::fields;
use crate::ids::{ConnectionSpecId, Etag, FlowSpecId, IdError, SchemaId};
use crate::kind::{EntityKind, Operation};
use crate::meaning::Class;
use crate::paging::{NextPage, Page};
use crate::request::{Request, Service};
use crate::response::{Response, UnreadableResponse};

/// The largest page that is safe to request; the reference gives no limit for GET.
const MAX_PAGE: u32 = 100;

/// What the response to a create holds; it repeats nothing of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created<I> {
    /// The new resource's id.
    pub id: I,
    /// Its version, where the service gives one.
    pub etag: Option<Etag>,
    /// The id that Adobe's support asks for, if the response had one.
    pub request_id: Option<RequestId>,
}

/// What the response to a deletion means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// The platform accepted the deletion; it may take a while until the resource is gone.
    Accepted,
    /// The resource did not exist.
    WasGone,
}

/// A connection spec with its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectionSpecRef {
    /// The spec's id.
    pub id: ConnectionSpecId,
    /// Its version, `1.0` for all that are known.
    pub version: String,
}

impl ConnectionSpecRef {
    /// Version `1.0` of a spec.
    #[must_use]
    pub fn v1(id: ConnectionSpecId) -> Self {
        Self {
            id,
            version: "1.0".to_owned(),
        }
    }

    pub(crate) fn read(value: &Value) -> Option<Self> {
        Some(Self {
            id: fields::id(value, "/connectionSpec/id")?,
            version: fields::text(value, "/connectionSpec/version").unwrap_or_default(),
        })
    }
}

/// A flow spec with its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlowSpecRef {
    /// The spec's id.
    pub id: FlowSpecId,
    /// Its version, `1.0` for all that are known.
    pub version: String,
}

impl FlowSpecRef {
    /// Version `1.0` of a spec.
    #[must_use]
    pub fn v1(id: FlowSpecId) -> Self {
        Self {
            id,
            version: "1.0".to_owned(),
        }
    }

    pub(crate) fn read(value: &Value) -> Option<Self> {
        Some(Self {
            id: fields::id(value, "/flowSpec/id")?,
            version: fields::text(value, "/flowSpec/version").unwrap_or_default(),
        })
    }
}

/// A reference to a schema: its id, and the content type that pins its major version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SchemaRef {
    /// The schema's `$id`.
    pub id: SchemaId,
    /// Such as `application/vnd.adobe.xed-full+json;version=1`.
    #[serde(rename = "contentType")]
    pub content_type: String,
}

impl SchemaRef {
    pub(crate) fn read(value: &Value, pointer: &str) -> Option<Self> {
        let reference = value.pointer(pointer)?;
        Some(Self {
            id: fields::id(reference, "/id")?,
            content_type: fields::text(reference, "/contentType").unwrap_or_default(),
        })
    }
}

/// A resource of Flow Service.
pub(crate) trait Entity: Sized {
    const KIND: EntityKind;
    /// `/flows`
    const COLLECTION: &'static str;
    /// `/flows/{id}`
    const ONE: &'static str;
    /// Only the id is required.
    fn read(value: Value) -> Result<Self, UnreadableResponse>;
    fn id(&self) -> &str;
    fn name(&self) -> &str;
}

/// A condition `path == value` of a list.
pub(crate) type Filter<'a> = (&'a str, &'a str);

pub(crate) fn build_list<E: Entity>(
    filters: &[Filter<'_>],
    orderby: Option<&str>,
    limit: usize,
    cursor: Option<&str>,
) -> Request {
    let mut request = Request::get(E::KIND, Service::Flow, E::COLLECTION);
    for (path, value) in filters {
        request = request.property(path, "==", value);
    }
    if let Some(orderby) = orderby {
        request = request.query("orderby", orderby);
    }
    request = request.query("limit", &limit.to_string());
    // No page says whether the token includes the filter, so every request has both.
    if let Some(cursor) = cursor {
        request = request.query("continuationToken", cursor);
    }
    request
}

pub(crate) fn parse_list<E: Entity>(
    response: &Response,
    host: &str,
) -> Result<Page<E>, UnreadableResponse> {
    let mut body = response.json()?;
    let next = next_token(&body, E::COLLECTION, host)?;
    let Some(Value::Array(entries)) = body.get_mut("items").map(Value::take) else {
        return Err(UnreadableResponse::shape("`items` is no list"));
    };
    Ok(Page::of(
        E::KIND,
        entries,
        NextPage::Cursor(next),
        |entry| E::read(entry).map(|entity| (entity.id().to_owned(), entity)),
    ))
}

/// The token of the next page, from `_links.next.href` or from the top level. The link itself is
/// never followed; a link that leads elsewhere is refused all the same.
fn next_token(
    body: &Value,
    collection: &str,
    host: &str,
) -> Result<Option<String>, UnreadableResponse> {
    let href = fields::text(body, "/_links/next/href")
        .or_else(|| fields::text(body, "/_links/next"))
        .filter(|href| !href.is_empty());
    let Some(href) = href else {
        return Ok(fields::text(body, "/continuationToken").filter(|token| !token.is_empty()));
    };
    let path_and_query = match href.split_once("://") {
        Some((_, rest)) => {
            let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            if authority.split(':').next() != Some(host) {
                return Err(UnreadableResponse::ForeignNextPage);
            }
            path
        }
        None if href.starts_with("//") => return Err(UnreadableResponse::ForeignNextPage),
        None => href.as_str(),
    };
    let (path, query) = path_and_query
        .split_once('?')
        .unwrap_or((path_and_query, ""));
    let path = path.strip_prefix(Service::Flow.base_path()).unwrap_or(path);
    if path.trim_matches('/') != collection.trim_matches('/') {
        return Err(UnreadableResponse::ForeignNextPage);
    }
    // A token may hold `=`: the first one ends the name.
    let token = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == "continuationToken")
        .map(|(_, token)| token)
        .filter(|token| !token.is_empty())
        .ok_or_else(|| {
            UnreadableResponse::shape("the next page's link has no `continuationToken`")
        })?;
    percent_decode_str(token)
        .decode_utf8()
        .map(|token| Some(token.into_owned()))
        .map_err(|_| UnreadableResponse::shape("the next page's `continuationToken` is no text"))
}

pub(crate) fn build_one<E: Entity>(id: &str) -> Request {
    Request::get(E::KIND, Service::Flow, E::ONE).id(id)
}

/// One entity: in a list of one, or bare as the tutorials show specs.
pub(crate) fn parse_one<E: Entity>(response: &Response) -> Result<E, UnreadableResponse> {
    E::read(unwrap_one(response.json()?)?)
}

/// The same, but an empty list means that there is none.
pub(crate) fn parse_one_or_none<E: Entity>(
    response: &Response,
) -> Result<Option<E>, UnreadableResponse> {
    let body = response.json()?;
    let is_none = body.get("items").and_then(Value::as_array);
    if is_none.is_some_and(Vec::is_empty) {
        return Ok(None);
    }
    E::read(unwrap_one(body)?).map(Some)
}

fn unwrap_one(mut body: Value) -> Result<Value, UnreadableResponse> {
    let none = || UnreadableResponse::shape("`items` does not hold the entity");
    match body.get_mut("items").map(Value::take) {
        Some(Value::Array(entries)) => entries.into_iter().find(Value::is_object).ok_or_else(none),
        Some(_) => Err(none()),
        None => Ok(body),
    }
}

/// `{"id","etag"}`, or the same in a list of one as for runs.
pub(crate) fn parse_created<I: FromStr<Err = IdError>>(
    response: &Response,
) -> Result<Created<I>, UnreadableResponse> {
    let body = unwrap_one(response.json()?)?;
    Ok(Created {
        id: fields::required_id(&body, "/id")?,
        etag: fields::etag(&body),
        request_id: response.request_id(),
    })
}

impl Sandbox {
    pub(crate) async fn list_entities<E: Entity>(
        &self,
        filters: &[Filter<'_>],
        orderby: Option<&str>,
        max_items: usize,
    ) -> Result<Vec<E>, PlatformError> {
        let limit = self.client.page_size(MAX_PAGE).min(max_items.max(1));
        let host = self.client.platform_host();
        self.pages(
            max_items,
            |cursor| build_list::<E>(filters, orderby, limit, cursor),
            |response, _| parse_list(response, host),
        )
        .await
    }

    /// Every entity of exactly that name, and of that parent where one is given. The filter only
    /// shortens the list. If the server refuses it, the next request has a wider one. If the server
    /// ignores it, the result is the same.
    pub(crate) async fn find_entities<E: Entity>(
        &self,
        name: &str,
        parent: Option<Filter<'_>>,
        ours: impl Fn(&E) -> bool,
    ) -> Result<Vec<E>, PlatformError> {
        let mut attempts: Vec<Vec<Filter<'_>>> = Vec::with_capacity(3);
        if is_plain(name) {
            attempts.push(parent.into_iter().chain([("name", name)]).collect());
        }
        if let Some(parent) = parent {
            attempts.push(vec![parent]);
        }
        let mut entities = self.list_narrowed(&attempts).await?;
        entities.retain(|entity: &E| entity.name() == name && ours(entity));
        Ok(entities)
    }

    /// Every entity for which `uses` is true. The filter only shortens the list, as above.
    pub(crate) async fn find_users<E: Entity>(
        &self,
        (path, id): Filter<'_>,
        uses: impl Fn(&E) -> bool,
    ) -> Result<Vec<E>, PlatformError> {
        let mut attempts = Vec::with_capacity(1);
        if is_plain(id) {
            attempts.push(vec![(path, id)]);
        }
        let mut entities = self.list_narrowed(&attempts).await?;
        entities.retain(uses);
        Ok(entities)
    }

    /// The list under the first of these filters that the server accepts, else the whole list.
    async fn list_narrowed<E: Entity>(
        &self,
        attempts: &[Vec<Filter<'_>>],
    ) -> Result<Vec<E>, PlatformError> {
        for filters in attempts {
            match self.list_entities(filters, None, usize::MAX).await {
                Err(error) if error.refuses_filter() => {}
                result => return result,
            }
        }
        self.list_entities(&[], None, usize::MAX).await
    }

    pub(crate) async fn get_entity<E: Entity>(&self, id: &str) -> Result<E, PlatformError> {
        self.call(&build_one::<E>(id), parse_one).await
    }

    pub(crate) async fn create_entity<E: Entity, I: FromStr<Err = IdError>>(
        &self,
        name: &str,
        body: &impl Serialize,
    ) -> Result<Created<I>, PlatformError> {
        let request = Request::create(E::KIND, Service::Flow, E::COLLECTION, name).json(body);
        self.call(&request, parse_created).await
    }

    pub(crate) async fn delete_entity<E: Entity>(
        &self,
        id: &str,
    ) -> Result<Deleted, PlatformError> {
        let request = Request::delete(E::KIND, Service::Flow, E::ONE).id(id);
        self.delete(&request, |_| Ok(Deleted::Accepted)).await
    }

    /// Deletes. If the resource does not exist, that is a success, as the effect is the same.
    pub(crate) async fn delete(
        &self,
        request: &Request,
        parse: impl FnOnce(&Response) -> Result<Deleted, UnreadableResponse>,
    ) -> Result<Deleted, PlatformError> {
        match self.call(request, parse).await {
            Err(error) if error.class() == Class::NotFound => Ok(Deleted::WasGone),
            result => result,
        }
    }

    /// Sets an entity's description under its etag, and changes nothing else.
    pub(crate) async fn describe_entity<E: Entity>(
        &self,
        id: &str,
        etag: &Etag,
        description: &str,
    ) -> Result<Option<Etag>, PlatformError> {
        let request = build_description::<E>(id, etag, description);
        self.patch_entity(&request).await
    }

    /// Changes an entity by JSON Patch under its etag; gives the new etag where the service does.
    pub(crate) async fn patch_entity(
        &self,
        request: &Request,
    ) -> Result<Option<Etag>, PlatformError> {
        // Adobe's documents show three forms of the response, one of them without a body. Each is a
        // success.
        let etag = |response: &Response| fields::etag(&unwrap_one(response.json().ok()?).ok()?);
        self.call(request, |response| Ok(etag(response))).await
    }
}

/// One JSON Patch operation that sets the description. `add` also replaces an existing description
/// (RFC 6902, 4.1); `replace` may be refused for an entity without one.
#[derive(Serialize)]
struct SetDescription<'a> {
    op: &'static str,
    path: &'static str,
    value: &'a str,
}

fn build_description<E: Entity>(id: &str, etag: &Etag, description: &str) -> Request {
    let patch = [SetDescription {
        op: "add",
        path: "/description",
        value: description,
    }];
    build_patch::<E>(id, etag, &patch)
}

pub(crate) fn build_patch<E: Entity>(id: &str, etag: &Etag, patch: &impl Serialize) -> Request {
    Request::new(
        Operation::Update,
        Method::PATCH,
        E::KIND,
        Service::Flow,
        E::ONE,
    )
    .id(id)
    .if_match(etag)
    .json(patch)
}
