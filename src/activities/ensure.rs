//! The recipe of every create: from what its input says to the protocol's calls.

use std::{fmt::Display, future::Future, str::FromStr, sync::Arc};

use aep_flow_ensure::{
    self as ensure, Call, CallFailure, Created, Deletion, Effect, Ensured, Existing, Intent,
    Marker, Now, Past, Reads, Resource, ResourceKind, Uniqueness,
};
use aep_flow_proto::{
    create::CreateInput,
    v1::{EarlierCall, OnExisting, Outcome},
};
use aep_platform::{
    BaseConnection, Chain, Class, Conflict, Created as Answered, Dataset, Deleted, Etag,
    FieldGroup, Flow, IdError, PlatformError, RequestEffect, Sandbox, Schema, SourceConnection,
    TargetConnection,
};
use jiff::Timestamp;

use super::{
    attempt::Attempt,
    failure::ActivityFailure,
    observe,
    open_creates::{self, Settle},
    platform::Platform,
};

/// Input of an activity that creates a resource, with the activity's body.
pub trait Creates: CreateInput {
    /// Kind of what it gives.
    const RESOURCE: ResourceKind;

    /// Creates the resource, or gives the one that exists; with no Temporal around it.
    ///
    /// # Errors
    /// As the activity's failures; ask [`ActivityFailure::kind`].
    fn create(
        self,
        platform: &Platform,
        attempt: &Attempt,
    ) -> impl Future<Output = Result<Self::Created, ActivityFailure>> + Send;
}

/// The calls that the protocol needs for one kind; implemented by what a create sends.
pub(crate) trait Ensurable: Send + Sync {
    /// Which kind it is.
    const KIND: ResourceKind;

    /// An id of the kind's form that no resource has: what a dry run goes on with in place of
    /// what it does not create. Whatever was created from another one differs from it.
    const DRY_RUN_ID: &'static str;

    type Id: FromStr<Err = IdError> + Display + Send + Sync;
    type Found: Listed + Send;

    /// What becomes of a duplicate: `Self` of a [`Deletable`] kind, otherwise [`Stays`].
    type Duplicate: Duplicate<Self::Id>;

    /// Writes the intent's marker to where a look finds it again: behind the caller's
    /// `description`, of a kind that has one.
    fn mark(&mut self, intent: &Intent, description: &str);

    /// Everything of the wanted name, in its scope.
    fn find(
        &self,
        sandbox: &Sandbox,
    ) -> impl Future<Output = Result<Vec<Self::Found>, PlatformError>> + Send;

    /// Everything of that name, of a kind whose names are unique in a sandbox. Nothing can have
    /// the name yet where they are unique within another resource, which is to be created.
    fn find_named(
        _: &Sandbox,
        _: &str,
    ) -> impl Future<Output = Result<Vec<Self::Found>, PlatformError>> + Send {
        async { Ok(Vec::new()) }
    }

    fn create(
        &self,
        sandbox: &Sandbox,
    ) -> impl Future<Output = Result<Answered<Self::Id>, PlatformError>> + Send;

    fn get(
        sandbox: &Sandbox,
        id: &Self::Id,
    ) -> impl Future<Output = Result<Self::Found, PlatformError>> + Send;

    /// How `found` differs from what would be created, apart from its name: in parents or
    /// specification.
    fn differs(&self, found: &Self::Found) -> Option<String>;

    /// `found` as the protocol sees it.
    fn existing(&self, found: Self::Found) -> Existing {
        found.existing()
    }

    /// Whether a person who adopts `id` can mean one of this kind: an activity may create several.
    fn is_id(_: &str) -> bool {
        true
    }

    /// What to do about an existing one, where the caller asks for `on_existing`.
    fn on_existing(on_existing: OnExisting) -> OnExisting {
        on_existing
    }
}

/// A kind whose duplicates are deleted.
pub(super) trait Deletable: Ensurable {
    /// Whether something uses it.
    fn is_used(
        sandbox: &Sandbox,
        id: &Self::Id,
    ) -> impl Future<Output = Result<bool, PlatformError>> + Send;

    fn delete(
        sandbox: &Sandbox,
        id: &Self::Id,
    ) -> impl Future<Output = Result<Deleted, PlatformError>> + Send;
}

