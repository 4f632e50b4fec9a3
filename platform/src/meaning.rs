//! The words in which every error of this crate says what is known and what helps.
//!
//! Exhaustive on purpose: a caller that maps them learns of a new one from the compiler.

/// What is known about the request's effect on the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestEffect {
    /// The request did not leave this machine: nothing changed.
    NothingSent,
    /// The platform said no, or the request was a read: nothing changed.
    Refused,
    /// It may have taken place, or not. Look before sending it again.
    Unknown,
}

/// What helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Next {
    /// The request will be refused again as it is: change the input.
    FixInput,
    /// The token was refused even after one renewal, or none could be had: mend the credentials.
    RenewToken,
    /// The same request may pass later.
    Wait,
    /// Read the platform's state, then decide.
    Look,
    /// Nothing that the caller can do by itself.
    GiveUp,
}

/// What is in the way when the platform's state refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conflict {
    /// The entity, or one that depends on it, is in a state that does not allow this.
    State,
    /// Something still uses the entity: it can go once that is gone.
    InUse,
    /// The entity changed since its etag was read: read it again and decide on its new version.
    Version,
    /// The Schema Registry has an object of that title.
    TitleNotUnique,
}

/// The kind of failure, made to be mapped one to one to an application failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The input is wrong; who sent it can mend it.
    InvalidInput,
    /// Client id, secret, scopes or token are not accepted.
    Unauthenticated,
    /// The credentials are good but may not do this.
    PermissionDenied,
    /// There is no such sandbox for these credentials.
    SandboxNotFound,
    /// The source system refused its user name or password.
    SourceRejectedCredentials,
    /// The platform's state is in the way.
    Conflict(Conflict),
    /// No such resource.
    NotFound,
    /// Too many requests.
    RateLimited,
    /// The platform, the network or the source does not respond properly right now.
    Unavailable,
    /// The platform said no, and it is neither clearly the input nor the permission.
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
