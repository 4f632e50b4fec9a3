//! The ensure protocol as every creating activity uses it.

use std::future::Future;

use aep_flow_proto::v1::OnExisting;
use aep_platform::{
    BaseConnection, CreateError, Created as Answered, Dataset, Etag, Failure, FieldGroup, Flow,
    ReadError, Schema, SourceConnection, TargetConnection,
};

use super::{attempt::Attempt, failure::Failed, platform::Platform};
use crate::ensure::{self, Created, Ensured, Intent, Marker, Standing};

/// Gives the one live resource of `intent`, or the failure that callers see.
pub(super) async fn ensured(
    platform: &Platform,
    attempt: &Attempt,
    intent: &Intent,
    on_existing: OnExisting,
    look: impl Future<Output = Result<Vec<Standing>, Failure>>,
    create: impl Future<Output = Result<Created, Failure>>,
) -> Result<Ensured, Failed> {
    let past = attempt.past(intent.kind());
    let rules = platform.ensure_rules();
    ensure::ensure(
        intent,
        on_existing,
        rules,
        past,
        jiff::Timestamp::now,
        look,
        create,
    )
    .await
    .map_err(|error| Failed::ensure(intent.kind(), error))
}

/// What a look found, as the protocol sees it.
pub(super) fn found<T: Listed>(
    result: Result<Vec<T>, ReadError>,
) -> Result<Vec<Standing>, Failure> {
    match result {
        Ok(found) => Ok(found.into_iter().map(Listed::standing).collect()),
        Err(error) => Err(error.failure()),
    }
}

/// What a create gave, as the protocol sees it.
pub(super) fn created<I: std::fmt::Display>(
    result: Result<Answered<I>, CreateError>,
) -> Result<Created, Failure> {
    match result {
        Ok(created) => Ok(Created {
            id: created.id.to_string(),
            etag: text(created.etag.as_ref()),
        }),
        Err(error) => Err(error.failure()),
    }
}

/// A resource in a list of the platform's.
pub(super) trait Listed {
    fn standing(self) -> Standing;
}

// The marker stands in the description.
macro_rules! listed {
    ($($kind:ident: $etag:expr;)+) => {$(
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
        }
    )+};
}

listed! {
    BaseConnection: |each| text(each.etag.as_ref());
    SourceConnection: |each| text(each.etag.as_ref());
    TargetConnection: |each| text(each.etag.as_ref());
    Flow: |each| text(each.etag.as_ref());
    FieldGroup: |_| String::new();
    Schema: |_| String::new();
    Dataset: |_| String::new();
}

fn text(etag: Option<&Etag>) -> String {
    etag.map_or_else(String::new, ToString::to_string)
}
