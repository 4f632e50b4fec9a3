//! The terms in which every error of this crate says what is known and what helps.
//!
//! The enums are exhaustive on purpose: the compiler shows a new variant to a caller that maps
//! them.

/// What is known about the request's effect on the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestEffect {
    /// The request was not sent to the platform: nothing changed.
    NothingSent,
    /// The platform refused the request, or it was a read: nothing changed.
    Refused,
    /// The request may have taken effect, or not. Look before you send it again.
    Unknown,
}

/// What helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Next {
    /// The same request will be refused again: change the input.
    FixInput,
    /// The token was refused even after one renewal, or there was none: correct the credentials.
    RenewToken,
    /// The same request may succeed later.
    Wait,
    /// Read the platform's state, then decide.
    Look,
    /// The caller can do nothing.
    GiveUp,
}

/// Which state of the platform refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conflict {
    /// The entity, or one that depends on it, is in a state that does not allow this.
    State,
    /// Something still uses the entity, which must be deleted first.
    InUse,
    /// The entity changed since its etag was read: read it again and decide on its new version.
    Version,
    /// The Schema Registry has an object of that title.
    TitleNotUnique,
}

/// The kind of failure. Each maps to one application failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The input is wrong; its sender can correct it.
    InvalidInput,
    /// Client id, secret, scopes or token are not accepted.
    Unauthenticated,
    /// The credentials are good but may not do this.
    PermissionDenied,
    /// There is no such sandbox for these credentials.
    SandboxNotFound,
    /// The source system refused its user name or password.
    SourceRejectedCredentials,
    /// The platform's state refuses the request.
    Conflict(Conflict),
    /// No such resource.
    NotFound,
    /// Too many requests.
    RateLimited,
    /// The platform, the network or the source does not work properly right now.
    Unavailable,
    /// The platform refused the request, and neither the input nor a permission is clearly the
    /// cause.
    PlatformRejected,
    /// A write whose effect is not known.
    OutcomeUnknown,
}

/// What an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) class: Class,
    pub(crate) next: Next,
    pub(crate) effect: RequestEffect,
}
