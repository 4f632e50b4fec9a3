//! Adobe's services, one module each. A module holds the operations of its service.
//!
//! An operation takes a [`Scene`](crate::scene::Scene) and returns a response or a refusal. It
//! knows nothing of the router, the gateway, HTTP connections or the fault dial.

pub(crate) mod catalog;
pub(crate) mod flow;
pub(crate) mod ims;
pub(crate) mod prep;
pub(crate) mod registry;
pub(crate) mod sandboxes;
