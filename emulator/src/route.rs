//! The calls of the services: method, path, and what the caller must be allowed to do.

use axum::http::Method;

/// A call of one service.
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
