//! Sandboxes: whether one exists for these credentials, and whether it is active.
//!
//! A request that names no sandbox, or a wrong one, may go to the production sandbox, or fail with
//! an error that hides the cause. So this is checked first. Source: Sandbox API guide ("List
//! available sandboxes"), read 2026-11.

use serde_json::Value;

use crate::client::{Client, Sandbox};
use crate::error::PlatformError;
use crate::fields;
use crate::kind::EntityKind;
use crate::paging::{NextPage, Page, Pages, offset};
use crate::request::{Request, Service};
use crate::response::{Response, UnreadableResponse};

/// The service's default.
const MAX_PAGE: u32 = 50;

/// Whether a sandbox can be worked in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SandboxState {
    /// Yes.
    Active,
    /// Not yet.
    Creating,
    /// Not now: its contents are being deleted.
    Resetting,
    /// Not any more.
    Deleted,
    /// It could not be created.
    Failed,
    /// An undocumented word, or none.
    Other(String),
}

impl SandboxState {
    fn read(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "active" => Self::Active,
            "creating" => Self::Creating,
            "resetting" => Self::Resetting,
            "deleting" | "deleted" => Self::Deleted,
            "failed" => Self::Failed,
            _ => Self::Other(crate::text::clean(text, 64)),
        }
    }
}

/// A sandbox that the credentials may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxInfo {
    /// Its name, for `x-sandbox-name`.
    pub name: String,
    /// Its name for people.
    pub title: Option<String>,
    /// Whether it can be worked in.
    pub state: SandboxState,
    /// `production` or `development`.
    pub type_: Option<String>,
    /// Whether a request that names no sandbox goes to it.
    pub is_default: bool,
}

fn build_list(limit: usize, start: usize) -> Request {
    // The service accepts the two parameters only together.
    Request::get(EntityKind::Sandbox, Service::SandboxManagement, "/")
        .query("limit", &limit.to_string())
        .query("offset", &start.to_string())
}

pub(crate) fn parse_list(
    response: &Response,
    start: usize,
    limit: usize,
) -> Result<Page<SandboxInfo>, UnreadableResponse> {
    let body = response.json()?;
    let entries = body
        .get("sandboxes")
        .and_then(Value::as_array)
        .ok_or_else(|| UnreadableResponse::shape("`sandboxes` is no list"))?;
    let next = NextPage::Offset { start, limit };
    Ok(Page::of(EntityKind::Sandbox, entries, next, |entry| {
        let name = fields::text(entry, "/name")
            .ok_or_else(|| UnreadableResponse::shape("a sandbox has no name"))?;
        let info = SandboxInfo {
            title: fields::text(entry, "/title"),
            state: SandboxState::read(&fields::text(entry, "/state").unwrap_or_default()),
            type_: fields::text(entry, "/type"),
            is_default: fields::flag(entry, "/isDefault").unwrap_or(false),
            name: name.clone(),
        };
        Ok((name, info))
    }))
}

impl Client {
    /// The sandboxes that the credentials may use.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn list_sandboxes(&self) -> Result<Vec<SandboxInfo>, PlatformError> {
        let limit = self.page_size(MAX_PAGE);
        let mut pages = Pages::new();
        let mut cursor: Option<String> = None;
        loop {
            let start = offset(cursor.as_deref());
            let next = self
                .call(None, &build_list(limit, start), |response| {
                    pages.take(parse_list(response, start, limit)?)
                })
                .await?;
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(pages.into_items()),
            }
        }
    }
}

impl Sandbox {
    /// This sandbox's entry in the list; `None` if the credentials may use no sandbox of that name.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn info(&self) -> Result<Option<SandboxInfo>, PlatformError> {
        let sandboxes = self.client.list_sandboxes().await?;
        Ok(sandboxes
            .into_iter()
            .find(|sandbox| sandbox.name == self.name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::response;

    #[test]
    fn the_documented_list_is_read() {
        let body = r#"{"sandboxes":[{"name":"prod","title":"Production","state":"active","type":"production",
            "region":"VA7","isDefault":true,"eTag":2,"createdDate":"2019-09-04 04:57:24"},
            {"name":"dev","state":"resetting"}],"_page":{"limit":3,"count":1},"_links":{}}"#;
        let page = parse_list(&response(200, Some("application/json"), body), 0, 50).unwrap();
        assert_eq!(page.items[0].1.state, SandboxState::Active);
        assert!(page.items[0].1.is_default);
        assert_eq!(page.items[1].1.state, SandboxState::Resetting);
        assert_eq!(
            build_list(50, 0).shown().0,
            "GET /data/foundation/sandbox-management/?limit=50&offset=0"
        );
    }
}
