//! Activities that only look: what they would make is noted instead of made.

use std::sync::{Arc, Mutex, PoisonError};

use aep_flow_ensure::{Ensured, Foreseen, ResourceKind};
use aep_flow_proto::v1::Outcome;

use super::ensure::Ensurable;

/// What activities would have done, in the order in which they came to it.
#[derive(Debug, Clone, Default)]
pub struct Rehearsal {
    notes: Arc<Mutex<Vec<Note>>>,
}

/// One resource that was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its kind.
    pub kind: ResourceKind,
    /// Its name, or title.
    pub name: String,
    /// What would become of it.
    pub foreseen: Foreseen,
}

impl Rehearsal {
    /// Takes what was noted since this was last asked.
    pub fn take(&self) -> Vec<Note> {
        std::mem::take(&mut self.notes())
    }

    /// Notes what would become of a resource, and gives what the activity goes on with: what
    /// stands, or something in the place of what would be made.
    pub(super) fn note<K: Ensurable>(&self, name: &str, foreseen: Foreseen) -> Ensured {
        let ensured = match &foreseen {
            Foreseen::Adopt { ensured, .. } => ensured.clone(),
            Foreseen::Create => Ensured {
                id: K::DRY_RUN_ID.to_owned(),
                etag: String::new(),
                outcome: Outcome::Created,
            },
        };
        self.notes().push(Note {
            kind: K::KIND,
            name: name.to_owned(),
            foreseen,
        });
        ensured
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Vec<Note>> {
        // A panic elsewhere cannot leave a list half written.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use aep_platform::{DatasetId, NewDataset, NewFlow};

    use super::*;

    #[test]
    fn what_would_be_made_has_an_id_in_its_place() {
        let rehearsal = Rehearsal::default();
        let dataset = rehearsal.note::<NewDataset>("contacts", Foreseen::Create);
        assert!(DatasetId::parse(dataset.id).is_ok());
        let stands = Ensured {
            id: "one".to_owned(),
            etag: String::new(),
            outcome: Outcome::Adopted,
        };
        let foreseen = Foreseen::Adopt {
            ensured: stands.clone(),
            is_ours: true,
            swept: Vec::new(),
        };
        assert_eq!(rehearsal.note::<NewFlow>("contacts", foreseen), stands);
        let kinds: Vec<_> = rehearsal.take().into_iter().map(|each| each.kind).collect();
        assert_eq!(kinds, [ResourceKind::Dataset, ResourceKind::Flow]);
        assert_eq!(rehearsal.take(), []);
    }
}
