//! Joins each route to the operation that serves it.

mod table;

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{Method, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, on};

use table::Endpoint;

use crate::answer::Answer;
use crate::control;
use crate::problem::Problem;
use crate::route::{Right, Route, Service};
use crate::scene::Scene;
use crate::shared::Shared;
use crate::shell;

/// The route of a path that no service has. The gateway checks it like every other.
static UNKNOWN: Route = Route {
    method: Method::GET,
    template: "unknown",
    service: Service::Ims,
    right: Right::Everybody,
};

/// The router for all calls, and for the control API if it is on.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let mut router = Router::new();
    for Endpoint { route, operation } in table::ENDPOINTS {
        // Every method of the table has a filter.
        let Ok(filter) = MethodFilter::try_from(route.method.clone()) else {
            continue;
        };
        let handler =
            move |State(shared): State<Arc<Shared>>, params: RawPathParams, request: Request| {
                let params = params
                    .iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect();
                shell::respond(shared, route, *operation, params, request)
            };
        router = router.route(route.template, on(filter, handler));
    }
    if shared.config.control {
        router = router.merge(control::router());
    }
    router
        .fallback(fallback)
        .method_not_allowed_fallback(wrong_method)
        .with_state(shared)
}

async fn fallback(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    shell::respond(shared, &UNKNOWN, unknown, Vec::new(), request).await
}

async fn wrong_method(uri: Uri) -> Response {
    let detail = format!("{} doesn't take this method", uri.path());
    let body = serde_json::json!({
        "type": "/placeholder/type/uri", "status": 405, "title": "MethodNotAllowedError", "detail": detail,
    });
    (axum::http::StatusCode::METHOD_NOT_ALLOWED, axum::Json(body)).into_response()
}

fn unknown(_scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    Err(Problem::not_found("There is no such path"))
}
