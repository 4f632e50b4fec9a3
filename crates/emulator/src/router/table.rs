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

/// Builds the table: the service, its base path, and its rights to read and to write, then one
/// endpoint a line.
macro_rules! endpoints {
    ($($service:ident $base:literal [$read:ident, $write:ident] {
        $($method:ident $path:literal => $operation:path;)*
    })*) => {
        &[$($(endpoint(
            Method::$method,
            concat!($base, $path),
            Service::$service,
            [Right::$read, Right::$write],
            $operation,
        ),)*)*]
    };
}

/// All endpoints.
pub(super) static ENDPOINTS: &[Endpoint] = endpoints! {
    Ims "/ims" [Everybody, Everybody] {
        POST "/token/v3" => ims::token;
        POST "/token/v2" => ims::token;
        POST "/exchange/jwt" => ims::jwt;
    }
    Flow "/data/foundation/flowservice" [FlowRead, FlowWrite] {
        GET "/connectionSpecs" => flow::specs::list_connection_specs;
        GET "/connectionSpecs/{id}" => flow::specs::get_connection_spec;
        POST "/connectionSpecs" => flow::specs::not_writable;
        GET "/flowSpecs" => flow::specs::list_flow_specs;
        GET "/flowSpecs/{id}" => flow::specs::get_flow_spec;
        GET "/connections" => flow::connections::list;
        POST "/connections" => flow::connections::create;
        GET "/connections/{id}" => flow::connections::get;
        PATCH "/connections/{id}" => flow::connections::patch;
        DELETE "/connections/{id}" => flow::connections::delete;
        GET "/connections/{id}/test" => flow::connections::test;
        GET "/connections/{id}/explore" => flow::explore::explore;
        GET "/sourceConnections" => flow::source_connections::list;
        POST "/sourceConnections" => flow::source_connections::create;
        GET "/sourceConnections/{id}" => flow::source_connections::get;
        PATCH "/sourceConnections/{id}" => flow::source_connections::patch;
        DELETE "/sourceConnections/{id}" => flow::source_connections::delete;
        GET "/targetConnections" => flow::target_connections::list;
        POST "/targetConnections" => flow::target_connections::create;
        GET "/targetConnections/{id}" => flow::target_connections::get;
        PATCH "/targetConnections/{id}" => flow::target_connections::patch;
        DELETE "/targetConnections/{id}" => flow::target_connections::delete;
        GET "/flows" => flow::flows::list;
        POST "/flows" => flow::flows::create;
        GET "/flows/{id}" => flow::flows::get;
        PATCH "/flows/{id}" => flow::flows::patch;
        DELETE "/flows/{id}" => flow::flows::delete;
        POST "/flows/{id}/action" => flow::flows::action;
        GET "/runs" => flow::runs::list;
        POST "/runs" => flow::runs::create;
        GET "/runs/{id}" => flow::runs::get;
        PUT "/runs/{id}" => flow::runs::not_writable;
        POST "/runs/{id}/action" => flow::runs::action;
    }
    Registry "/data/foundation/schemaregistry" [SchemaRead, SchemaWrite] {
        GET "/stats" => registry::resources::stats;
        GET "/tenant/fieldgroups" => registry::resources::list_fieldgroups;
        POST "/tenant/fieldgroups" => registry::resources::create_fieldgroup;
        GET "/tenant/fieldgroups/{id}" => registry::resources::get_fieldgroup;
        DELETE "/tenant/fieldgroups/{id}" => registry::resources::delete_fieldgroup;
        GET "/tenant/schemas" => registry::resources::list_schemas;
        POST "/tenant/schemas" => registry::resources::create_schema;
        GET "/tenant/schemas/{id}" => registry::resources::get_schema;
        DELETE "/tenant/schemas/{id}" => registry::resources::delete_schema;
        GET "/tenant/descriptors" => registry::descriptors::list;
        POST "/tenant/descriptors" => registry::descriptors::create;
        GET "/tenant/descriptors/{id}" => registry::descriptors::get;
        DELETE "/tenant/descriptors/{id}" => registry::descriptors::delete;
    }
    Catalog "/data/foundation/catalog" [DatasetRead, DatasetWrite] {
        GET "/dataSets" => catalog::list;
        POST "/dataSets" => catalog::create;
        GET "/dataSets/{id}" => catalog::get;
        PATCH "/dataSets/{id}" => catalog::patch;
        DELETE "/dataSets/{id}" => catalog::delete;
    }
    Prep "/data/foundation/conversion" [MappingRead, MappingWrite] {
        GET "/mappingSets" => prep::list;
        POST "/mappingSets" => prep::create;
        POST "/mappingSets/validate" => prep::validate;
        GET "/mappingSets/{id}" => prep::get;
        PUT "/mappingSets/{id}" => prep::replace;
        GET "/mappingSets/{id}/mappings" => prep::mappings;
    }
    Sandboxes "/data/foundation/sandbox-management" [Everybody, Everybody] {
        GET "" => sandboxes::own;
    }
    Sandboxes "/data/foundation/sandbox-management" [SandboxAdmin, SandboxAdmin] {
        GET "/sandboxes" => sandboxes::all;
        GET "/sandboxes/{name}" => sandboxes::one;
    }
};

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
