//! The platform's clock, asked for: a machine whose clock is off schedules wrongly.

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
    /// Asks, where [`Client::platform_now`] goes by what is known already.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn server_time(&self) -> Result<Option<SystemTime>, PlatformError> {
        self.call(None, &build(), |response| Ok(response.date()))
            .await
    }
}
