//! What is known after each way that a request can end.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::server::{Script, ScriptedReply, Server, credentials, json};
use crate::error::End;
use crate::{
    Class, Client, ConnectionSpecRef, FlowId, NewBaseConnection, NewSourceConnection, Next,
    PlatformError, RequestEffect, Sandbox, SandboxName, Settings, TransportKind,
};

fn base_connection() -> NewBaseConnection {
    NewBaseConnection::oracle_service_cloud("osc", "h", "u", "hunter2".to_owned().into())
}

async fn create(sandbox: &Sandbox) -> PlatformError {
    sandbox
        .create_base_connection(&base_connection())
        .await
        .unwrap_err()
}

fn flow_id() -> FlowId {
    FlowId::parse("84224def").unwrap()
}

#[test]
fn every_future_can_move_between_threads() {
    fn is_send<T: Send>(_: T) {}
    fn check(sandbox: &Sandbox, client: &Client) {
        is_send(sandbox.create_base_connection(&base_connection()));
        is_send(sandbox.find_flows_named("a"));
        is_send(sandbox.find_datasets_named("a"));
        let (source, etag) = ("s".parse().unwrap(), "e".parse().unwrap());
        is_send(sandbox.find_flows_reading(&source));
        is_send(sandbox.update_flow_description(&flow_id(), &etag, "a"));
        is_send(sandbox.find_schemas_titled("a"));
        is_send(sandbox.find_mapping_sets_named("a"));
        is_send(sandbox.delete_flow(&flow_id()));
        is_send(client.list_sandboxes());
    }
    let _ = check;
}

#[tokio::test]
async fn a_call_has_the_headers_that_the_platform_demands() {
    let server = Server::platform(|_, _| json(201, json!({"id": "b-1", "etag": "\"e\""}))).await;
    let created = server
        .sandbox()
        .create_base_connection(&base_connection())
        .await
        .unwrap();
    assert_eq!(created.id.as_str(), "b-1");
    assert_eq!(created.etag.unwrap().as_str(), "\"e\"");
    let calls = server.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].method, "POST");
    let headers = [
        ("authorization", "Bearer t-1"),
        ("x-api-key", "client-id"),
        ("x-gw-ims-org-id", "0123456789ABCDEF01234567@AdobeOrg"),
        ("x-sandbox-name", "dev"),
        ("content-type", "application/json"),
        ("accept", "application/json"),
    ];
    for (name, value) in headers {
        assert_eq!(calls[0].header(name), Some(value), "{name}");
    }
    assert!(
        calls[0]
            .header("user-agent")
            .unwrap()
            .starts_with("aep-flow/")
    );
}

