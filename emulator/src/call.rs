//! A request as an operation sees it, and the scene the operation plays in.

use axum::http::HeaderMap;
use bytes::Bytes;
use serde_json::Value;
use url::form_urlencoded;

use crate::backdrop::Backdrop;
use crate::config::Config;
use crate::ids::Ids;
use crate::list_play::ListPlay;
use crate::problem::Problem;
use crate::routes::Route;
use crate::store::{Entity, Kind, Store};

/// A request that has arrived whole.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) route: &'static Route,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) path_and_query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    query: Vec<(String, String)>,
}

impl Call {
    /// Reads the query once.
    pub(crate) fn new(
        route: &'static Route,
        params: Vec<(String, String)>,
        path_and_query: String,
        headers: HeaderMap,
        body: Bytes,
    ) -> Self {
        let query = path_and_query
            .split_once('?')
            .map_or("", |(_, query)| query);
        let query = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        Self {
            route,
            params,
            path_and_query,
            headers,
            body,
            query,
        }
    }

    /// A part of the path by its name in the template.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    /// The first query parameter of this name.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query_all(name).next()
    }

    /// All query parameters of this name.
    pub(crate) fn query_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.query
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// All query parameters, in their order.
    pub(crate) fn query_pairs(&self) -> &[(String, String)] {
        &self.query
    }

    /// A header that is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The JSON body.
    pub(crate) fn json(&self) -> Result<Value, Problem> {
        if self.body.is_empty() {
            return Err(self.empty_body());
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Null) => Err(self.empty_body()),
            Ok(body) => Ok(body),
            Err(error) => Err(Problem::bad_request(format!(
                "The request body is not valid JSON: {error}"
            ))),
        }
    }

    fn empty_body(&self) -> Problem {
        if self.route.is_flow_service() {
            Problem::flow(
                1405,
                400,
                "The request body is null or empty. Provide a body and try again.",
            )
        } else {
            Problem::bad_request("The request body is empty")
        }
    }
}

/// Who calls, as the gateway found out.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) client_id: String,
    /// The sandbox of the call; empty for calls that have none.
    pub(crate) sandbox: String,
    /// The sandboxes it may use, `None` for all.
    pub(crate) sandboxes: Option<Vec<String>>,
}

impl Caller {
    /// Whether it may use this sandbox.
    pub(crate) fn may_use(&self, sandbox: &str) -> bool {
        self.sandboxes
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| name == sandbox))
    }
}

/// All that an operation has to work with.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) config: &'a Config,
    pub(crate) backdrop: &'a Backdrop,
    pub(crate) store: &'a mut Store,
    pub(crate) call: &'a Call,
    pub(crate) caller: Caller,
    pub(crate) ids: Ids,
    /// When the call arrived: what it asks for is judged by this time.
    pub(crate) arrived_ms: i64,
    /// When it takes effect, which is later for a late commit: this time is written down.
    pub(crate) now_ms: i64,
    pub(crate) lists: ListPlay,
    pub(crate) keep_deleted_ms: i64,
}

impl Scene<'_> {
    /// The resources of a kind that a list shows, in the order of creation.
    pub(crate) fn listed(&self, kind: Kind) -> impl Iterator<Item = &Entity> {
        let kept = self.store.kept(&self.caller.sandbox, kind);
        let (lag, now_ms) = (self.lists.lag, self.now_ms);
        kept.iter().filter(move |entity| lag.shows(entity, now_ms))
    }

    /// A stable id of the caller's sandbox.
    pub(crate) fn sandbox_id(&self) -> String {
        sandbox_id(&self.caller.sandbox)
    }
}

/// A stable id of a sandbox, made from its name.
pub(crate) fn sandbox_id(name: &str) -> String {
    let seed = name
        .bytes()
        .fold(0_u64, |seed, byte| crate::ids::mix(seed ^ u64::from(byte)));
    Ids::seeded(seed).uuid()
}

/// The string at a JSON pointer, or nothing.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
