//! Refusals, each with the body that the service documents.
//!
//! Source: Adobe's API references and error catalogues of the gateway, Flow Service, sources,
//! Schema Registry and Sandbox, read 2026-11. Catalog and Data Prep document no error body, so they
//! use the generic one.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::ids::Ids;

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// The gateway in front of all services.
    #[error("gateway refuses with {code}: {message}")]
    Gateway {
        status: u16,
        code: &'static str,
        message: &'static str,
    },
    /// The token endpoint.
    #[error("token refused with {error}: {description}")]
    Ims {
        status: u16,
        error: &'static str,
        description: &'static str,
    },
    /// Flow Service or the connector layer below it.
    #[error("FLOW-{number}-{status}: {message}")]
    Flow {
        number: u16,
        status: u16,
        message: String,
        /// Id and kind of the resource in question.
        resource: Option<(String, &'static str)>,
    },
    /// Schema Registry.
    #[error("XDM-{number}-{status}: {detail}")]
    Registry {
        number: u16,
        status: u16,
        title: &'static str,
        detail: String,
    },
    /// Sandbox management.
    #[error("SMS-{number}-{status}: {title}")]
    Sandbox {
        number: u16,
        status: u16,
        title: String,
    },
    /// The shape that older services use, and the gateway's check of bodies.
    #[error("{title}: {detail}")]
    Generic {
        status: u16,
        title: &'static str,
        detail: String,
    },
}

impl Problem {
    /// A refusal of Flow Service that is not about a resource.
    pub(crate) fn flow(number: u16, status: u16, message: impl Into<String>) -> Self {
        Self::Flow {
            number,
            status,
            message: message.into(),
            resource: None,
        }
    }

    /// The 404 of Flow Service.
    pub(crate) fn flow_not_found(kind: &'static str, id: &str) -> Self {
        Self::Flow {
            number: 1439,
            status: 404,
            message: format!(
                "The requested {kind} resource {id} is not found. Verify the resource ID before trying again."
            ),
            resource: Some((id.to_owned(), kind)),
        }
    }

    /// A mandatory field is missing.
    pub(crate) fn missing_field(field: &str) -> Self {
        Self::flow(
            1304,
            400,
            format!("Mandatory field {field} is missing. Provide it and try again."),
        )
    }

    /// A plain 400 of a service that documents no errors.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::Generic {
            status: 400,
            title: "BadRequestError",
            detail: detail.into(),
        }
    }

    /// A plain 404 of a service that documents no errors.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::Generic {
            status: 404,
            title: "NotFoundError",
            detail: detail.into(),
        }
    }

    /// The response for this refusal.
    pub(crate) fn answer(&self, ids: &mut Ids, now_ms: i64) -> Answer {
        let (status, body) = match self {
            Self::Gateway {
                status,
                code,
                message,
            } => (*status, json!({"error_code": code, "message": message})),
            Self::Ims {
                status,
                error,
                description,
            } => (
                *status,
                json!({"error": error, "error_description": description}),
            ),
            Self::Flow {
                number,
                status,
                message,
                resource,
            } => {
                let mut report =
                    json!({"detailed-message": message, "request-id": ids.next_uuid()});
                if let Some((id, kind)) = resource {
                    report["id"] = Value::from(id.as_str());
                    report["type"] = Value::from(*kind);
                }
                let body = json!({
                    "type": format!("https://ns.adobe.com/aep/errors/FLOW-{number}-{status}"),
                    "title": flow_title(*number, *status),
                    "status": status,
                    "report": report,
                    "errorMessage": message,
                    "errorDetails": message,
                });
                (*status, body)
            }
            Self::Registry {
                number,
                status,
                title,
                detail,
            } => {
                let body = json!({
                    "type": format!("http://ns.adobe.com/aep/errors/XDM-{number}-{status}"),
                    "title": title,
                    "status": status,
                    "report": {
                        "registryRequestId": ids.next_uuid(),
                        "timestamp": registry_time(now_ms),
                        "detailed-message": detail,
                        "sub-errors": [],
                    },
                    "detail": detail,
                });
                (*status, body)
            }
            Self::Sandbox {
                number,
                status,
                title,
            } => {
                let kind = format!("http://ns.adobe.com/aep/errors/SMS-{number}-{status}");
                (
                    *status,
                    json!({"status": status, "title": title, "type": kind}),
                )
            }
            Self::Generic {
                status,
                title,
                detail,
            } => {
                let body = json!({
                    "type": "/placeholder/type/uri",
                    "status": status,
                    "title": title,
                    "detail": detail,
                });
                (*status, body)
            }
        };
        Answer::json(status, body)
    }
}

fn flow_title(number: u16, status: u16) -> &'static str {
    match (number, status) {
        (1439 | 1101, 404) => "Resource not found",
        (_, 401) => "Unauthorized",
        (_, 403) => "Forbidden",
        (_, 404) => "Not Found",
        (_, 412) => "Precondition Failed",
        (_, 500..) => "Internal Server Error",
        _ => "Bad Request",
    }
}

/// `MM-DD-YYYY HH:mm:ss`, the registry's format of times in its errors.
fn registry_time(now_ms: i64) -> String {
    Timestamp::from_millisecond(now_ms)
        .map(|time| time.strftime("%m-%d-%Y %H:%M:%S").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_flow_has_the_recorded_body() {
        let answer = Problem::flow_not_found("flows", "84224def").answer(&mut Ids::seeded(1), 0);
        let body = answer.as_json();
        assert_eq!(answer.status, 404);
        assert_eq!(
            body["type"],
            "https://ns.adobe.com/aep/errors/FLOW-1439-404"
        );
        assert_eq!(body["report"]["type"], "flows");
        assert_eq!(body["errorMessage"], body["errorDetails"]);
    }

    #[test]
    fn the_registry_writes_american_dates() {
        assert_eq!(registry_time(1_622_520_251_000), "06-01-2021 04:04:11");
    }
}
