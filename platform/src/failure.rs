//! One report for every error of this crate, so that a caller has one mapping function.

use std::time::Duration;

use crate::code::{AdobeCode, RequestId};
use crate::refusal::Refusal;
use crate::transport::TransportKind;
use crate::verdict::{Class, Conflict, Next, Outcome, Verdict};

/// What an error says, whatever the operation was. Holds no secret; texts are cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What is known of the effect on the platform.
    pub outcome: Outcome,
    /// What helps.
    pub next: Next,
    /// The kind of failure, to be mapped one to one.
    pub class: Class,
    /// Adobe's code.
    pub code: Option<AdobeCode>,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// What Adobe's support asks for.
    pub request_id: Option<RequestId>,
    /// Adobe's few words, at most 512 bytes.
    pub title: Option<String>,
    /// Adobe's explanation, at most 512 bytes.
    pub detail: Option<String>,
    /// The wait that the platform asked for, at most an hour.
    pub retry_after: Option<Duration>,
    /// The error and its causes in one line.
    pub message: String,
    /// What to do next, as a sentence without a full stop.
    pub next_step: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

pub(crate) fn report(
    verdict: Verdict,
    refusal: Option<&Refusal>,
    status: Option<u16>,
    request_id: Option<&RequestId>,
    message: String,
    transport: Option<TransportKind>,
) -> Failure {
    let code = refusal.and_then(|refusal| refusal.code.clone());
    Failure {
        outcome: verdict.outcome,
        next: verdict.next,
        class: verdict.class,
        next_step: next_step(verdict, code.as_ref(), transport),
        code,
        status,
        request_id: request_id.cloned(),
        title: refusal.and_then(|refusal| refusal.title.clone()),
        detail: refusal.and_then(|refusal| refusal.detail.clone()),
        retry_after: refusal.and_then(|refusal| refusal.retry_after),
        message,
    }
}

fn next_step(
    verdict: Verdict,
    code: Option<&AdobeCode>,
    transport: Option<TransportKind>,
) -> String {
    if code.is_some_and(AdobeCode::refuses_connection_spec) {
        return "move to another source if Adobe has dropped this one; its list of sources says so"
            .to_owned();
    }
    let code = code.map(AdobeCode::as_str);
    let step = match verdict.class {
        Class::Unauthenticated => match code {
            Some("invalid_scope") => {
                "set the scopes that the Developer Console shows for the credential"
            }
            Some("401015" | "403011") => "give the credential the scopes that the API asks for",
            Some("403000" | "403003") => {
                "check the client id and that its project has the Experience Platform API"
            }
            _ => {
                "check client id, client secret, scopes and organisation of an OAuth \
                 server-to-server credential in the Developer Console"
            }
        },
        Class::PermissionDenied => match code {
            Some("403012" | "403013") => "have this machine's address allowed for the organisation",
            Some("403025" | "403027" | "FLOW-2000-401" | "2000-401") => {
                "check the organisation id and that the credential has a product profile of it"
            }
            _ => {
                "have the credential's product profile given the permission for this in the \
                 sandbox (Enterprise Source, schemas, datasets)"
            }
        },
        Class::SandboxNotFound => "check the sandbox's name and that the credential may use it",
        Class::SourceRejectedCredentials => {
            "check host, user name and password of the source, and that it allows Adobe's addresses"
        }
        Class::Conflict(Conflict::TitleNotUnique) => {
            "look the title up and use that object, or choose another title"
        }
        Class::Conflict(Conflict::Version) => "read the entity again and decide on its new version",
        Class::Conflict(Conflict::InUse) => "find what uses the entity and delete that first",
        Class::Conflict(Conflict::State) => "read the entity's state and wait until it allows this",
        Class::NotFound => {
            "check the id, and that it is in this sandbox and visible to the credential"
        }
        Class::RateLimited => "send it again later, and less often",
        Class::OutcomeUnknown => "look whether it took place before sending it again",
        Class::InvalidInput => "change what the answer names and send it again",
        Class::PlatformRejected => match verdict.next {
            Next::FixInput => "check the request against what the answer says",
            Next::Look => "read the platform's state before sending it again",
            Next::RenewToken | Next::Wait(_) | Next::GiveUp => {
                "ask Adobe's support with the code and the request id"
            }
        },
        Class::Unavailable => match transport {
            Some(TransportKind::NameNotFound) => {
                "check the address and the name service, then send it again"
            }
            Some(TransportKind::ConnectionRefused | TransportKind::ConnectFailed) => {
                "check address, port and network, then send it again"
            }
            Some(TransportKind::Tls) => {
                "check the address, the clock and the certificate authority that the client trusts"
            }
            Some(
                TransportKind::ConnectTimedOut
                | TransportKind::FirstByteTimedOut
                | TransportKind::ConnectionLost,
            )
            | None => "send it again later",
        },
    };
    step.to_owned()
}
