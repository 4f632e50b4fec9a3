//! The ensure protocol as every creating activity uses it.

use std::{fmt::Display, future::Future, str::FromStr};

use aep_flow_ensure::{
    self as ensure, Call, CallFailure, Created, Effect, Ensured, Intent, Marker, Now, Past,
    Resource, ResourceKind, Sight, Standing, Swept,
};
use aep_flow_proto::v1::{EarlierCall, OnExisting, Outcome};
use aep_platform::{
    BaseConnection, Chain, Class, Conflict, Created as Answered, Dataset, Deleted, Etag,
    FieldGroup, Flow, IdError, MappingSet, PlatformError, RequestEffect, Sandbox, Schema,
    SourceConnection, TargetConnection,
};
use jiff::Timestamp;

use super::{attempt::Attempt, failure::Failed, observe, platform::Platform};

/// The calls that the protocol needs for one kind; implemented by what a create sends.
pub(super) trait Ensurable: Sync {
    /// Which kind it is.
    const KIND: ResourceKind;
    type Id: FromStr<Err = IdError> + Display + Send + Sync;
    type Found: Listed + Send;

    /// Everything of the wanted name, in its scope.
    fn find(
        &self,
        sandbox: &Sandbox,
    ) -> impl Future<Output = Result<Vec<Self::Found>, PlatformError>> + Send;

    fn create(
        &self,
        sandbox: &Sandbox,
    ) -> impl Future<Output = Result<Answered<Self::Id>, PlatformError>> + Send;

    fn get(
        sandbox: &Sandbox,
        id: &Self::Id,
    ) -> impl Future<Output = Result<Self::Found, PlatformError>> + Send;

    /// Whether something stands on it.
    fn is_used(
        sandbox: &Sandbox,
        id: &Self::Id,
    ) -> impl Future<Output = Result<bool, PlatformError>> + Send;

    /// Deletes it. Never asked of a kind that the platform keeps single, or keeps.
    fn delete(
        sandbox: &Sandbox,
        id: &Self::Id,
    ) -> impl Future<Output = Result<Deleted, PlatformError>> + Send;

    /// What of `found` is another than what would be made, its name apart: parents and
    /// specification.
    fn differs(&self, found: &Self::Found) -> Option<String>;

    /// `found` as the protocol sees it.
    fn standing(&self, found: Self::Found) -> Standing {
        found.standing()
    }
}

/// A resource as the platform gives it.
pub(super) trait Listed {
    fn standing(self) -> Standing;
    fn name(&self) -> &str;
}

/// One create of one attempt.
pub(super) struct Wanted<'a, K> {
    pub(super) platform: &'a Platform,
    pub(super) attempt: &'a Attempt,
    pub(super) sandbox: &'a Sandbox,
    pub(super) intent: &'a Intent,
    pub(super) on_existing: OnExisting,
    /// Id that a person decided to take.
    pub(super) adopt: Option<&'a str>,
    /// The call that this one takes up.
    pub(super) continues: Option<&'a EarlierCall>,
    pub(super) new: &'a K,
}