/// What becomes of a duplicate.
pub(crate) trait Duplicate<I> {
    /// Whether it is ever deleted.
    const IS_DELETED: bool;

    fn delete(
        sandbox: &Sandbox,
        id: &I,
    ) -> impl Future<Output = Result<Deletion, CallFailed>> + Send;
}

/// It stays: the platform creates none, or deletes none, or data may hang on it.
pub(crate) struct Stays;

impl<I: Sync> Duplicate<I> for Stays {
    const IS_DELETED: bool = false;

    async fn delete(_: &Sandbox, _: &I) -> Result<Deletion, CallFailed> {
        Ok(Deletion::InUse)
    }
}

impl<K: Deletable> Duplicate<K::Id> for K {
    const IS_DELETED: bool = true;

    async fn delete(sandbox: &Sandbox, id: &K::Id) -> Result<Deletion, CallFailed> {
        if K::is_used(sandbox, id).await? {
            return Ok(Deletion::InUse);
        }
        match <K as Deletable>::delete(sandbox, id).await {
            Ok(Deleted::Accepted | Deleted::WasGone) => {
                observe::deleted(K::KIND);
                Ok(Deletion::Gone)
            }
            Err(error) if error.class() == Class::Conflict(Conflict::InUse) => Ok(Deletion::InUse),
            Err(error) => Err(error.into()),
        }
    }
}

/// A resource as the platform gives it.
pub(crate) trait Listed {
    fn existing(self) -> Existing;
    fn name(&self) -> &str;
}

/// What all resources that one attempt creates have in common.
pub(super) struct Create<'a> {
    pub(super) platform: &'a Platform,
    pub(super) attempt: &'a Attempt,
    pub(super) sandbox: Sandbox,
    description: String,
    on_existing: OnExisting,
    /// Id that a person decided to adopt.
    adopt: Option<String>,
    /// The call that this one continues.
    continues: Option<EarlierCall>,
    /// What settles a create of this call; none where the platform refuses a second resource of the
    /// kind, or a second one does no harm.
    settle: Option<Settle>,
}

impl<'a> Create<'a> {
    /// For `input`, whose sandbox is active.
    pub(super) async fn of<I: CreateInput>(
        platform: &'a Platform,
        attempt: &'a Attempt,
        input: &I,
    ) -> Result<Self, ActivityFailure> {
        let is_deleted = Uniqueness::of(I::KIND) == Uniqueness::Deleted;
        let settle = is_deleted.then(|| {
            let (input, call) = (input.clone(), attempt.as_earlier());
            Arc::new(move || open_creates::settling(&input, call.clone())) as Settle
        });
        Ok(Self {
            settle,
            platform,
            attempt,
            sandbox: platform.sandbox(input.sandbox()).await?,
            description: input.description().to_owned(),
            on_existing: input.on_existing(),
            adopt: input.adopt().map(str::to_owned),
            continues: input.continues().cloned(),
        })
    }

    /// The intent for one of them; `scope` is what else its name is unique within.
    pub(super) fn intent(&self, kind: ResourceKind, scope: &str, name: &str) -> Intent {
        self.platform.intent(kind, &self.sandbox, scope, name)
    }

