//! What an operation answers, before it becomes HTTP.

use serde_json::Value;

/// Status, body and headers of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body, JSON already written: the order of Catalog's keys matters.
    pub(crate) body: Option<String>,
    /// Headers beside the content type.
    pub(crate) headers: Vec<(String, String)>,
}

impl Answer {
    /// An answer with a JSON body.
    pub(crate) fn json(status: u16, body: impl Into<Value>) -> Self {
        Self {
            status,
            body: Some(body.into().to_string()),
            headers: Vec::new(),
        }
    }

    /// An answer with JSON that is already text.
    pub(crate) fn text(status: u16, body: String) -> Self {
        Self {
            status,
            body: Some(body),
            headers: Vec::new(),
        }
    }

    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            body: None,
            headers: Vec::new(),
        }
    }

    /// The same with one header more.
    pub(crate) fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The body, read back.
    #[cfg(test)]
    pub(crate) fn as_json(&self) -> Value {
        serde_json::from_str(self.body.as_deref().unwrap_or("null")).unwrap()
    }
}
