//! Why a rule is refused.

/// Why a rule can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Two of `nth`, `count` and `probability` are given.
    #[error("a rule takes one of `nth`, `count` and `probability`")]
    SeveralConditions,
    /// `probability` without `seed` could not be played again.
    #[error("`probability` needs a `seed`")]
    SeedMissing,
    /// `seed` says nothing without `probability`.
    #[error("`seed` needs a `probability`")]
    ProbabilityMissing,
    /// A probability is from 0 to 1.
    #[error("`probability` must be from 0 to 1")]
    ProbabilityOutOfRange,
    /// An answer has no such status.
    #[error("status {0} is no HTTP status")]
    StatusOutOfRange(u16),
    /// An answer is of a status, or of a name that has one.
    #[error("an answer needs a `status` or a name, `as`")]
    StatusMissing,
    /// `as` is a body already.
    #[error("an answer takes one of `as`, `body` and `text`")]
    SeveralBodies,
    /// What was not read whole can't take effect.
    #[error("`applied` needs `at: afterBody`")]
    AppliedUnread,
    /// An answer of which nothing comes would never end.
    #[error("`bytes` must be at least 1")]
    NothingTrickles,
    /// Flow Service has two numbers for this.
    #[error("{0} is no refusal of a filter; 1448 and 1449 are")]
    NoFilterRefusal(u16),
}