    /// Gives the one live resource of the intent, or the failure that callers see. What is sent
    /// carries the intent's marker, signed by this call or by the one that it continues.
    pub(super) async fn run<K: Ensurable>(
        &self,
        intent: Intent,
        mut new: K,
    ) -> Result<Ensured, ActivityFailure> {
        const {
            let is_deleted = matches!(Uniqueness::of(K::KIND), Uniqueness::Deleted);
            assert!(is_deleted == K::Duplicate::IS_DELETED);
        }
        let intent = self.attempt.sign(intent, self.continues.as_ref());
        new.mark(&intent, &self.description);
        let wanted = Wanted {
            create: self,
            intent: &intent,
            new: &new,
        };
        if let Some(id) = self.adopt.as_deref().filter(|id| K::is_id(id)) {
            return wanted.adopted(id).await;
        }
        let call = Call {
            intent: &intent,
            on_existing: K::on_existing(self.on_existing),
            rules: self.platform.ensure_rules(),
            begun: self.attempt.begun(),
        };
        if let Some(dry_run) = self.attempt.dry_run() {
            let planned = ensure::dry_run(&call, &wanted).await;
            let planned = planned.map_err(|error| ActivityFailure::ensure(K::KIND, error))?;
            return Ok(dry_run.note::<K>(intent.name(), planned));
        }
        if self.continues.is_none() {
            self.attempt.check_deadline(call.rules)?;
        }
        let is_settling = self
            .continues
            .as_ref()
            .is_some_and(EarlierCall::only_settle);
        let ended = if is_settling {
            ensure::settle(&call, &wanted).await
        } else {
            let past = self.past(&intent).await?;
            ensure::ensure(&call, past, &wanted).await
        };
        self.attempt.record_end(K::KIND, &ended);
        observe::create_ended(K::KIND, &ended);
        ended.map_err(|error| ActivityFailure::ensure(K::KIND, error))
    }
}

impl Create<'_> {
    /// What is known of earlier creates of this intent. If a create of this attempt gets no response,
    /// the server keeps it.
    async fn past(&self, intent: &Intent) -> Result<Past, ActivityFailure> {
        let (Some(open_creates), Some(settle)) = (self.attempt.open_creates(), &self.settle) else {
            return Ok(self.attempt.past(intent.kind()));
        };
        let stray = self.platform.ensure_rules().stray();
        open_creates.add(intent, stray, Arc::clone(settle));
        self.attempt.past_of(intent, open_creates).await
    }
}

/// One resource to ensure.
struct Wanted<'a, K> {
    create: &'a Create<'a>,
    intent: &'a Intent,
    new: &'a K,
}

impl<K: Ensurable> Wanted<'_, K> {
    /// Takes what a person decided on, if it can be what the call would have created.
    async fn adopted(&self, id: &str) -> Result<Ensured, ActivityFailure> {
        let id: K::Id = super::read_id("adopt", id)?;
        let Some(found) = self.get(&id).await? else {
            return Err(ActivityFailure::not_found(format!(
                "there is no {} {id} in this sandbox",
                K::KIND
            )));
        };
        let difference = if found.name() == self.intent.name() {
            self.new.differs(&found)
        } else {
            Some(format!("its name is `{}`", found.name()))
        };
        if let Some(difference) = difference {
            return Err(ActivityFailure::not_adoptable(
                K::KIND,
                &id.to_string(),
                &difference,
            ));
        }
        let existing = found.existing();
        Ok(Ensured {
            id: existing.id,
            etag: existing.etag,
            outcome: Outcome::Adopted,
            differs: Vec::new(),
        })
    }

    /// `found` as the protocol sees it. Everybody can read a marker and write it elsewhere: one that
    /// speaks for this very request, on a resource of other parents or another specification, was
    /// copied there.
    fn existing(&self, found: K::Found) -> Existing {
        // A list of the registry need not say what a schema is made of, and nothing of it is deleted.
        let differs = K::Duplicate::IS_DELETED && self.new.differs(&found).is_some();
        let mut existing = self.new.existing(found);
        if self.is_copied(differs, existing.marker.as_ref()) {
            existing.marker = None;
        }
        existing
    }

    fn is_copied(&self, differs: bool, marker: Option<&Marker>) -> bool {
        let intended = self.intent.marker();
        differs
            && marker.is_some_and(|marker| {
                marker.has_key_of(intended) && intended.differences(marker).is_empty()
            })
    }

    /// The resource of that id; none if there is none, or no longer.
    async fn get(&self, id: &K::Id) -> Result<Option<K::Found>, CallFailed> {
        match K::get(&self.create.sandbox, id).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.class() == Class::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// A call of the platform's client that failed, as the protocol sees it.
#[derive(Debug)]
pub(crate) struct CallFailed(Box<PlatformError>);

impl CallFailure for CallFailed {
    fn effect(&self) -> Effect {
        known(self.0.effect(), self.0.class())
    }
}

fn known(effect: RequestEffect, class: Class) -> Effect {
    match (effect, class) {
        (RequestEffect::Unknown, _) => Effect::Unknown,
        (RequestEffect::Refused, Class::Conflict(Conflict::TitleNotUnique)) => Effect::NameTaken,
        (RequestEffect::NothingSent | RequestEffect::Refused, _) => Effect::NothingChanged,
    }
}

impl Display for CallFailed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Chain(self.0.as_ref()).fmt(formatter)
    }
}

