//! A description is changed under the version that was read, and nothing else is.

use serde_json::{Value, json};

use super::server::{ScriptedReply, Server, json};
use crate::{Class, Conflict, Etag, Next, PlatformError, RequestEffect, Sandbox};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Of {
    BaseConnection,
    SourceConnection,
    TargetConnection,
    Flow,
    Dataset,
}

const ALL: [Of; 5] = [
    Of::BaseConnection,
    Of::SourceConnection,
    Of::TargetConnection,
    Of::Flow,
    Of::Dataset,
];

impl Of {
    async fn update(self, sandbox: &Sandbox, text: &str) -> Result<Option<Etag>, PlatformError> {
        let etag = "\"1\"".parse().unwrap();
        match self {
            Self::BaseConnection => {
                let id = "x".parse().unwrap();
                sandbox
                    .update_base_connection_description(&id, &etag, text)
                    .await
            }
            Self::SourceConnection => {
                let id = "x".parse().unwrap();
                sandbox
                    .update_source_connection_description(&id, &etag, text)
                    .await
            }
            Self::TargetConnection => {
                let id = "x".parse().unwrap();
                sandbox
                    .update_target_connection_description(&id, &etag, text)
                    .await
            }
            Self::Flow => {
                let id = "x".parse().unwrap();
                sandbox.update_flow_description(&id, &etag, text).await
            }
            Self::Dataset => {
                let id = "x".parse().unwrap();
                sandbox
                    .update_dataset_description(&id, Some(&etag), text)
                    .await
            }
        }
    }

    fn target(self) -> &'static str {
        match self {
            Self::BaseConnection => "/data/foundation/flowservice/connections/x",
            Self::SourceConnection => "/data/foundation/flowservice/sourceConnections/x",
            Self::TargetConnection => "/data/foundation/flowservice/targetConnections/x",
            Self::Flow => "/data/foundation/flowservice/flows/x",
            Self::Dataset => "/data/foundation/catalog/dataSets/x",
        }
    }
}

#[tokio::test]
async fn only_the_description_is_sent_and_under_the_etag_as_it_came() {
    for of in ALL {
        let server = Server::platform(|_, _| json(200, json!({"id": "x", "etag": "\"2\""}))).await;
        let new = of.update(&server.sandbox(), "a \"new\" one, ü").await;
        let calls = server.calls();
        assert_eq!(calls.len(), 1, "{of:?}");
        assert_eq!(calls[0].method, "PATCH", "{of:?}");
        assert_eq!(calls[0].target, of.target());
        assert_eq!(calls[0].header("if-match"), Some("\"1\""), "{of:?}");
        assert_eq!(calls[0].header("content-type"), Some("application/json"));
        let body: Value = serde_json::from_str(&calls[0].body).unwrap();
        let (sent, etag) = match of {
            Of::Dataset => (json!({"description": "a \"new\" one, ü"}), None),
            Of::BaseConnection | Of::SourceConnection | Of::TargetConnection | Of::Flow => (
                json!([{"op": "add", "path": "/description", "value": "a \"new\" one, ü"}]),
                Some("\"2\""),
            ),
        };
        assert_eq!(body, sent, "{of:?}");
        assert_eq!(new.unwrap().as_ref().map(Etag::as_str), etag, "{of:?}");
    }
}

#[tokio::test]
async fn a_version_conflict_is_distinguished_from_other_refusals() {
    // Both shapes of a 412, and Catalog's, whose body is not documented.
    let stale = [
        r#"{"type":"https://ns.adobe.com/aep/errors/FLOW-1404-412","title":"Precondition failed"}"#,
        r#"{"errorMessage":"Supplied version=[\"a\"] does not match the current version on entity=[\"b\"]"}"#,
        "",
    ];
    for of in ALL {
        for body in stale {
            let server = Server::platform(move |_, _| json(412, body)).await;
            let error = of.update(&server.sandbox(), "d").await.unwrap_err();
            assert_eq!(error.class(), Class::Conflict(Conflict::Version), "{body}");
            assert_eq!(error.next(), Next::Look, "{body}");
            assert_eq!(error.effect(), RequestEffect::Refused, "{body}");
            assert_eq!(
                error.next_step(),
                "read the entity again and decide on its new version",
                "{body}"
            );
        }
        let refusals = [
            (400, "FLOW-1404-400", Class::Conflict(Conflict::State)),
            (400, "FLOW-1416-400", Class::Conflict(Conflict::State)),
            (400, "FLOW-1455-400", Class::InvalidInput),
            (404, "FLOW-1439-404", Class::NotFound),
            (503, "FLOW-1103-503", Class::OutcomeUnknown),
        ];
        for (status, code, class) in refusals {
            let response = json!({"type": format!("https://ns.adobe.com/aep/errors/{code}")});
            let server = Server::platform(move |_, _| json(status, &response)).await;
            let error = of.update(&server.sandbox(), "d").await.unwrap_err();
            assert_eq!(error.class(), class, "{of:?} {code}");
        }
    }
}

#[tokio::test]
async fn a_datasets_version_is_in_a_header_of_its_own_spelling() {
    let cases = [
        ("e-tag: 1.0.2\r\n", Some("1.0.2")),
        ("e-tag: 1.0.2\r\netag: W/\"9\"\r\n", Some("1.0.2")),
        // A proxy's, of the bytes.
        ("etag: W/\"9\"\r\n", None),
        ("e-tag: \r\n", None),
        ("", None),
    ];
    for (header, expected) in cases {
        let server = Server::platform(move |seen, _| {
            let body = if seen.method == "PATCH" {
                r#"["@/dataSets/d"]"#
            } else {
                r#"{"d": {"name": "n", "version": "1.0.9"}}"#
            };
            ScriptedReply::Bytes(format!(
                "HTTP/1.1 200 X\r\n{header}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            ))
        })
        .await;
        let sandbox = server.sandbox();
        let id = "d".parse().unwrap();
        let read = sandbox.get_dataset(&id).await.unwrap();
        assert_eq!(read.etag.as_ref().map(Etag::as_str), expected, "{header}");
        let update = sandbox.update_dataset_description(&id, read.etag.as_ref(), "d");
        let new = update.await.unwrap();
        assert_eq!(new.as_ref().map(Etag::as_str), expected, "{header}");
        // Nothing is made up where the header was not.
        assert_eq!(server.calls()[1].header("if-match"), expected, "{header}");
    }
}
