//! Why a rule is refused.

/// Why a rule is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// `nth`, `count` and `probability` exclude each other.
    #[error("a rule takes one of `nth`, `count` and `probability`")]
    SeveralConditions,
    /// `probability` without a `seed` could not be repeated.
    #[error("`probability` needs a `seed`")]
    SeedMissing,
    /// `seed` has no meaning without `probability`.
    #[error("`seed` needs a `probability`")]
    ProbabilityMissing,
    /// A probability is from 0 to 1.
    #[error("`probability` must be from 0 to 1")]
    ProbabilityOutOfRange,
    /// No response has this status.
    #[error("{0} is not an HTTP status")]
    StatusOutOfRange(u16),
    /// A response needs a status, or a name that has one.
    #[error("a response needs a `status` or a name (`as`)")]
    StatusMissing,
    /// `as` is a body already.
    #[error("a response takes one of `as`, `body` and `text`")]
    SeveralBodies,
    /// A request that was not read completely can't take effect.
    #[error("`applied` needs `at: afterBody`")]
    AppliedUnread,
    /// A response that sends no bytes would never end.
    #[error("`bytes` must be at least 1")]
    NothingTrickles,
    /// Flow Service has two error numbers for this.
    #[error("`number` must be 1448 or 1449, not {0}")]
    NoFilterRefusal(u16),
}
