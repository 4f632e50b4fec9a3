//! An operation's response, before it becomes HTTP.

use serde_json::Value;

/// Status, body and headers of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body as text. JSON is written already, because the order of Catalog's keys matters.
    pub(crate) body: Option<String>,
    /// Headers besides the content type.
    pub(crate) headers: Vec<(String, String)>,
}

impl Answer {
    /// A response with a JSON body.
    pub(crate) fn json(status: u16, body: impl Into<Value>) -> Self {
        Self {
            status,
            body: Some(body.into().to_string()),
            headers: Vec::new(),
        }
    }

    /// A response whose body is text already.
    pub(crate) fn text(status: u16, body: String) -> Self {
        Self {
            status,
            body: Some(body),
            headers: Vec::new(),
        }
    }

    /// A response without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            body: None,
            headers: Vec::new(),
        }
    }

    /// The same response with one more header.
    pub(crate) fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The body, parsed again.
    #[cfg(test)]
    pub(crate) fn as_json(&self) -> Value {
        serde_json::from_str(self.body.as_deref().unwrap_or("null")).unwrap()
    }
}
