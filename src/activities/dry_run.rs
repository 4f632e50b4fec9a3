//! Activities that only read: what they would create is noted instead of created.

use std::sync::{Arc, Mutex, PoisonError};

use aep_flow_ensure::{Ensured, Planned, ResourceKind};
use aep_flow_proto::v1::Outcome;

use super::ensure::Ensurable;

/// What activities would have done, in the order in which they came to it.
#[derive(Debug, Clone, Default)]
pub struct DryRun {
    notes: Arc<Mutex<Vec<Note>>>,
}

/// One resource that an activity would ensure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its kind.
    pub kind: ResourceKind,
    /// Its name, or title.
    pub name: String,
    /// What would become of it.
    pub planned: Planned,
}

impl DryRun {
    /// Takes what was noted since this was last asked.
    pub fn take(&self) -> Vec<Note> {
        std::mem::take(&mut self.notes())
    }

    /// Notes what would become of a resource, and gives what the activity goes on with: the
    /// existing one, or an id in place of one that would be created.
    pub(super) fn note<K: Ensurable>(&self, name: &str, planned: Planned) -> Ensured {
        let ensured = match &planned {
            Planned::Adopt { ensured, .. } => ensured.clone(),
            Planned::Create => Ensured {
                id: K::DRY_RUN_ID.to_owned(),
                etag: String::new(),
                outcome: Outcome::Created,
                differs: Vec::new(),
            },
        };
        self.notes().push(Note {
            kind: K::KIND,
            name: name.to_owned(),
            planned,
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
    fn what_would_be_created_has_an_id_in_its_place() {
        let dry_run = DryRun::default();
        let dataset = dry_run.note::<NewDataset>("contacts", Planned::Create);
        assert!(DatasetId::parse(dataset.id).is_ok());
        let existing = Ensured {
            id: "one".to_owned(),
            etag: String::new(),
            outcome: Outcome::Adopted,
            differs: Vec::new(),
        };
        let planned = Planned::Adopt {
            ensured: existing.clone(),
            is_ours: true,
            duplicates: Vec::new(),
        };
        assert_eq!(dry_run.note::<NewFlow>("contacts", planned), existing);
        let kinds: Vec<_> = dry_run.take().into_iter().map(|each| each.kind).collect();
        assert_eq!(kinds, [ResourceKind::Dataset, ResourceKind::Flow]);
        assert_eq!(dry_run.take(), []);
    }
}
