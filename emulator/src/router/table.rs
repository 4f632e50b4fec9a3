//! The table of all endpoints.

use axum::http::Method;

use crate::route::{Right, Route, Service};
use crate::scene::Operation;
use crate::services::{catalog, flow, ims, prep, registry, sandboxes};

/// A route and the operation that serves it.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) route: Route,
    pub(super) operation: Operation,
}

/// All endpoints.
pub(super) static ENDPOINTS: &[Endpoint] = &[
    ims("/ims/token/v3", ims::token),
    ims("/ims/token/v2", ims::token),
    ims("/ims/exchange/jwt", ims::jwt),
    //
    flow(
        Method::GET,
        "/data/foundation/flowservice/connectionSpecs",
        flow::specs::list_connection_specs,
    ),
    flow(
        Method::GET,
        "/data/foundation/flowservice/connectionSpecs/{id}",
        flow::specs::get_connection_spec,
    ),
    flow(
        Method::POST,
        "/data/foundation/flowservice/connectionSpecs",
        flow::specs::not_writable,
    ),
    flow(
        Method::GET,
        "/data/foundation/flowservice/flowSpecs",
        flow::specs::list_flow_specs,
    ),
    flow(
        Method::GET,
        "/data/foundation/flowservice/flowSpecs/{id}",
        flow::specs::get_flow_spec,
    ),
    //
    flow(
        Method::GET,
        "/data/foundation/flowservice/connections",
        flow::connections::list,
    ),
    flow(
        Method::POST,
        "/data/foundation/flowservice/connections",
        flow::connections::create,
    ),
    flow(
        Method::GET,
        "/data/foundation/flowservice/connections/{id}",
        flow::connections::get,
    ),
    flow(
        Method::PATCH,
        "/data/foundation/flowservice/connections/{id}",
        flow::connections::patch,
    ),
    flow(
        Method::DELETE,
        "/data/foundation/flowservice/connections/{id}",
        flow::connections::delete,
    ),
    flow(
        Method::GET,
        "/data/foundation/flowservice/connections/{id}/test",
        flow::connections::test,
    ),
    flow(
        Method::GET,
        "/data/foundation/flowservice/connections/{id}/explore",
        flow::explore::explore,
    ),
    //
    flow(
        Method::GET,
        "/data/foundation/flowservice/sourceConnections",
        flow::source_connections::list,
    ),
    flow(
        Method::POST,
        "/data/foundation/flowservice/sourceConnections",
        flow::source_connections::create,
    ),
    flow(
        Method::GET,
        "/data/foundation/flowservice/sourceConnections/{id}",
        flow::source_connections::get,
    ),
    flow(
        Method::PATCH,
        "/data/foundation/flowservice/sourceConnections/{id}",
        flow::source_connections::patch,
    ),
    flow(
        Method::DELETE,
        "/data/foundation/flowservice/sourceConnections/{id}",
        flow::source_connections::delete,
    ),
    //
    flow(
        Method::GET,
        "/data/foundation/flowservice/targetConnections",
        flow::target_connections::list,
    ),
    flow(
        Method::POST,
        "/data/foundation/flowservice/targetConnections",
        flow::target_connections::create,
    ),
    flow(
        Method::GET,
        "/data/foundation/flowservice/targetConnections/{id}",
        flow::target_connections::get,
    ),
    flow(
        Method::PATCH,
        "/data/foundation/flowservice/targetConnections/{id}",
        flow::target_connections::patch,
    ),
    flow(
        Method::DELETE,
        "/data/foundation/flowservice/targetConnections/{id}",
        flow::target_connections::delete,
    ),
    //
    flow(
        Method::GET,
        "/data/foundation/flowservice/flows",
        flow::flows::list,
    ),
    flow(
        Method::POST,
        "/data/foundation/flowservice/flows",
        flow::flows::create,
    ),
    flow(
        Method::GET,
        "/data/foundation/flowservice/flows/{id}",
        flow::flows::get,
    ),
    flow(
        Method::PATCH,
        "/data/foundation/flowservice/flows/{id}",
        flow::flows::patch,
    ),
    flow(
        Method::DELETE,
        "/data/foundation/flowservice/flows/{id}",
        flow::flows::delete,
    ),
    flow(
        Method::POST,
        "/data/foundation/flowservice/flows/{id}/action",
        flow::flows::action,
    ),
    flow(
        Method::GET,
        "/data/foundation/flowservice/runs",
        flow::runs::list,
    ),
    flow(
        Method::POST,
        "/data/foundation/flowservice/runs",
        flow::runs::create,
    ),
    flow(
        Method::GET,
        "/data/foundation/flowservice/runs/{id}",
        flow::runs::get,
    ),
    flow(
        Method::PUT,
        "/data/foundation/flowservice/runs/{id}",
        flow::runs::not_writable,
    ),
    flow(
        Method::POST,
        "/data/foundation/flowservice/runs/{id}/action",
        flow::runs::action,
    ),
    //
    schema(
        Method::GET,
        "/data/foundation/schemaregistry/stats",
        registry::resources::stats,
    ),
    schema(
        Method::GET,
        "/data/foundation/schemaregistry/tenant/fieldgroups",
        registry::resources::list_fieldgroups,
    ),
    schema(
        Method::POST,
        "/data/foundation/schemaregistry/tenant/fieldgroups",
        registry::resources::create_fieldgroup,
    ),
    schema(
        Method::GET,
        "/data/foundation/schemaregistry/tenant/fieldgroups/{id}",
        registry::resources::get_fieldgroup,
    ),
    schema(
        Method::DELETE,
        "/data/foundation/schemaregistry/tenant/fieldgroups/{id}",
        registry::resources::delete_fieldgroup,
    ),
    schema(
        Method::GET,
        "/data/foundation/schemaregistry/tenant/schemas",
        registry::resources::list_schemas,
    ),
    schema(
        Method::POST,
        "/data/foundation/schemaregistry/tenant/schemas",
        registry::resources::create_schema,
    ),
    schema(
        Method::GET,
        "/data/foundation/schemaregistry/tenant/schemas/{id}",
        registry::resources::get_schema,
    ),
    schema(
        Method::DELETE,
        "/data/foundation/schemaregistry/tenant/schemas/{id}",
        registry::resources::delete_schema,
    ),
    schema(
        Method::GET,
        "/data/foundation/schemaregistry/tenant/descriptors",
        registry::descriptors::list,
    ),
    schema(
        Method::POST,
        "/data/foundation/schemaregistry/tenant/descriptors",
        registry::descriptors::create,
    ),
    schema(
        Method::GET,
        "/data/foundation/schemaregistry/tenant/descriptors/{id}",
        registry::descriptors::get,
    ),
    schema(
        Method::DELETE,
        "/data/foundation/schemaregistry/tenant/descriptors/{id}",
        registry::descriptors::delete,
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

const fn ims(template: &'static str, operation: Operation) -> Endpoint {
    let rights = [Right::Everybody; 2];
    endpoint(Method::POST, template, Service::Ims, rights, operation)
}

const fn flow(method: Method, template: &'static str, operation: Operation) -> Endpoint {
    let rights = [Right::FlowRead, Right::FlowWrite];
    endpoint(method, template, Service::Flow, rights, operation)
}

const fn schema(method: Method, template: &'static str, operation: Operation) -> Endpoint {
    let rights = [Right::SchemaRead, Right::SchemaWrite];
    endpoint(method, template, Service::Registry, rights, operation)
}

const fn dataset(method: Method, template: &'static str, operation: Operation) -> Endpoint {
    let rights = [Right::DatasetRead, Right::DatasetWrite];
    endpoint(method, template, Service::Catalog, rights, operation)
}

const fn mapping(method: Method, template: &'static str, operation: Operation) -> Endpoint {
    let rights = [Right::MappingRead, Right::MappingWrite];
    endpoint(method, template, Service::Prep, rights, operation)
}

const fn sandbox(template: &'static str, right: Right, operation: Operation) -> Endpoint {
    endpoint(
        Method::GET,
        template,
        Service::Sandboxes,
        [right; 2],
        operation,
    )
}

/// An endpoint that needs the first right to read and the second one to write.
const fn endpoint(
    method: Method,
    template: &'static str,
    service: Service,
    [to_read, to_write]: [Right; 2],
    operation: Operation,
) -> Endpoint {
    // `Method` can't be compared in a constant, but it can be matched.
    let right = match method {
        Method::GET => to_read,
        _ => to_write,
    };
    Endpoint {
        route: Route {
            method,
            template,
            service,
            right,
        },
        operation,
    }
}
