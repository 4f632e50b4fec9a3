//! What a worker answers to those who watch it: probes, and Prometheus. Plain HTTP, on addresses
//! of their own, and only where they are configured.

mod health;
mod metrics;

use std::{future::Future, net::SocketAddr};

use axum::Router;
use tokio::net::TcpListener;

pub use health::{Health, Platform};

use crate::telemetry::Meters;

/// Why nothing can be answered at an address.
#[derive(Debug, thiserror::Error)]
#[error("`{setting}`: nothing can be served at {address}")]
pub struct ListenError {
    /// The setting.
    pub setting: &'static str,
    /// What it says.
    pub address: SocketAddr,
    /// What the system said.
    #[source]
    pub cause: std::io::Error,
}

/// Answers `/healthz` and `/readyz` at `address` until the future that it gives is dropped.
///
/// # Errors
/// [`ListenError`] before anything is answered.
pub async fn serve_health(
    address: SocketAddr,
    health: Health,
) -> Result<impl Future<Output = ()> + Send, ListenError> {
    serve("health.listen", address, health::routes(health)).await
}

/// Answers `/metrics` at `address` until the future that it gives is dropped.
///
/// # Errors
/// [`ListenError`] before anything is answered.
pub async fn serve_metrics(
    address: SocketAddr,
    meters: Meters,
) -> Result<impl Future<Output = ()> + Send, ListenError> {
    serve("metrics.listen", address, metrics::routes(meters)).await
}

async fn serve(
    setting: &'static str,
    address: SocketAddr,
    routes: Router,
) -> Result<impl Future<Output = ()> + Send, ListenError> {
    let failed = |cause| ListenError {
        setting,
        address,
        cause,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tracing::info!(%address, setting, "serving");
    Ok(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::warn!(%error, setting, "no longer serving");
        }
    })
}
