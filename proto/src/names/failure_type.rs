//! Failure types.

/// The `type` of an application failure: what a caller's retry policy or `except` names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FailureType {
    /// The input is wrong, or what it names does not exist at the source. Nothing was created.
    InvalidInput,
    /// The worker has no credentials, or the platform refuses them even when renewed.
    Unauthenticated,
    /// The credentials lack a right.
    PermissionDenied,
    /// The sandbox does not exist, is not active, or is not visible to the credentials.
    SandboxNotFound,
    /// The source system refused the user or the password.
    SourceRejectedCredentials,
    /// A resource of that name exists and is not ours, or its state is in the way.
    Conflict,
    /// A resource of ours exists for the same key, created by another request.
    IdempotencyMismatch,
    /// The response to a create was lost, and whether it took effect could not be found out in
    /// time.
    OutcomeUnknown,
    /// What the input names by id does not exist.
    NotFound,
    /// The platform asks for fewer requests. Retried.
    RateLimited,
    /// The platform or the way to it failed. Retried.
    Unavailable,
    /// The platform refused for a reason of its own: see Adobe's code in the details.
    PlatformRejected,
    /// A type that this version does not know: a newer worker wrote it.
    Other(String),
}

impl FailureType {
    /// All that this version knows, in the order of the documentation.
    pub const ALL: [Self; 12] = [
        Self::InvalidInput,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::SandboxNotFound,
        Self::SourceRejectedCredentials,
        Self::Conflict,
        Self::IdempotencyMismatch,
        Self::OutcomeUnknown,
        Self::NotFound,
        Self::RateLimited,
        Self::Unavailable,
        Self::PlatformRejected,
    ];

    /// The name that a failure carries.
    pub fn as_str(&self) -> &str {
        match self {
            Self::InvalidInput => "InvalidInput",
            Self::Unauthenticated => "Unauthenticated",
            Self::PermissionDenied => "PermissionDenied",
            Self::SandboxNotFound => "SandboxNotFound",
            Self::SourceRejectedCredentials => "SourceRejectedCredentials",
            Self::Conflict => "Conflict",
            Self::IdempotencyMismatch => "IdempotencyMismatch",
            Self::OutcomeUnknown => "OutcomeUnknown",
            Self::NotFound => "NotFound",
            Self::RateLimited => "RateLimited",
            Self::Unavailable => "Unavailable",
            Self::PlatformRejected => "PlatformRejected",
            Self::Other(name) => name,
        }
    }

    /// The type of that name; none for a failure without a type, whose name is empty.
    pub fn parse(name: &str) -> Option<Self> {
        let known = Self::ALL.into_iter().find(|each| each.as_str() == name);
        known.or_else(|| (!name.is_empty()).then(|| Self::Other(name.to_owned())))
    }

    /// Whether the server should try again by itself.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited | Self::Unavailable => true,
            Self::InvalidInput
            | Self::Unauthenticated
            | Self::PermissionDenied
            | Self::SandboxNotFound
            | Self::SourceRejectedCredentials
            | Self::Conflict
            | Self::IdempotencyMismatch
            | Self::OutcomeUnknown
            | Self::NotFound
            | Self::PlatformRejected
            | Self::Other(_) => false,
        }
    }
}

impl std::fmt::Display for FailureType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_type_is_found_by_its_name() {
        for each in FailureType::ALL {
            assert_eq!(FailureType::parse(each.as_str()), Some(each));
        }
        let newer = FailureType::parse("invalidinput");
        assert_eq!(newer, Some(FailureType::Other("invalidinput".to_owned())));
        assert_eq!(newer.unwrap().as_str(), "invalidinput");
        assert_eq!(FailureType::parse(""), None);
    }

    #[test]
    fn the_names_are_those_that_callers_write() {
        let names: Vec<String> = FailureType::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(
            names,
            [
                "InvalidInput",
                "Unauthenticated",
                "PermissionDenied",
                "SandboxNotFound",
                "SourceRejectedCredentials",
                "Conflict",
                "IdempotencyMismatch",
                "OutcomeUnknown",
                "NotFound",
                "RateLimited",
                "Unavailable",
                "PlatformRejected",
            ]
        );
    }
}
