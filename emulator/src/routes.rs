//! Which call is answered by which operation, and what it takes to make it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{Method, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, on};

use crate::answer::Answer;
use crate::call::Scene;
use crate::problem::Problem;
use crate::shell::{self, Shared};
use crate::{catalog, control, flow, ims, prep, registry, sandboxes};

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

/// All calls.
pub(crate) static ROUTES: &[Route] = &[
    ims("/ims/token/v3", ims::token),
    ims("/ims/token/v2", ims::token),
    ims("/ims/exchange/jwt", ims::jwt),
    //
    read(
        "/data/foundation/flowservice/connectionSpecs",
        flow::specs::list_connection_specs,
    ),
    read(
        "/data/foundation/flowservice/connectionSpecs/{id}",
        flow::specs::get_connection_spec,
    ),
    write(
        Method::POST,
        "/data/foundation/flowservice/connectionSpecs",
        flow::specs::not_writable,
    ),
    read(
        "/data/foundation/flowservice/flowSpecs",
        flow::specs::list_flow_specs,
    ),
    read(
        "/data/foundation/flowservice/flowSpecs/{id}",
        flow::specs::get_flow_spec,
    ),
    //
    read(
        "/data/foundation/flowservice/connections",
        flow::connections::list,
    ),
    write(
        Method::POST,
        "/data/foundation/flowservice/connections",
        flow::connections::create,
    ),
    read(
        "/data/foundation/flowservice/connections/{id}",
        flow::connections::get,
    ),
    write(
        Method::PATCH,
        "/data/foundation/flowservice/connections/{id}",
        flow::connections::patch,
    ),
    write(
        Method::DELETE,
        "/data/foundation/flowservice/connections/{id}",
        flow::connections::delete,
    ),
    read(
        "/data/foundation/flowservice/connections/{id}/test",
        flow::connections::test,
    ),
    read(
        "/data/foundation/flowservice/connections/{id}/explore",
        flow::explore::explore,
    ),
    //
    read(
        "/data/foundation/flowservice/sourceConnections",
        flow::source_connections::list,
    ),
    write(
        Method::POST,
        "/data/foundation/flowservice/sourceConnections",
        flow::source_connections::create,
    ),
    read(
        "/data/foundation/flowservice/sourceConnections/{id}",
        flow::source_connections::get,
    ),
    write(
        Method::PATCH,
        "/data/foundation/flowservice/sourceConnections/{id}",
        flow::source_connections::patch,
    ),
    write(
        Method::DELETE,
        "/data/foundation/flowservice/sourceConnections/{id}",
        flow::source_connections::delete,
    ),
    //
    read(
        "/data/foundation/flowservice/targetConnections",
        flow::target_connections::list,
    ),
    write(
        Method::POST,
        "/data/foundation/flowservice/targetConnections",
        flow::target_connections::create,
    ),
    read(
        "/data/foundation/flowservice/targetConnections/{id}",
        flow::target_connections::get,
    ),
    write(
        Method::PATCH,
        "/data/foundation/flowservice/targetConnections/{id}",
        flow::target_connections::patch,
    ),
    write(
        Method::DELETE,
        "/data/foundation/flowservice/targetConnections/{id}",
        flow::target_connections::delete,
    ),
    //
    read("/data/foundation/flowservice/flows", flow::flows::list),
    write(
        Method::POST,
        "/data/foundation/flowservice/flows",
        flow::flows::create,
    ),
    read("/data/foundation/flowservice/flows/{id}", flow::flows::get),
    write(
        Method::PATCH,
        "/data/foundation/flowservice/flows/{id}",
        flow::flows::patch,
    ),
    write(
        Method::DELETE,
        "/data/foundation/flowservice/flows/{id}",
        flow::flows::delete,
    ),
    write(
        Method::POST,
        "/data/foundation/flowservice/flows/{id}/action",
        flow::flows::action,
    ),
    read("/data/foundation/flowservice/runs", flow::runs::list),
    write(
        Method::POST,
        "/data/foundation/flowservice/runs",
        flow::runs::create,
    ),
    read("/data/foundation/flowservice/runs/{id}", flow::runs::get),
    write(
        Method::PUT,
        "/data/foundation/flowservice/runs/{id}",
        flow::runs::not_writable,
    ),
    write(
        Method::POST,
        "/data/foundation/flowservice/runs/{id}/action",
        flow::runs::action,
    ),
    //
    schema(
        Method::GET,
        "/data/foundation/schemaregistry/stats",
        registry::stats,
    ),
    schema(
        Method::GET,
        "/data/foundation/schemaregistry/tenant/fieldgroups",
        registry::list_fieldgroups,
    ),
    schema(
        Method::POST,
        "/data/foundation/schemaregistry/tenant/fieldgroups",
        registry::create_fieldgroup,
    ),
    schema(
        Method::GET,
        "/data/foundation/schemaregistry/tenant/fieldgroups/{id}",
        registry::get_fieldgroup,
    ),
    schema(
        Method::DELETE,
        "/data/foundation/schemaregistry/tenant/fieldgroups/{id}",
        registry::delete_fieldgroup,
    ),
    schema(
        Method::GET,
        "/data/foundation/schemaregistry/tenant/schemas",
        registry::list_schemas,
    ),
    schema(
        Method::POST,
        "/data/foundation/schemaregistry/tenant/schemas",
        registry::create_schema,
    ),
    schema(
        Method::GET,
        "/data/foundation/schemaregistry/tenant/schemas/{id}",
        registry::get_schema,
    ),
    schema(
        Method::DELETE,
        "/data/foundation/schemaregistry/tenant/schemas/{id}",
        registry::delete_schema,
    ),
    schema(
        Method::POST,
        "/data/foundation/schemaregistry/tenant/descriptors",
        registry::create_descriptor,
    ),
    //
    dataset(
        Method::GET,
        "/data/foundation/catalog/dataSets",
        catalog::list,
    ),
    dataset(
        Method::POST,
        "/data/foundation/catalog/dataSets",
        catalog::create,
    ),
    dataset(
        Method::GET,
        "/data/foundation/catalog/dataSets/{id}",
        catalog::get,
    ),
    dataset(
        Method::PATCH,
        "/data/foundation/catalog/dataSets/{id}",
        catalog::patch,
    ),
    dataset(
        Method::DELETE,
        "/data/foundation/catalog/dataSets/{id}",
        catalog::delete,
    ),
    //
    mapping(
        Method::GET,
        "/data/foundation/conversion/mappingSets",
        prep::list,
    ),
    mapping(
        Method::POST,
        "/data/foundation/conversion/mappingSets",
        prep::create,
    ),
    mapping(
        Method::POST,
        "/data/foundation/conversion/mappingSets/validate",
        prep::validate,
    ),
    mapping(
        Method::GET,
        "/data/foundation/conversion/mappingSets/{id}",
        prep::get,
    ),
    mapping(
        Method::PUT,
        "/data/foundation/conversion/mappingSets/{id}",
        prep::replace,
    ),
    mapping(
        Method::GET,
        "/data/foundation/conversion/mappingSets/{id}/mappings",
        prep::mappings,
    ),
    //
    sandbox(
        "/data/foundation/sandbox-management",
        Right::Everybody,
        sandboxes::own,
    ),
    sandbox(
        "/data/foundation/sandbox-management/sandboxes",
        Right::SandboxAdmin,
        sandboxes::all,
    ),
    sandbox(
        "/data/foundation/sandbox-management/sandboxes/{name}",
        Right::SandboxAdmin,
        sandboxes::one,
    ),
];

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
    for route in ROUTES {
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

const fn ims(template: &'static str, operation: Operation) -> Route {
    Route {
        method: Method::POST,
        template,
        service: Service::Ims,
        right: Right::Everybody,
        operation,
    }
}

const fn read(template: &'static str, operation: Operation) -> Route {
    Route {
        method: Method::GET,
        template,
        service: Service::Flow,
        right: Right::FlowRead,
        operation,
    }
}

const fn write(method: Method, template: &'static str, operation: Operation) -> Route {
    Route {
        method,
        template,
        service: Service::Flow,
        right: Right::FlowWrite,
        operation,
    }
}

const fn schema(method: Method, template: &'static str, operation: Operation) -> Route {
    let right = if is_get(&method) {
        Right::SchemaRead
    } else {
        Right::SchemaWrite
    };
    Route {
        method,
        template,
        service: Service::Registry,
        right,
        operation,
    }
}

const fn dataset(method: Method, template: &'static str, operation: Operation) -> Route {
    let right = if is_get(&method) {
        Right::DatasetRead
    } else {
        Right::DatasetWrite
    };
    Route {
        method,
        template,
        service: Service::Catalog,
        right,
        operation,
    }
}

const fn mapping(method: Method, template: &'static str, operation: Operation) -> Route {
    let right = if is_get(&method) {
        Right::MappingRead
    } else {
        Right::MappingWrite
    };
    Route {
        method,
        template,
        service: Service::Prep,
        right,
        operation,
    }
}

const fn sandbox(template: &'static str, right: Right, operation: Operation) -> Route {
    Route {
        method: Method::GET,
        template,
        service: Service::Sandboxes,
        right,
        operation,
    }
}

/// `Method` has no comparison in a constant, but it may be matched.
const fn is_get(method: &Method) -> bool {
    matches!(*method, Method::GET)
}
