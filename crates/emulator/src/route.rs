//! The routes of the services: method, path, and the right that a caller needs.

use axum::http::Method;

/// A route of one service.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) template: &'static str,
    pub(crate) service: Service,
    pub(crate) right: Right,
}

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

/// The right that the caller's product profile must grant.
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
    /// Whether it belongs to Flow Service.
    pub(crate) fn is_flow_service(&self) -> bool {
        self.service == Service::Flow
    }

    /// Whether it works in one sandbox.
    pub(crate) fn is_sandboxed(&self) -> bool {
        !matches!(self.service, Service::Ims | Service::Sandboxes)
    }
}
