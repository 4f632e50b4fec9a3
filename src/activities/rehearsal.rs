//! Activities that only look: what they would make is noted instead of made.

use std::sync::{Arc, Mutex, PoisonError};

use aep_flow_ensure::{Ensured, Foreseen, ResourceKind};
use aep_flow_proto::v1::Outcome;

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
    pub(super) fn note(&self, kind: ResourceKind, name: &str, foreseen: Foreseen) -> Ensured {
        let ensured = match &foreseen {
            Foreseen::Adopt { ensured, .. } => ensured.clone(),
            Foreseen::Create => Ensured {
                id: id_to_come(kind).to_owned(),
                etag: String::new(),
                outcome: Outcome::Created,
            },
        };
        self.notes().push(Note {
            kind,
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

/// An id of the kind's form that no resource has: nothing stands on it, and whatever was made
/// from another differs from what would be made from it.
pub fn id_to_come(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::BaseConnection
        | ResourceKind::SourceConnection
        | ResourceKind::TargetConnection
        | ResourceKind::Flow => "00000000-0000-0000-0000-000000000000",
        ResourceKind::FieldGroup => "https://ns.adobe.com/to-come/mixins/0",
        ResourceKind::Schema => "https://ns.adobe.com/to-come/schemas/0",
        ResourceKind::Identity => "0000000000000000000000000000000000000000",
        ResourceKind::Dataset => "000000000000000000000000",
        ResourceKind::MappingSet => "00000000000000000000000000000000",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_made_has_an_id_in_its_place() {
        let rehearsal = Rehearsal::default();
        let dataset = rehearsal.note(ResourceKind::Dataset, "contacts", Foreseen::Create);
        assert!(aep_platform::DatasetId::parse(dataset.id).is_ok());
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
        assert_eq!(
            rehearsal.note(ResourceKind::Flow, "contacts", foreseen),
            stands
        );
        let kinds: Vec<_> = rehearsal.take().into_iter().map(|each| each.kind).collect();
        assert_eq!(kinds, [ResourceKind::Dataset, ResourceKind::Flow]);
        assert_eq!(rehearsal.take(), []);
    }
}
