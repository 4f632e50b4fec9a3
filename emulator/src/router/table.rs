//! The table of all endpoints.

use axum::http::Method;

use crate::route::{Right, Route, Service};
use crate::scene::Operation;
use crate::{catalog, flow, ims, prep, registry, sandboxes};

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
    Endpoint {
        route: Route {
            method: Method::POST,
            template,
            service: Service::Ims,
            right: Right::Everybody,
        },
        operation,
    }
}

const fn read(template: &'static str, operation: Operation) -> Endpoint {
    Endpoint {
        route: Route {
            method: Method::GET,
            template,
            service: Service::Flow,
            right: Right::FlowRead,
        },
        operation,
    }
}

const fn write(method: Method, template: &'static str, operation: Operation) -> Endpoint {
    Endpoint {
        route: Route {
            method,
            template,
            service: Service::Flow,
            right: Right::FlowWrite,
        },
        operation,
    }
}

const fn schema(method: Method, template: &'static str, operation: Operation) -> Endpoint {
    let right = if is_get(&method) {
        Right::SchemaRead
    } else {
        Right::SchemaWrite
    };
    Endpoint {
        route: Route {
            method,
            template,
            service: Service::Registry,
            right,
        },
        operation,
    }
}

const fn dataset(method: Method, template: &'static str, operation: Operation) -> Endpoint {
    let right = if is_get(&method) {
        Right::DatasetRead
    } else {
        Right::DatasetWrite
    };
    Endpoint {
        route: Route {
            method,
            template,
            service: Service::Catalog,
            right,
        },
        operation,
    }
}

const fn mapping(method: Method, template: &'static str, operation: Operation) -> Endpoint {
    let right = if is_get(&method) {
        Right::MappingRead
    } else {
        Right::MappingWrite
    };
    Endpoint {
        route: Route {
            method,
            template,
            service: Service::Prep,
            right,
        },
        operation,
    }
}

const fn sandbox(template: &'static str, right: Right, operation: Operation) -> Endpoint {
    Endpoint {
        route: Route {
            method: Method::GET,
            template,
            service: Service::Sandboxes,
            right,
        },
        operation,
    }
}

/// `Method` has no comparison in a constant, but it may be matched.
const fn is_get(method: &Method) -> bool {
    matches!(*method, Method::GET)
}
