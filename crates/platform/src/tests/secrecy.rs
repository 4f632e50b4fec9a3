//! No secret in anything that prints; `tests/logs.rs` has the logs.

use serde_json::json;

use super::server::{Server, credentials, json, token};
use crate::{Chain, NewBaseConnection, ParamValue};

/// The three secrets of a create, and the only places they may be in.
const SECRETS: [&str; 3] = [
    "p8e-client-secret",
    "access-token-1",
    "correct horse battery",
];

#[tokio::test]
async fn a_response_that_repeats_the_request_gives_no_secret_away() {
    let server = Server::start(|seen, _| {
        if seen.is_token() {
            return token(SECRETS[1], 86_399);
        }
        json(
            400,
            json!({
                "type": "https://ns.adobe.com/aep/errors/FLOW-1308-400",
                "title": format!("Bad Request {}", SECRETS[2]),
                "report": {"detailed-message": format!(
                    "login failed for svc with {} and Bearer {}, password={}", SECRETS[2], SECRETS[1], SECRETS[2]),
                    "request-id": "r-1"}
            }),
        )
    })
    .await;
    let sandbox = server.sandbox();
    let mut new =
        NewBaseConnection::oracle_service_cloud("osc", "h", "svc", SECRETS[2].to_owned().into());
    new.params.insert(
        "extra".to_owned(),
        ParamValue::Secret("another secret".to_owned().into()),
    );
    let error = sandbox.create_base_connection(&new).await.unwrap_err();
    assert_eq!(error.class(), crate::Class::SourceRejectedCredentials);
    assert_eq!(error.request_id().unwrap().as_str(), "r-1");
    let printed = [
        format!("{error}"),
        format!("{error:?}"),
        Chain(&error).to_string(),
        error.next_step().to_owned(),
        format!("{sandbox:?}"),
        format!("{:?}", sandbox.client()),
        format!("{new:?}"),
        format!("{:?}", credentials()),
        format!("{:?}", server.settings()),
    ];
    for text in printed {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{text}");
        }
    }
    // They did go where they belong.
    let call = &server.calls()[0];
    assert!(call.body.contains(SECRETS[2]));
    assert!(call.header("authorization").unwrap().contains(SECRETS[1]));
    assert!(!call.target.contains(SECRETS[2]));
}

#[tokio::test]
async fn a_token_service_that_repeats_the_secret_gives_nothing_away() {
    let server = Server::start(|_, _| {
        json(
            400,
            json!({"error": "invalid_client", "error_description": format!("no client with {}", SECRETS[0])}),
        )
    })
    .await;
    let error = server.client().check_credentials().await.unwrap_err();
    let printed = format!("{} {error:?}", Chain(&error));
    assert!(!printed.contains(SECRETS[0]), "{printed}");
    assert!(printed.contains("no client with [removed]"), "{printed}");
}

/// A password with all that JSON, addresses and forms write in another way.
const AWKWARD: &str = "two words \"quoted\" a\\b 50%&more+ü";

#[tokio::test]
async fn a_request_that_comes_back_whole_gives_no_part_of_the_secret_away() {
    let server = Server::start(|seen, _| {
        if seen.is_token() {
            return token(SECRETS[1], 86_399);
        }
        json(
            500,
            json!({"message": format!("cannot handle {}", seen.body)}),
        )
    })
    .await;
    let mut new =
        NewBaseConnection::oracle_service_cloud("osc", "h", "svc", AWKWARD.to_owned().into());
    // A name that does not say that it is secret, so that only the value can be known by.
    new.params.insert(
        "zone".to_owned(),
        ParamValue::Secret(format!("zone {AWKWARD}").into()),
    );
    let error = server.sandbox().create_base_connection(&new).await;
    let error = error.unwrap_err();
    let printed = format!("{} {error:?}", Chain(&error));
    for part in ["words", "quoted", "more"] {
        assert!(!printed.contains(part), "{printed}");
    }
}

#[test]
fn a_secret_in_place_of_a_code_or_a_request_id_is_dropped() {
    let secret = SECRETS[0];
    let bodies = [
        json!({"error_code": secret, "message": "m"}),
        json!({"error": secret, "error_description": "d"}),
        json!({"error": secret}),
        json!({"type": format!("https://ns.adobe.com/aep/errors/{secret}-1-400")}),
        json!({"title": "t", "code": secret}),
        json!({"title": "t", "errorCode": format!("x{secret}")}),
        json!({"title": "t", "report": {"request-id": secret}}),
        json!({"title": "t", "requestId": secret}),
    ];
    for body in bodies {
        let mut response =
            crate::response::response(400, Some("application/json"), &body.to_string());
        let id = http::HeaderValue::from_static(secret);
        response.headers.insert("x-request-id", id);
        let secrets = [secret.to_owned().into()];
        let refusal =
            crate::PlatformRefusal::read(&response, std::time::SystemTime::UNIX_EPOCH, &secrets);
        let shown = format!("{refusal} {refusal:?}");
        assert!(!shown.contains(secret), "{shown}");
    }
}
