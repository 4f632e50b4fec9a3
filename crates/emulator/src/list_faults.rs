//! How the dial distorts a list: its lag, its filter and its pages.

use crate::config::ListBehaviour;
use crate::dial::Action;
use crate::ids::mix;
use crate::store::Entity;

/// How a list behaves. The default is the correct behaviour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListFaults {
    pub(crate) lag: Lag,
    pub(crate) filter: FilterFault,
    pub(crate) page: PageFault,
}

/// How far a list lags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lag {
    ms: i64,
    seed: Option<u64>,
}

/// What happens to a filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FilterFault {
    #[default]
    None,
    Ignored,
    /// The filter is refused with this number, where the service has numbers.
    Refused(u16),
}

/// What happens at the boundary between two pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PageFault {
    #[default]
    None,
    /// The next page is this page again.
    NextIsSelf,
    /// A page begins with the last entry of the page before it.
    Repeats,
    /// A page leaves out its first entry.
    Skips,
}

impl ListFaults {
    /// How a list behaves with these settings and this action.
    pub(crate) fn of(settings: &ListBehaviour, action: &Action) -> Self {
        let lag_ms = i64::try_from(settings.lag.as_millis()).unwrap_or(i64::MAX / 4);
        let mut faults = Self {
            lag: Lag {
                ms: lag_ms,
                seed: None,
            },
            ..Self::default()
        };
        match action {
            Action::ListLag { ms, seed } => {
                faults.lag = Lag {
                    ms: i64::try_from(*ms).unwrap_or(i64::MAX / 4),
                    seed: *seed,
                }
            }
            Action::ListIgnoresFilter => faults.filter = FilterFault::Ignored,
            Action::ListRefusesFilter { number } => faults.filter = FilterFault::Refused(*number),
            Action::ListNextIsSelf => faults.page = PageFault::NextIsSelf,
            Action::ListRepeatsEntry => faults.page = PageFault::Repeats,
            Action::ListSkipsEntry => faults.page = PageFault::Skips,
            _ => {}
        }
        faults
    }
}

impl Lag {
    /// The lag of this resource in ms.
    fn of(self, entity: &Entity) -> i64 {
        let Some(seed) = self.seed else {
            return self.ms;
        };
        let draw = entity
            .id
            .bytes()
            .fold(mix(seed), |state, byte| mix(state ^ u64::from(byte)));
        // The lag is not negative and below 2^63, so the remainder fits.
        i64::try_from(draw % (self.ms.unsigned_abs() + 1)).unwrap_or(self.ms)
    }

    /// Whether a list shows this resource now.
    pub(crate) fn shows(self, entity: &Entity, now_ms: i64) -> bool {
        let lag_ms = self.of(entity);
        match entity.deleted_ms {
            _ if lag_ms > 0 && entity.created_ms + lag_ms > now_ms => false,
            Some(deleted_ms) => deleted_ms + lag_ms > now_ms,
            None => true,
        }
    }
}

impl PageFault {
    /// Where a page begins that should begin at `start`, and how many entries it has. A page that
    /// repeats an entry is longer by that entry; otherwise pages of one entry would never advance.
    pub(crate) fn window(self, start: usize, size: usize, is_first: bool) -> (usize, usize) {
        match self {
            Self::Repeats if !is_first && start > 0 => (start - 1, size + 1),
            Self::Skips if !is_first => (start + 1, size),
            _ => (start, size),
        }
    }

    /// The same for a list whose offset the caller counts. The page keeps the size that was
    /// requested.
    pub(crate) fn offset(self, start: usize) -> usize {
        match self {
            Self::NextIsSelf => 0,
            Self::Repeats => start.saturating_sub(1),
            Self::Skips if start > 0 => start + 1,
            Self::None | Self::Skips => start,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::*;

    fn entity(number: u64) -> Entity {
        Entity {
            id: format!("id {number}"),
            order: number,
            created_ms: 1000,
            deleted_ms: None,
            body: Value::Null,
            hidden: Map::new(),
        }
    }

    #[test]
    fn a_seeded_lag_differs_from_one_to_the_next_and_stays_the_same() {
        let lag = |seed| Lag {
            ms: 1000,
            seed: Some(seed),
        };
        let lags: Vec<i64> = (0..100).map(|number| lag(1).of(&entity(number))).collect();
        assert!(lags.iter().all(|ms| (0..=1000).contains(ms)), "{lags:?}");
        assert!(lags.iter().any(|ms| *ms < 250) && lags.iter().any(|ms| *ms > 750));
        assert_eq!(lag(1).of(&entity(7)), lags[7]);
        assert_ne!(lag(2).of(&entity(7)), lags[7]);
    }
}
