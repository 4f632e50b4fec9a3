//! The next step for whoever reads an error.

use crate::code::AdobeCode;
use crate::meaning::{Class, Conflict, Meaning, Next};
use crate::transport::TransportKind;

/// One sentence without a full stop.
pub(crate) fn next_step(
    meaning: Meaning,
    code: Option<&AdobeCode>,
    transport: Option<TransportKind>,
) -> &'static str {
    if code.is_some_and(AdobeCode::refuses_connection_spec) {
        return "move to another source if Adobe has dropped this one; its list of sources says so";
    }
    let code = code.map(AdobeCode::as_str);
    match meaning.class {
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
        Class::InvalidInput => "change what the response names and send it again",
        Class::PlatformRejected => match meaning.next {
            Next::FixInput => "check the request against what the response says",
            Next::Look => "read the platform's state before sending it again",
            Next::RenewToken | Next::Wait | Next::GiveUp => {
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
    }
}
