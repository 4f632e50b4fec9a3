//! Which call is answered by which operation, and what it takes to make it.

mod table;

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{Method, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, on};

use crate::answer::Answer;
use crate::control;
use crate::problem::Problem;
use crate::scene::Scene;
use crate::shell::{self, Shared};

/// A call of one service.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) template: &'static str,
    pub(crate) service: Service,
    pub(crate) right: Right,
    pub(crate) operation: Operation,
}

/// What answers a call. It happens whole, under the lock of the state.
pub(crate) type Operation = fn(&mut Scene<'_>) -> Result<Answer, Problem>;

/// The services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Ims,
    Flow,
    Registry,
    Catalog,
    Prep,
    Sandboxes,
}

/// What the caller's product profile must allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    Everybody,
    FlowRead,
    FlowWrite,
    SchemaRead,
    SchemaWrite,
    DatasetRead,
    DatasetWrite,
    MappingRead,
    MappingWrite,
    SandboxAdmin,
}

impl Route {
    /// Whether Flow Service answers it.
    pub(crate) fn is_flow_service(&self) -> bool {
        self.service == Service::Flow
    }

    /// Whether it is about one sandbox.
    pub(crate) fn is_sandboxed(&self) -> bool {
        !matches!(self.service, Service::Ims | Service::Sandboxes)
    }
}

/// What a path that no service has is answered by. It passes the gate like every other.
static UNKNOWN: Route = Route {
    method: Method::GET,
    template: "unknown",
    service: Service::Ims,
    right: Right::Everybody,
    operation: unknown,
};

/// The router over all calls, and the control API if it is on.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let mut router = Router::new();
    for route in table::ROUTES {
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
                shell::answer(shared, route, params, request)
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
    shell::answer(shared, &UNKNOWN, Vec::new(), request).await
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
