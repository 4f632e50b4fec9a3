//! Serves the metrics in Prometheus's format.

use axum::{Router, http::header, response::IntoResponse, routing::get};

use crate::telemetry::Meters;

pub(super) fn routes(meters: Meters) -> Router {
    Router::new().route("/metrics", get(move || async move { text(&meters) }))
}

fn text(meters: &Meters) -> impl IntoResponse + use<> {
    let (content_type, text) = meters.text();
    ([(header::CONTENT_TYPE, content_type)], text)
}
