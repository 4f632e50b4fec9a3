//! What a rule of the dial does to a request, and the answers it can give in the service's place.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Action {
    /// Nothing special; keeps later rules from being asked.
    Pass,
    /// The request waits before it takes effect, then goes on, or meets another action.
    Delay {
        /// How long.
        ms: u64,
        /// What then; nothing special if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        then: Option<Box<Action>>,
    },
    /// The given answer; the state stays as it is.
    Refuse(CannedAnswer),
    /// The connection is cut; the state stays as it is.
    DropBeforeApply,
    /// The request takes effect, the connection is cut.
    ApplyThenDrop {
        /// How far the answer gets.
        #[serde(default)]
        at: CutAt,
    },
    /// The request takes effect, the given answer is sent instead of its own.
    ApplyThenAnswer(CannedAnswer),
    /// The request takes effect at once, its answer comes late.
    ApplyThenDelay {
        /// How late.
        ms: u64,
    },
    /// The answer comes at once, the request takes effect later.
    LateCommit {
        /// How much later.
        after_ms: u64,
        /// What is answered meanwhile.
        #[serde(default)]
        reply: LateReply,
    },
}

impl Action {
    /// Its kind as in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Delay { .. } => "delay",
            Self::Refuse(_) => "refuse",
            Self::DropBeforeApply => "dropBeforeApply",
            Self::ApplyThenDrop { .. } => "applyThenDrop",
            Self::ApplyThenAnswer(_) => "applyThenAnswer",
            Self::ApplyThenDelay { .. } => "applyThenDelay",
            Self::LateCommit { .. } => "lateCommit",
        }
    }
}

/// Where an answer breaks off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CutAt {
    /// Before its first byte.
    #[default]
    Start,
    /// After its headers and half its body.
    Body,
}

/// What is answered before a late commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LateReply {
    /// What the operation will answer, ids included.
    #[default]
    Own,
    /// Nothing: the connection is cut.
    Drop,
    /// This.
    Answer(CannedAnswer),
}

/// An answer that is given whatever was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CannedAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside the content type.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// A JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// A body that isn't JSON, sent as `text/html` unless `headers` says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl CannedAnswer {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: BTreeMap::new(),
            body: None,
            text: None,
        }
    }

    /// An answer with a JSON body.
    pub fn json(status: u16, body: Value) -> Self {
        Self {
            body: Some(body),
            ..Self::empty(status)
        }
    }

    /// A page of a proxy.
    pub fn html(status: u16) -> Self {
        let page = format!("<html><body><h1>{status}</h1></body></html>");
        Self {
            text: Some(page),
            ..Self::empty(status)
        }
    }

    /// An error of Adobe's gateway, such as 401 `401013`.
    pub fn gateway(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, json!({"error_code": code, "message": message}))
    }

    /// The gateway's 429, with `Retry-After` if given.
    pub fn too_many_requests(retry_after: Option<&str>) -> Self {
        let answer = Self::gateway(429, "429050", "Too many requests");
        match retry_after {
            Some(when) => answer.with_header("Retry-After", when),
            None => answer,
        }
    }

    /// An error of Flow Service, such as 1104 with 504.
    pub fn flow(number: u16, status: u16, message: &str) -> Self {
        let body = json!({
            "type": format!("https://ns.adobe.com/aep/errors/FLOW-{number}-{status}"),
            "title": message,
            "status": status,
            "report": {"detailed-message": message, "request-id": "00000000-0000-4000-8000-000000000000"},
            "errorMessage": message,
            "errorDetails": message,
        });
        Self::json(status, body)
    }

    /// The same with one header more.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }
}