impl<K: Ensurable> Wanted<'_, K> {
    /// Gives the one live resource of the intent, or the failure that callers see.
    pub(super) async fn ensured(&self) -> Result<Ensured, Failed> {
        if let Some(id) = self.adopt {
            return self.adopted(id).await;
        }
        let call = Call {
            intent: self.intent,
            on_existing: self.on_existing,
            rules: self.platform.ensure_rules(),
            begun: self.attempt.begun(),
        };
        if let Some(rehearsal) = self.attempt.rehearsal() {
            let foreseen = ensure::foresee(&call, self).await;
            let foreseen = foreseen.map_err(|error| Failed::ensure(K::KIND, error))?;
            return Ok(rehearsal.note(K::KIND, self.intent.name(), foreseen));
        }
        let past = match self.continues {
            Some(earlier) if self.attempt.is_first() => open_since(&earlier.since)?,
            _ => self.attempt.past(K::KIND),
        };
        let ended = ensure::ensure(&call, past, self).await;
        observe::create_ended(K::KIND, &ended);
        ended.map_err(|error| Failed::ensure(K::KIND, error))
    }

    /// Takes what a person decided on, if it can be what the call would have made.
    async fn adopted(&self, id: &str) -> Result<Ensured, Failed> {
        let id: K::Id = super::read_id("adopt", id)?;
        let Some(found) = self.get(&id).await? else {
            return Err(Failed::not_found(format!(
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
            return Err(Failed::not_adoptable(K::KIND, &id.to_string(), &difference));
        }
        let standing = found.standing();
        Ok(Ensured {
            id: standing.id,
            etag: standing.etag,
            outcome: Outcome::Adopted,
        })
    }

    /// The resource of that id; none if there is none, or no longer.
    async fn get(&self, id: &K::Id) -> Result<Option<K::Found>, CallFailed> {
        match K::get(self.sandbox, id).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.class() == Class::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// A call of the platform's client that failed, as the protocol sees it.
#[derive(Debug)]
pub(super) struct CallFailed(Box<PlatformError>);

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

impl From<CallFailed> for Failed {
    fn from(failed: CallFailed) -> Self {
        (*failed.0).into()
    }
}

impl<K: Ensurable> Sight for Wanted<'_, K> {
    type Failure = CallFailed;

    async fn look(&self) -> Result<Vec<Standing>, CallFailed> {
        let found = self.new.find(self.sandbox).await?;
        let found = found.into_iter();
        Ok(found.map(|each| self.new.standing(each)).collect())
    }

    async fn read(&self, id: &str) -> Result<Option<Standing>, CallFailed> {
        let Ok(id) = id.parse() else {
            // What is no id is nothing's.
            return Ok(None);
        };
        let found = self.get(&id).await?;
        Ok(found.map(|found| self.new.standing(found)))
    }

    fn now(&self) -> Now {
        let ours = self.attempt.now();
        Now::new(
            ours,
            Timestamp::try_from(self.sandbox.platform_now()).unwrap_or(ours),
        )
    }
}

impl<K: Ensurable> Resource for Wanted<'_, K> {
    async fn create(&self) -> Result<Created, CallFailed> {
        let created = self.new.create(self.sandbox).await?;
        Ok(Created {
            id: created.id.to_string(),
            etag: text(created.etag.as_ref()),
        })
    }

    async fn sweep(&self, id: &str) -> Result<Swept, CallFailed> {
        let Ok(parsed) = id.parse() else {
            return Ok(Swept::Gone);
        };
        if K::is_used(self.sandbox, &parsed).await? {
            return Ok(Swept::InUse);
        }
        match K::delete(self.sandbox, &parsed).await {
            Ok(Deleted::Accepted | Deleted::WasGone) => {
                observe::swept(K::KIND);
                Ok(Swept::Gone)
            }
            Err(error) if error.class() == Class::Conflict(Conflict::InUse) => Ok(Swept::InUse),
            Err(error) => Err(error.into()),
        }
    }
}

/// What a call begins with whose predecessor's outcome was not known.
fn open_since(since: &str) -> Result<Past, Failed> {
    let since = since.parse().map_err(|error: jiff::Error| {
        Failed::field("continues.since", format!("`{since}`"), error.to_string())
    })?;
    Ok(Past::Open { since, looks: 0 })
}

// The marker stands in the description.
macro_rules! listed {
    ($($kind:ident: $name:ident, $etag:expr;)+) => {$(
        impl Listed for $kind {
            fn standing(self) -> Standing {
                let etag: fn(&Self) -> String = $etag;
                Standing {
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

// The platform keeps no description of one: the hash at the end of its name is its key.
impl Listed for MappingSet {
    fn standing(self) -> Standing {
        Standing {
            id: self.id.to_string(),
            etag: String::new(),
            created_at: self.created_at_ms.unwrap_or_default(),
            marker: self.name.rsplit(' ').next().and_then(Marker::of_key),
        }
    }

    fn name(&self) -> &str {
        &self.name
    }
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
