//! The platform's clock: a machine whose clock is wrong sets wrong schedules.

use std::time::SystemTime;

use crate::client::Client;
use crate::error::PlatformError;
use crate::kind::EntityKind;
use crate::request::{Request, Service};

fn build() -> Request {
    // The cheapest read there is: it needs no sandbox.
    Request::get(EntityKind::Sandbox, Service::SandboxManagement, "/")
        .query("limit", "1")
        .query("offset", "0")
}

impl Client {
    /// The time that the platform's response carries, to the second; `None` if it carries none.
    /// This sends a request; [`Client::platform_now`] uses what earlier responses showed.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn server_time(&self) -> Result<Option<SystemTime>, PlatformError> {
        self.call(None, &build(), |response| Ok(response.date()))
            .await
    }
}