#[tokio::test]
async fn each_end_of_a_create_says_what_is_known() {
    const BIG: usize = 200_000;
    let created = r#"{"id":"b-1"}"#;
    let head = "HTTP/1.1 201 X\r\ncontent-type: application/json\r\n";
    let cases: Vec<(&str, Script, &str, RequestEffect, Next, Class)> = vec![
        (
            "closed after the request",
            Box::new(|| ScriptedReply::Close),
            "NoResponse",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "no first byte",
            Box::new(|| ScriptedReply::Hang),
            "NoResponse",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "a broken head",
            Box::new(|| ScriptedReply::Bytes("HTTP/1.1 20".into())),
            "NoResponse",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "no HTTP",
            Box::new(|| ScriptedReply::Bytes("SSH-2.0-OpenSSH\r\n\r\n".into())),
            "NoResponse",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "a slow body",
            Box::new(move || ScriptedReply::Stall(format!("{head}content-length: 99\r\n\r\n{{"))),
            "Unreadable",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "a body cut off",
            Box::new(move || {
                ScriptedReply::Bytes(format!("{head}content-length: 99\r\n\r\n{created}"))
            }),
            "Unreadable",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "an announced giant",
            Box::new(|| json(201, "x".repeat(BIG))),
            "Unreadable",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "a giant without length",
            Box::new(move || ScriptedReply::Bytes(format!("{head}\r\n{}", "x".repeat(BIG)))),
            "Unreadable",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "HTML under 200",
            Box::new(|| ScriptedReply::Response(200, "text/html", "<html>hi</html>".into())),
            "Unreadable",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "no JSON under 201",
            Box::new(|| json(201, "oops")),
            "Unreadable",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "no id under 201",
            Box::new(|| json(201, "{}")),
            "Unreadable",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "an odd id under 201",
            Box::new(|| json(201, r#"{"id":"a b"}"#)),
            "Unreadable",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "204 for a create",
            Box::new(|| ScriptedReply::Bytes("HTTP/1.1 204 X\r\n\r\n".into())),
            "Unreadable",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "500",
            Box::new(|| json(500, "{}")),
            "Refused",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "a plain 503",
            Box::new(|| json(503, "")),
            "Refused",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "504 of a proxy",
            Box::new(|| ScriptedReply::Response(504, "text/html", "<html>".into())),
            "Refused",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "408",
            Box::new(|| json(408, r#"{"type":"x/FLOW-1006-408"}"#)),
            "Refused",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "503 of the gateway",
            Box::new(|| json(503, r#"{"error_code":"503010","message":"m"}"#)),
            "Refused",
            RequestEffect::Refused,
            Next::Wait,
            Class::Unavailable,
        ),
        (
            "429",
            Box::new(|| {
                ScriptedReply::Bytes(
                    "HTTP/1.1 429 X\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n".into(),
                )
            }),
            "Refused",
            RequestEffect::Refused,
            Next::Wait,
            Class::RateLimited,
        ),
        (
            "400 whose text is lost",
            Box::new(|| {
                ScriptedReply::Bytes("HTTP/1.1 400 X\r\ncontent-length: 99\r\n\r\n{".into())
            }),
            "Refused",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
        (
            "400 with a giant text",
            Box::new(|| ScriptedReply::Response(400, "text/plain", "x".repeat(BIG))),
            "Refused",
            RequestEffect::Refused,
            Next::FixInput,
            Class::PlatformRejected,
        ),
        (
            "a redirect",
            Box::new(|| {
                ScriptedReply::Bytes(
                    "HTTP/1.1 307 X\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
                        .into(),
                )
            }),
            "Refused",
            RequestEffect::Unknown,
            Next::Look,
            Class::OutcomeUnknown,
        ),
    ];
    for (case, reply, end, outcome, next, class) in cases {
        let server = Server::platform(move |_, _| reply()).await;
        let mut settings = server.settings();
        settings.first_byte_timeout = Duration::from_millis(300);
        settings.connect_timeout = Duration::from_millis(300);
        settings.total_timeout = Duration::from_millis(900);
        settings.max_answer_bytes = 100_000;
        let client = Client::new(settings, credentials()).unwrap();
        let error = create(&client.sandbox(&SandboxName::parse("dev").unwrap())).await;
        let shown = format!("{:?}", error.root());
        assert!(shown.starts_with(end), "{case}: {shown}");
        assert_eq!(error.effect(), outcome, "{case}");
        assert_eq!(error.next(), next, "{case}");
        assert_eq!(error.class(), class, "{case}");
        let wait = (case == "429").then_some(Duration::from_secs(7));
        assert_eq!(error.retry_after(), wait, "{case}");
        assert!(!error.next_step().is_empty(), "{case}");
        assert_eq!(server.calls().len(), 1, "{case}: a create is sent once");
    }
}

#[tokio::test]
async fn a_connection_that_fails_sent_nothing() {
    // A port that was free a moment ago and has no listener now.
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let ims = Server::platform(|_, _| ScriptedReply::Close).await;
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain_url = format!("https://{}", plain.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            let _ = stream.write_all(b"220 mail.example ready\r\n").await;
        }
    });
    let cases = [
        (
            format!("http://127.0.0.1:{port}"),
            TransportKind::ConnectionRefused,
            Next::Wait,
        ),
        (
            "https://no-such-host.invalid".to_owned(),
            TransportKind::NameNotFound,
            Next::Wait,
        ),
        // A server that speaks no TLS.
        (plain_url, TransportKind::Tls, Next::FixInput),
    ];
    for (url, kind, next) in cases {
        let mut settings = ims.settings();
        settings.platform_url = url.parse().unwrap();
        settings.connect_timeout = Duration::from_secs(5);
        let client = Client::new(settings, credentials()).unwrap();
        let error = create(&client.sandbox(&SandboxName::parse("dev").unwrap())).await;
        let End::NotSent(cause) = error.root() else {
            panic!("{url}: {error:?}");
        };
        assert_eq!(cause.kind(), kind, "{url}: {cause}");
        assert!(!cause.was_sent());
        assert_eq!(error.effect(), RequestEffect::NothingSent);
        assert_eq!(error.next(), next);
        assert_eq!(error.class(), Class::Unavailable);
    }
}

#[tokio::test]
async fn a_connection_that_is_kept_and_closed_does_not_double_a_create() {
    // The first request gets its response, then the connection is closed: the next create meets a
    // pool that may still think it open.
    let server = Server::platform(|_, count| {
        let body = format!(r#"{{"id":"b-{count}"}}"#);
        ScriptedReply::Bytes(format!(
            "HTTP/1.1 201 X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    })
    .await;
    let sandbox = server.sandbox();
    for count in 0..20 {
        // Either it was created by this one request, or its outcome is unknown; never two.
        let result = sandbox.create_base_connection(&base_connection()).await;
        if let Err(error) = &result {
            assert_ne!(error.effect(), RequestEffect::Refused);
        }
        assert!(server.calls().len() <= count + 1);
    }
}

#[tokio::test]
async fn a_read_is_repeated_once_when_its_connection_broke() {
    let server = Server::platform(|_, count| match count {
        0 => ScriptedReply::Close,
        _ => json(200, json!({"items": [{"id": "84224def", "name": "f"}]})),
    })
    .await;
    let flow = server.sandbox().get_flow(&flow_id()).await.unwrap();
    assert_eq!(flow.name, "f");
    assert_eq!(server.calls().len(), 2);

    let server = Server::platform(|_, _| ScriptedReply::Close).await;
    let error = server.sandbox().get_flow(&flow_id()).await.unwrap_err();
    assert_eq!(error.next(), Next::Wait);
    assert_eq!(error.effect(), RequestEffect::Refused);
    assert_eq!(server.calls().len(), 2);
}

#[tokio::test]
async fn reads_bound_time_size_and_type() {
    let cases: Vec<(&str, Script, Class)> = vec![
        (
            "no first byte",
            Box::new(|| ScriptedReply::Hang),
            Class::Unavailable,
        ),
        (
            "HTML",
            Box::new(|| ScriptedReply::Response(200, "text/html", "<p>".into())),
            Class::Unavailable,
        ),
        (
            "too long",
            Box::new(|| json(200, "x".repeat(200_000))),
            Class::PlatformRejected,
        ),
        (
            "another shape",
            Box::new(|| json(200, r#"{"items":{}}"#)),
            Class::Unavailable,
        ),
        (
            "nothing in the envelope",
            Box::new(|| json(200, r#"{"items":[]}"#)),
            Class::Unavailable,
        ),
        (
            "null in the envelope",
            Box::new(|| json(200, r#"{"items":[null]}"#)),
            Class::Unavailable,
        ),
        ("500", Box::new(|| json(500, "")), Class::Unavailable),
        (
            "404",
            Box::new(|| json(404, r#"{"type":"x/FLOW-1439-404"}"#)),
            Class::NotFound,
        ),
    ];
    for (case, reply, class) in cases {
        let server = Server::platform(move |_, _| reply()).await;
        let mut settings = server.settings();
        settings.first_byte_timeout = Duration::from_millis(200);
        settings.connect_timeout = Duration::from_millis(200);
        settings.max_answer_bytes = 100_000;
        let client = Client::new(settings, credentials()).unwrap();
        let sandbox = client.sandbox(&SandboxName::parse("dev").unwrap());
        let error = sandbox.get_flow(&flow_id()).await.unwrap_err();
        assert_eq!(error.class(), class, "{case}: {error:?}");
        assert_ne!(error.effect(), RequestEffect::Unknown, "{case}");
    }
}

#[tokio::test]
async fn deleting_what_is_gone_is_success() {
    let server = Server::platform(|_, count| match count {
        0 => ScriptedReply::Bytes("HTTP/1.1 204 X\r\n\r\n".to_owned()),
        1 => json(404, r#"{"type":"x/FLOW-1439-404"}"#),
        2 => json(404, r#"{"type":"x/FLOW-2100-404"}"#),
        3 => json(400, r#"{"type":"x/FLOW-1447-400"}"#),
        _ => ScriptedReply::Close,
    })
    .await;
    let sandbox = server.sandbox();
    assert_eq!(
        sandbox.delete_flow(&flow_id()).await.unwrap(),
        crate::Deleted::Accepted
    );
    assert_eq!(
        sandbox.delete_flow(&flow_id()).await.unwrap(),
        crate::Deleted::WasGone
    );
    let classes = [
        Class::SandboxNotFound,
        Class::Conflict(crate::Conflict::InUse),
        Class::OutcomeUnknown,
    ];
    for class in classes {
        assert_eq!(
            sandbox.delete_flow(&flow_id()).await.unwrap_err().class(),
            class
        );
    }
}

#[tokio::test]
async fn an_update_takes_every_printed_response() {
    let server = Server::platform(|_, count| match count {
        0 => json(200, json!({"id": "b", "etag": "\"2\""})),
        1 => json(200, json!({"items": [{"id": "b", "etag": "\"3\""}]})),
        2 => ScriptedReply::Bytes("HTTP/1.1 200 X\r\ncontent-length: 0\r\n\r\n".to_owned()),
        3 => json(
            412,
            json!({"errorMessage": "Supplied version=[\"a\"] does not match"}),
        ),
        _ => json(500, ""),
    })
    .await;
    let sandbox = server.sandbox();
    let id = "b".parse().unwrap();
    let etag = "\"1\"".parse().unwrap();
    let params = base_connection().params;
    let mut etags = Vec::new();
    for _ in 0..3 {
        let new = sandbox
            .update_base_connection_params(&id, &etag, &params)
            .await
            .unwrap();
        etags.push(new.map(|etag| etag.to_string()));
    }
    assert_eq!(
        etags,
        [Some("\"2\"".to_owned()), Some("\"3\"".to_owned()), None]
    );
    assert_eq!(server.calls()[0].header("if-match"), Some("\"1\""));
    let stale = sandbox
        .update_base_connection_params(&id, &etag, &params)
        .await
        .unwrap_err();
    assert_eq!(stale.class(), Class::Conflict(crate::Conflict::Version));
    let open = sandbox
        .update_base_connection_params(&id, &etag, &params)
        .await
        .unwrap_err();
    assert_eq!(open.effect(), RequestEffect::Unknown);
}

#[tokio::test]
async fn a_base_path_of_an_address_is_kept() {
    let server = Server::platform(|_, _| json(201, json!({"id": "s"}))).await;
    let mut settings: Settings = server.settings();
    settings.platform_url = server.url.join("/aep/").unwrap();
    let client = Client::new(settings, credentials()).unwrap();
    let new = NewSourceConnection {
        name: "s".to_owned(),
        description: None,
        base_connection_id: "b".parse().unwrap(),
        table_name: "t".to_owned(),
        columns: Vec::new(),
        filter: None,
        connection_spec: ConnectionSpecRef::v1(crate::ConnectionSpecId::oracle_service_cloud()),
    };
    let sandbox = client.sandbox(&SandboxName::parse("dev").unwrap());
    sandbox.create_source_connection(&new).await.unwrap();
    assert_eq!(
        server.calls()[0].target,
        "/aep/data/foundation/flowservice/sourceConnections"
    );
}
