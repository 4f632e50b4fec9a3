//! The codec for Temporal's SDK: for all that our clients and workers send and receive.

use std::sync::Arc;

use futures::future::{self, BoxFuture, FutureExt as _};
use temporalio_client::errors::{
    WorkflowInteractionError, WorkflowStartError, WorkflowUpdateError,
};
use temporalio_client::interceptors::{
    ClientInterceptor, DescribeWorkflowInput, DescribeWorkflowOutput,
    FetchWorkflowHistoryPageInput, FetchWorkflowHistoryPageOutput, Next, PollWorkflowUpdateInput,
    PollWorkflowUpdateOutput, StartWorkflowInput, StartWorkflowOutput,
};
use temporalio_common::data_converters::{
    CommonAttributes, DataConverter, DefaultFailureConverter, PayloadCodec, PayloadConversionError,
    PayloadConverter, SerializationContextData,
};
use temporalio_common::payload_visitor::{PayloadVisitable, decode_payloads};
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::failure::v1::Failure;
use temporalio_common::protos::temporal::api::history::v1::{
    HistoryEvent, history_event::Attributes,
};
use temporalio_common::protos::temporal::api::update::v1::outcome::Value as UpdateOutcome;

use super::{CodecError, KeyRing, sealed};

/// The SDK's own conversion. With keys it also seals, and turns the message and stack trace of a
/// failure into a payload.
pub(crate) fn data_converter(keys: Option<&KeyRing>) -> DataConverter {
    let converter = PayloadConverter::default();
    match keys {
        Some(keys) => {
            let failures = DefaultFailureConverter::new(true);
            DataConverter::new(converter, failures, keys.clone())
        }
        None => DataConverter::new(converter, DefaultFailureConverter::default(), Keyless),
    }
}

impl From<CodecError> for PayloadConversionError {
    fn from(error: CodecError) -> Self {
        Self::EncodingError(Box::new(error))
    }
}

type Converted = Result<Vec<Payload>, PayloadConversionError>;

// Runs synchronously: a payload takes less time than moving a task.
impl PayloadCodec for KeyRing {
    fn encode(
        &self,
        _: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Converted> {
        let sealed = payloads.iter().map(|payload| Ok(self.seal(payload)?));
        future::ready(sealed.collect()).boxed()
    }

    fn decode(
        &self,
        _: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Converted> {
        let opened = payloads.into_iter().map(|payload| {
            // An error would block a workflow for ever because of a signal that anybody may send.
            // Instead, the recipient finds that it can't read the payload.
            if sealed::is_for_nobody(&payload) {
                return Ok(payload);
            }
            Ok(self.open(payload)?)
        });
        future::ready(opened.collect()).boxed()
    }
}

/// Accepts only clear text. A sealed payload must fail the task, which is retried when there is a
/// key, and not the workflow, which would treat it as a wrong input.
struct Keyless;

impl PayloadCodec for Keyless {
    fn encode(
        &self,
        _: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Converted> {
        future::ready(Ok(payloads)).boxed()
    }

    fn decode(
        &self,
        _: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Converted> {
        let clear = payloads.iter().try_for_each(sealed::need_no_key);
        future::ready(clear.map(|()| payloads).map_err(Into::into)).boxed()
    }
}

/// Opens what the SDK's client leaves sealed: the events of a history, and the failures of pending
/// activities and of updates. The client also neither seals nor opens a workflow's summary.
#[derive(Debug)]
pub(crate) struct Opening(KeyRing);

impl Opening {
    pub(crate) fn with(keys: KeyRing) -> Arc<dyn ClientInterceptor> {
        Arc::new(Self(keys))
    }

    async fn open(
        &self,
        message: &mut impl PayloadVisitable,
    ) -> Result<(), PayloadConversionError> {
        decode_payloads(message, &self.0, &SerializationContextData::None).await
    }
}

type Reply<'a, T, E> = BoxFuture<'a, Result<T, E>>;

impl ClientInterceptor for Opening {
    fn start_workflow<'a>(
        &'a self,
        mut input: StartWorkflowInput,
        next: Next<'a, StartWorkflowInput, Reply<'a, StartWorkflowOutput, WorkflowStartError>>,
    ) -> Reply<'a, StartWorkflowOutput, WorkflowStartError> {
        // The SDK would send them in clear.
        input.options.static_summary = None;
        input.options.static_details = None;
        next.run(input)
    }

    fn describe_workflow<'a>(
        &'a self,
        input: DescribeWorkflowInput,
        next: Next<
            'a,
            DescribeWorkflowInput,
            Reply<'a, DescribeWorkflowOutput, WorkflowInteractionError>,
        >,
    ) -> Reply<'a, DescribeWorkflowOutput, WorkflowInteractionError> {
        async move {
            let mut output = next.run(input).await?;
            // The summary too: another SDK may have sealed it, and the client expects clear text.
            self.open(&mut output.response).await?;
            for activity in &mut output.response.pending_activities {
                if let Some(failure) = &mut activity.last_failure {
                    reveal(failure);
                }
            }
            Ok(output)
        }
        .boxed()
    }

    fn fetch_workflow_history_page<'a>(
        &'a self,
        input: FetchWorkflowHistoryPageInput,
        next: Next<
            'a,
            FetchWorkflowHistoryPageInput,
            Reply<'a, FetchWorkflowHistoryPageOutput, WorkflowInteractionError>,
        >,
    ) -> Reply<'a, FetchWorkflowHistoryPageOutput, WorkflowInteractionError> {
        async move {
            let mut output = next.run(input).await?;
            for event in &mut output.events {
                self.open(event).await?;
                if let Some(failure) = failure_in(event) {
                    reveal(failure);
                }
            }
            Ok(output)
        }
        .boxed()
    }

    fn poll_workflow_update<'a>(
        &'a self,
        input: PollWorkflowUpdateInput,
        next: Next<
            'a,
            PollWorkflowUpdateInput,
            Reply<'a, PollWorkflowUpdateOutput, WorkflowUpdateError>,
        >,
    ) -> Reply<'a, PollWorkflowUpdateOutput, WorkflowUpdateError> {
        async move {
            let mut output = next.run(input).await?;
            self.open(&mut output.outcome).await?;
            if let Some(UpdateOutcome::Failure(failure)) = &mut output.outcome.value {
                reveal(failure);
            }
            Ok(output)
        }
        .boxed()
    }
}

/// The failure of an attempt in an event.
fn failure_in(event: &mut HistoryEvent) -> Option<&mut Failure> {
    match event.attributes.as_mut()? {
        Attributes::ActivityTaskStartedEventAttributes(started) => started.last_failure.as_mut(),
        Attributes::ActivityTaskFailedEventAttributes(failed) => failed.failure.as_mut(),
        _ => None,
    }
}

/// Puts message and stack trace back into their fields, after their payload was opened. The payload
/// stays, because the SDK reads it again.
fn reveal(failure: &mut Failure) {
    let mut next = Some(failure);
    while let Some(failure) = next {
        let hidden = failure.encoded_attributes.as_ref();
        let read = hidden
            .and_then(|payload| serde_json::from_slice::<CommonAttributes>(&payload.data).ok());
        if let Some(attributes) = read {
            failure.message = attributes.message;
            failure.stack_trace = attributes.stack_trace;
        }
        next = failure.cause.as_deref_mut();
    }
}