impl From<PlatformError> for CallFailed {
    fn from(error: PlatformError) -> Self {
        Self(Box::new(error))
    }
}

impl From<CallFailed> for ActivityFailure {
    fn from(failed: CallFailed) -> Self {
        (*failed.0).into()
    }
}

impl<K: Ensurable> Reads for Wanted<'_, K> {
    type Failure = CallFailed;

    async fn look(&self) -> Result<Vec<Existing>, CallFailed> {
        let found = self.new.find(&self.create.sandbox).await?;
        Ok(found.into_iter().map(|each| self.existing(each)).collect())
    }

    async fn read(&self, id: &str) -> Result<Option<Existing>, CallFailed> {
        let Ok(id) = id.parse() else {
            // What is no id is nothing's.
            return Ok(None);
        };
        let found = self.get(&id).await?;
        Ok(found.map(|found| self.existing(found)))
    }

    fn now(&self) -> Now {
        let ours = self.create.attempt.now();
        Now::new(
            ours,
            Timestamp::try_from(self.create.sandbox.platform_now()).unwrap_or(ours),
        )
    }
}

impl<K: Ensurable> Resource for Wanted<'_, K> {
    async fn create(&self) -> Result<Created, CallFailed> {
        // Until there is a response, whatever ends the attempt leaves the create open.
        self.create.attempt.record_create(K::KIND);
        let created = self.new.create(&self.create.sandbox).await?;
        Ok(Created {
            id: created.id.to_string(),
            etag: text(created.etag.as_ref()),
        })
    }

    async fn delete(&self, id: &str) -> Result<Deletion, CallFailed> {
        match id.parse() {
            Ok(id) => K::Duplicate::delete(&self.create.sandbox, &id).await,
            // What is no id is nothing's.
            Err(_) => Ok(Deletion::Gone),
        }
    }
}

// The marker is in the description.
macro_rules! listed {
    ($($kind:ident: $name:ident, $etag:expr;)+) => {$(
        impl Listed for $kind {
            fn existing(self) -> Existing {
                let etag: fn(&Self) -> String = $etag;
                Existing {
                    etag: etag(&self),
                    marker: self.description.as_deref().and_then(Marker::find),
                    created_at: self.created_at_ms.unwrap_or_default(),
                    id: self.id.to_string(),
                }
            }

            fn name(&self) -> &str {
                &self.$name
            }
        }
    )+};
}

listed! {
    BaseConnection: name, |each| text(each.etag.as_ref());
    SourceConnection: name, |each| text(each.etag.as_ref());
    TargetConnection: name, |each| text(each.etag.as_ref());
    Flow: name, |each| text(each.etag.as_ref());
    FieldGroup: title, |_| String::new();
    Schema: title, |_| String::new();
    Dataset: name, |_| String::new();
}

fn text(etag: Option<&Etag>) -> String {
    etag.map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_failed_create_says_decides_what_is_known() {
        let title = Class::Conflict(Conflict::TitleNotUnique);
        let state = Class::Conflict(Conflict::State);
        for (effect, class, expected) in [
            (
                RequestEffect::Unknown,
                Class::OutcomeUnknown,
                Effect::Unknown,
            ),
            // Not even the title's conflict decides a create whose outcome is open.
            (RequestEffect::Unknown, title, Effect::Unknown),
            (RequestEffect::Refused, title, Effect::NameTaken),
            (RequestEffect::Refused, state, Effect::NothingChanged),
            (
                RequestEffect::Refused,
                Class::InvalidInput,
                Effect::NothingChanged,
            ),
            (
                RequestEffect::NothingSent,
                Class::Unavailable,
                Effect::NothingChanged,
            ),
            (RequestEffect::NothingSent, title, Effect::NothingChanged),
        ] {
            assert_eq!(known(effect, class), expected, "{effect:?} {class:?}");
        }
    }
}
