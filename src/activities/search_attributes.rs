//! Which search attributes the namespace knows: a workflow that sets another one gets no
//! further, and cannot ask the server by itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aep_flow_proto::{
    names::FailureType,
    v1::{FailureDetails, FindSearchAttributesInput, FindSearchAttributesResult, SearchAttribute},
};
use aep_flow_workflows::{activities as declared, failure, payload::Message};
use temporalio_client::tonic::Status;
use temporalio_client::{Client, NamespacedClient as _};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::attempt;
use crate::search_attributes::{Registered, names, register_command};

/// How long a response is good. Every ingestion asks: of many that start at once, one waits for
/// the server.
const GOOD_FOR: Duration = Duration::from_secs(60);

/// The same for a response in which one is missing: somebody may be registering it.
const GOOD_FOR_WHILE_MISSING: Duration = Duration::from_secs(5);

/// How long the server may take.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);

/// The activity that asks, with the worker's own client.
pub struct SearchAttributes {
    client: Client,
    default_sandbox: String,
    /// Held for a look-up, never across an await.
    known: Mutex<Option<(Registered, Instant)>>,
}

impl SearchAttributes {
    /// Asks through `client`, about its namespace. `default_sandbox` is the worker's.
    pub fn new(client: Client, default_sandbox: &str) -> Self {
        Self {
            client,
            default_sandbox: default_sandbox.to_owned(),
            known: Mutex::default(),
        }
    }

    /// Asks for the first time, and warns of those that are not there.
    pub async fn warn_of_missing(&self) {
        let namespace = self.client.namespace();
        let registered = match self.registered().await {
            Ok(registered) => registered,
            Err(status) => {
                tracing::warn!(
                    namespace,
                    "the namespace's search attributes can't be listed, so ingestions may not be \
                     found by them: {}",
                    status.message()
                );
                return;
            }
        };
        let missing = registered.missing();
        if !missing.is_empty() {
            tracing::warn!(
                namespace,
                "ingestions can't be listed by the search attributes that are not registered: {}; \
                 this registers them: {}",
                names(&missing),
                register_command(&namespace, &missing)
            );
        }
        for (name, found) in registered.mistyped() {
            tracing::warn!(
                namespace,
                "ingestions can't be listed by the search attribute {name}: it is of the type \
                 {found}, not {}",
                name.value_type()
            );
        }
    }

    async fn registered(&self) -> Result<Registered, Status> {
        if let Some(known) = self.known() {
            return Ok(known);
        }
        let listed = tokio::time::timeout(ANSWERED_WITHIN, Registered::list(&self.client))
            .await
            .unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer within 3 s")))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((listed.clone(), Instant::now()));
        Ok(listed)
    }

    fn known(&self) -> Option<Registered> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (registered, at) = known.as_ref()?;
        is_good(registered, at.elapsed()).then(|| registered.clone())
    }
}

fn is_good(registered: &Registered, age: Duration) -> bool {
    let good_for = if registered.missing().is_empty() {
        GOOD_FOR
    } else {
        GOOD_FOR_WHILE_MISSING
    };
    age < good_for
}

impl std::fmt::Debug for SearchAttributes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SearchAttributes")
            .finish_non_exhaustive()
    }
}

#[activities]
impl SearchAttributes {
    #[activity(definition = declared::FindSearchAttributes)]
    pub async fn find_search_attributes(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Message<FindSearchAttributesInput>,
    ) -> Result<Message<FindSearchAttributesResult>, ActivityError> {
        let input = attempt::read(&ctx, input).map_err(|failed| {
            ActivityError::application(failed.into_failure(ctx.info().attempt, None))
        })?;
        let registered = self
            .registered()
            .await
            .map_err(|status| not_listed(&status))?;
        let attributes = input
            .names
            .into_iter()
            .filter_map(|name| {
                let r#type = registered.type_of(&name)?.to_owned();
                Some(SearchAttribute { name, r#type })
            })
            .collect();
        Ok(Message::from(FindSearchAttributesResult {
            attributes,
            default_sandbox: self.default_sandbox.clone(),
        }))
    }
}

fn not_listed(status: &Status) -> ActivityError {
    let message = format!(
        "the namespace's search attributes can't be listed: {}",
        status.message()
    );
    ActivityError::application(failure::typed(
        FailureType::Unavailable,
        message,
        FailureDetails::default(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_which_one_is_missing_is_soon_asked_for_again() {
        let missing = Registered::default();
        assert!(is_good(&missing, Duration::from_secs(4)));
        assert!(!is_good(&missing, Duration::from_secs(6)));
    }
}
