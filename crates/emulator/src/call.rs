//! A request as an operation sees it.

use axum::http::HeaderMap;
use bytes::Bytes;
use serde_json::Value;
use url::form_urlencoded;

use crate::problem::Problem;
use crate::route::Route;

/// A request that has arrived completely.
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
    /// Creates a call and parses its query.
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

    /// A part of the path, by its name in the template.
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

    /// All query parameters, in the order sent.
    pub(crate) fn query_pairs(&self) -> &[(String, String)] {
        &self.query
    }

    /// A header whose value is text.
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
