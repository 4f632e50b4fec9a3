//! The HTTP endpoints of a worker, for probes and for Prometheus. Each has its own address, serves
//! plain HTTP, and is off unless configured.

mod health;
mod metrics;

use std::{future::Future, net::SocketAddr};

use axum::Router;
use tokio::net::TcpListener;

pub use health::{Health, Platform};

use crate::telemetry::Meters;

/// Why an address can't be served.
#[derive(Debug, thiserror::Error)]
#[error("`{setting}`: nothing can be served at {address}")]
pub struct ListenError {
    /// The setting.
    pub setting: &'static str,
    /// Its value.
    pub address: SocketAddr,
    /// The system's error.
    #[source]
    pub cause: std::io::Error,
}

/// Serves `/healthz` and `/readyz` at `address` until the returned future is dropped.
///
/// # Errors
/// [`ListenError`] before anything is served.
pub async fn serve_health(
    address: SocketAddr,
    health: Health,
) -> Result<impl Future<Output = ()> + Send, ListenError> {
    serve("health.listen", address, health::routes(health)).await
}

/// Serves `/metrics` at `address` until the returned future is dropped.
///
/// # Errors
/// [`ListenError`] before anything is served.
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
