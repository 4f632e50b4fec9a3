//! The identity of a schema: which of its fields tells one person or thing from another.
//!
//! A descriptor has no name and no description, so it cannot carry a marker: one that says the
//! same of the same field is the result, whoever created it. What says something else is a
//! conflict whatever `onExisting` is, for the schema would not mean what was asked.

use aep_flow_ensure::{Existing, Intent, Marker, ResourceKind};
use aep_flow_proto::v1::OnExisting;
use aep_platform::{
    Created, DescriptorId, Identity, NewIdentity, PlatformError, Sandbox, SchemaId,
};

use super::super::{
    ensure::{Create, Ensurable, Listed, Stays},
    failure::ActivityFailure,
};

const KIND: ResourceKind = ResourceKind::Identity;

/// The descriptor to ensure, with the marker that an existing one is given that says the same.
#[derive(Debug)]
struct Wish {
    new: NewIdentity,
    marker: Option<Marker>,
}

/// Ensures the identity descriptor `new`.
pub(super) async fn ensure(create: &Create<'_>, new: NewIdentity) -> Result<(), ActivityFailure> {
    let existing = create.sandbox.find_identities_of(&new.schema_id).await?;
    if let Some(other) = existing.iter().find(|each| contradicts(each, &new)) {
        return Err(in_the_way(other, &new));
    }
    let intent = create
        .intent(KIND, new.schema_id.as_str(), &new.property)
        .field("namespace", &new.namespace)
        .field("primary", if new.is_primary { "true" } else { "false" });
    create.run(intent, Wish { new, marker: None }).await?;
    Ok(())
}

fn says_the_same(existing: &Identity, new: &NewIdentity) -> bool {
    existing.property == new.property
        && existing.namespace == new.namespace
        && existing.is_primary == new.is_primary
}

/// Whether the two cannot both be true: one field in two namespaces, or two primary identities.
fn contradicts(existing: &Identity, new: &NewIdentity) -> bool {
    let is_of_field = existing.property == new.property;
    let is_second_primary = existing.is_primary && new.is_primary;
    !says_the_same(existing, new) && (is_of_field || is_second_primary)
}

fn in_the_way(other: &Identity, new: &NewIdentity) -> ActivityFailure {
    let kind = if other.is_primary { "primary " } else { "" };
    let message = format!(
        "the schema {} has {} as a {kind}identity in namespace {}: the {KIND} {}",
        new.schema_id, other.property, other.namespace, other.id
    );
    ActivityFailure::in_the_way(
        message,
        "settings.identity",
        "ask for the existing identity, delete that descriptor, or choose another dataset",
    )
    .with_created(KIND.as_str(), other.id.as_str())
}

impl Ensurable for Wish {
    const KIND: ResourceKind = KIND;
    const DRY_RUN_ID: &'static str = "0000000000000000000000000000000000000000";
    type Id = DescriptorId;
    type Found = Identity;
    // Profiles may be joined by it already.
    type Duplicate = Stays;

    fn mark(&mut self, intent: &Intent, _: &str) {
        self.marker = Some(intent.marker().clone());
    }

    // What a person decides to take has an id of the registry's other kinds.
    fn is_id(_: &str) -> bool {
        false
    }

    fn on_existing(_: OnExisting) -> OnExisting {
        OnExisting::AdoptOurs
    }

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<Identity>, PlatformError> {
        let schema_id: &SchemaId = &self.new.schema_id;
        let mut found = sandbox.find_identities_of(schema_id).await?;
        found.retain(|each| says_the_same(each, &self.new));
        Ok(found)
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, PlatformError> {
        sandbox.create_identity(&self.new).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<Identity, PlatformError> {
        sandbox.get_identity(id).await
    }

    fn differs(&self, found: &Identity) -> Option<String> {
        (!says_the_same(found, &self.new)).then(|| "it says something else".to_owned())
    }

    fn existing(&self, found: Identity) -> Existing {
        let marker = self.marker.clone();
        Existing {
            marker: marker.filter(|_| says_the_same(&found, &self.new)),
            ..found.existing()
        }
    }
}

impl Listed for Identity {
    fn existing(self) -> Existing {
        Existing {
            id: self.id.to_string(),
            etag: String::new(),
            created_at: self.created_at_ms.unwrap_or_default(),
            marker: None,
        }
    }

    fn name(&self) -> &str {
        &self.property
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_hold_beside_another_is_told() {
        let new = |property: &str, namespace: &str, is_primary| NewIdentity {
            schema_id: "https://ns.adobe.com/acme/schemas/1f".parse().unwrap(),
            property: property.to_owned(),
            namespace: namespace.to_owned(),
            is_primary,
        };
        let existing = |property: &str, namespace: &str, is_primary| Identity {
            id: "d".parse().unwrap(),
            schema_id: None,
            property: property.to_owned(),
            namespace: namespace.to_owned(),
            is_primary,
            created_at_ms: None,
        };
        let wanted = new("/_acme/email", "Email", true);
        let cases = [
            (existing("/_acme/email", "Email", true), false),
            (existing("/_acme/email", "Email", false), true),
            (existing("/_acme/email", "Phone", true), true),
            (existing("/_acme/phone", "Phone", true), true),
            (existing("/_acme/phone", "Phone", false), false),
        ];
        for (existing, expected) in cases {
            assert_eq!(contradicts(&existing, &wanted), expected, "{existing:?}");
        }
        // Beside a primary one there may be others.
        let second = new("/_acme/phone", "Phone", false);
        assert!(!contradicts(
            &existing("/_acme/email", "Email", true),
            &second
        ));
        let failed = in_the_way(&existing("/_acme/phone", "Phone", true), &wanted);
        let told = failed.to_string();
        for part in ["/_acme/phone", "Phone", "primary", "Conflict", " d"] {
            assert!(told.contains(part), "{told}");
        }
    }
}
