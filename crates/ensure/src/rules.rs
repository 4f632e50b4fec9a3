//! What the protocol assumes of the platform and of its callers, and what it waits for.

use std::time::Duration;

use aep_flow_proto::names::ResourceKind;

/// How far the clocks of Temporal's server, the platform and a worker may be apart.
pub const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// How far our idea of the platform's time may be behind: its responses carry it to the second.
const CLOCK_GRAIN: Duration = Duration::from_secs(2);

/// How long to wait, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// A create whose response was lost may take effect for so long. Higher: safer against a
    /// late commit. Lower: sooner done.
    pub quiet_period: Duration,
    /// A resource may be missing from lists for so long after its creation, and stay in them
    /// for so long after its deletion.
    pub list_lag: Duration,
    /// Fewest looks that must all find nothing before a create is sent again.
    pub looks: u32,
    /// Nobody else wants the same resource within `list_lag`: no other workflow, no earlier
    /// run, no hand. A promise of whoever configures the worker.
    pub sole_caller: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            quiet_period: Duration::from_secs(120),
            list_lag: Duration::from_secs(30),
            looks: 3,
            sole_caller: false,
        }
    }
}

impl Rules {
    /// How long nothing may turn up before a create without a response is taken to have created
    /// nothing: one that took effect at the quiet period's end may be missing from lists for
    /// the lag behind it.
    pub fn silence(self) -> Duration {
        self.quiet_period + self.list_lag
    }

    /// How long a create may take to be seen after its sender was stopped: it may have been on its
    /// way for a moment.
    pub fn stray(self) -> Duration {
        self.silence() + self.settling()
    }

    /// How long after a create everything older is in the lists, and is known to be: a moment
    /// less would cost one look more.
    pub(crate) fn settling(self) -> Duration {
        self.list_lag + CLOCK_GRAIN
    }

    /// What a step needs at least that creates a resource: with less it can't see the end of its
    /// first wait.
    pub fn shortest_step(self) -> Duration {
        if self.sole_caller || self.list_lag.is_zero() {
            return Duration::ZERO;
        }
        self.settling()
    }

    /// Pause before the next look, so that the last one falls behind the silence.
    pub(crate) fn pause(self) -> Duration {
        // A second more than its share, or rounding would make it one look more.
        self.silence() / self.looks.max(1) + Duration::from_secs(1)
    }
}

/// What the platform does about a second resource of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Uniqueness {
    /// It refuses one: field groups and schemas. There is nothing to delete.
    Refused,
    /// It creates one, and deletes it when asked: we delete duplicates.
    Deleted,
    /// It creates one and deletes none: mapping sets. A duplicate is harmless, as nothing uses it,
    /// but all callers must agree on one.
    Kept,
    /// Whether it creates one is not documented, and makes no difference: identity descriptors of
    /// one field say the same, whichever of them is taken. None is deleted, for data that came in
    /// under one may already be joined by it.
    Alike,
}

impl Uniqueness {
    /// What the platform does about a second one of that kind and name.
    pub const fn of(kind: ResourceKind) -> Self {
        match kind {
            ResourceKind::FieldGroup | ResourceKind::Schema => Self::Refused,
            ResourceKind::MappingSet => Self::Kept,
            ResourceKind::Identity => Self::Alike,
            ResourceKind::BaseConnection
            | ResourceKind::SourceConnection
            | ResourceKind::Dataset
            | ResourceKind::TargetConnection
            | ResourceKind::Flow => Self::Deleted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_add_up() {
        let rules = Rules {
            quiet_period: Duration::from_secs(120),
            list_lag: Duration::from_secs(30),
            ..Rules::default()
        };
        let settling = Duration::from_secs(30) + CLOCK_GRAIN;
        assert_eq!(rules.stray(), Duration::from_secs(150) + settling);
        assert_eq!(rules.shortest_step(), settling);
        for without_lag in [
            Rules {
                sole_caller: true,
                ..rules
            },
            Rules {
                list_lag: Duration::ZERO,
                ..rules
            },
        ] {
            assert_eq!(without_lag.shortest_step(), Duration::ZERO);
        }
    }
}
