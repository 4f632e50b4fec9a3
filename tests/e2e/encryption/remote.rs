//! The remote codec over real HTTP: who is let in, what is answered, and Temporal's own command.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aep_flow::codec::KeyRing;
use aep_flow::codec_server::{Limits, Server, ServerError};
use aep_flow::config::Codec;
use aep_flow_testkit::server::binary;
use aep_flow_testkit::watch::served;
use aep_flow_testkit::{eventually, input, table, within};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, ORIGIN};
use reqwest::{Method, Response};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

use super::keyed::{Keyed, NEW, OLD, payloads, result};

const UI: &str = "https://temporal.example.com";
const TOKEN: &str = "a token of the tests";

/// A codec server of the test's process. Ends when dropped.
struct Remote {
    address: String,
    task: AbortHandle,
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn settings(listen: &str) -> Codec {
    Codec {
        keys: Some(KeyRing::parse(NEW).unwrap()),
        server_listen: Some(listen.parse().unwrap()),
        server_trust_machine: true,
        ..Codec::default()
    }
}

fn guarded() -> Codec {
    Codec {
        server_origins: vec![UI.to_owned()],
        server_token: Some(SecretString::from(TOKEN)),
        server_trust_machine: false,
        ..settings("127.0.0.1:0")
    }
}

impl Remote {
    async fn start(settings: &Codec) -> Self {
        Self::within(settings, Limits::new(settings)).await
    }

    async fn within(settings: &Codec, limits: Limits) -> Self {
        let server = Server::bind(settings, limits).await.unwrap();
        let address = server.address().to_string();
        let task = tokio::spawn(server.run(std::future::pending())).abort_handle();
        Self { address, task }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Response {
        let url = format!("http://{}{path}", self.address);
        let mut request = http().request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        within("the codec server", request.send()).await.unwrap()
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, String) {
        let answer = self
            .ask(Method::POST, path, headers, body.to_string())
            .await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

fn http() -> reqwest::Client {
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn clear() -> Value {
    // `json/plain` and `{"host":"acme"}`.
    json!({"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "eyJob3N0IjoiYWNtZSJ9"}]})
}

#[tokio::test]
async fn what_is_encoded_is_decoded_at_each_path() {
    let remote = Remote::start(&guarded()).await;
    let token = bearer(TOKEN);
    let headers = [
        (AUTHORIZATION.as_str(), token.as_str()),
        ("x-namespace", "n"),
    ];
    for before in ["", "/a-namespace"] {
        let (status, sealed) = remote
            .post(&format!("{before}/encode"), &headers, &clear())
            .await;
        assert_eq!(status, 200, "{sealed}");
        let sealed: Value = serde_json::from_str(&sealed).unwrap();
        let metadata = &sealed["payloads"][0]["metadata"];
        // `binary/encrypted` and `new`.
        let expected = json!({"encoding": "YmluYXJ5L2VuY3J5cHRlZA==", "encryption-key-id": "bmV3"});
        assert_eq!(*metadata, expected);
        let (status, opened) = remote
            .post(&format!("{before}/decode"), &headers, &sealed)
            .await;
        assert_eq!(
            (status, serde_json::from_str(&opened).unwrap()),
            (200, clear())
        );
    }
    // What is not encrypted is given back.
    let (status, same) = remote.post("/decode", &headers, &clear()).await;
    assert_eq!(
        (status, serde_json::from_str(&same).unwrap()),
        (200, clear())
    );
    let (status, none) = remote
        .post("/decode", &headers, &json!({"payloads": []}))
        .await;
    let none: Value = serde_json::from_str(&none).unwrap();
    assert_eq!(status, 200, "{none}");
    assert!(
        none["payloads"].as_array().is_none_or(Vec::is_empty),
        "{none}"
    );
}

#[tokio::test]
async fn nobody_is_let_in_without_the_token() {
    let remote = Remote::start(&guarded()).await;
    let longer = bearer(&format!("{TOKEN}x"));
    let wrong = [
        "",
        TOKEN,
        "Basic YTpi",
        "Bearer ",
        "Bearer another",
        &longer,
    ];
    for path in ["/decode", "/encode", "/n/decode"] {
        for given in wrong.map(Some).into_iter().chain([None]) {
            let headers: Vec<_> = given
                .map(|given| (AUTHORIZATION.as_str(), given))
                .into_iter()
                .collect();
            let answer = remote
                .ask(Method::POST, path, &headers, clear().to_string())
                .await;
            assert_eq!(answer.status(), 401, "{path} {given:?}");
            assert_eq!(answer.headers()["www-authenticate"], "Bearer");
            let text = answer.text().await.unwrap();
            assert!(
                !text.contains(TOKEN) && !text.contains("payloads"),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_turned_away() {
    let remote = Remote::start(&guarded()).await;
    let asked = "authorization,content-type,x-namespace";
    let preflight = async |origin: &str| {
        let headers = [
            (ORIGIN.as_str(), origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", asked),
        ];
        let answer = remote.ask(Method::OPTIONS, "/decode", &headers, "").await;
        (answer.status().as_u16(), answer.headers().clone())
    };
    let text = |headers: &HeaderMap, name: &str| {
        let value = headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_lowercase());
        value.unwrap_or_default()
    };
    // The browser asks without the token, and must learn that it may send one.
    let (status, allowed) = preflight(UI).await;
    assert_eq!(status, 200);
    assert_eq!(text(&allowed, "access-control-allow-origin"), UI);
    assert_eq!(text(&allowed, "access-control-allow-credentials"), "true");
    assert_eq!(text(&allowed, "access-control-allow-methods"), "post");
    assert_eq!(text(&allowed, "access-control-allow-headers"), asked);

    let token = bearer(TOKEN);
    let strangers = [
        "https://evil.example.com",
        "http://temporal.example.com",
        "https://temporal.example.com.evil.example",
        "https://temporal.example.com:8443",
        "null",
    ];
    for origin in strangers {
        let (status, headers) = preflight(origin).await;
        assert_eq!(status, 403, "{origin}");
        assert_eq!(
            text(&headers, "access-control-allow-origin"),
            "",
            "{origin}"
        );
        let headers = [(ORIGIN.as_str(), origin), (AUTHORIZATION.as_str(), &token)];
        let (status, _) = remote.post("/decode", &headers, &clear()).await;
        assert_eq!(status, 403, "{origin}");
    }
    let headers = [(ORIGIN.as_str(), UI), (AUTHORIZATION.as_str(), &token)];
    let answer = remote
        .ask(Method::POST, "/decode", &headers, clear().to_string())
        .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["access-control-allow-origin"], UI);
    assert_eq!(answer.headers()["access-control-allow-credentials"], "true");
}

#[tokio::test]
async fn what_can_not_be_answered_is_refused_without_a_word_of_it() {
    let remote = Remote::start(&settings("127.0.0.1:0")).await;
    // `acme` in base64, sealed with a key that is not there, and with one that is.
    let sealed = |id: &str| {
        json!({"payloads": [{"metadata": {"encoding": "YmluYXJ5L2VuY3J5cHRlZA==",
                                          "encryption-key-id": id}, "data": "YWNtZQ=="}]})
    };
    for (body, expected) in [
        (sealed("bWluZQ==").to_string(), "no key `mine`"),
        (sealed("bmV3").to_string(), "the key `new` is truncated"),
        ("acme".to_owned(), "expected JSON"),
        (r#"{"payloads": "acme"}"#.to_owned(), "expected JSON"),
        (r#"{"acme": []}"#.to_owned(), "expected JSON"),
        (
            r#"{"payloads": [{"data": "acme!"}]}"#.to_owned(),
            "expected JSON",
        ),
    ] {
        let json = [(CONTENT_TYPE.as_str(), "application/json")];
        let answer = remote
            .ask(Method::POST, "/decode", &json, body.clone())
            .await;
        assert_eq!(answer.status(), 400, "{body}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(expected), "{body}: {text}");
        assert!(!text.contains("acme") && !text.contains("YWNtZQ"), "{text}");
    }
    for (method, path, expected) in [
        (Method::GET, "/decode", 405),
        (Method::POST, "/", 404),
        (Method::POST, "/a/b/decode", 404),
    ] {
        let answer = remote.ask(method, path, &[], clear().to_string()).await;
        assert_eq!(answer.status(), expected, "{path}");
    }
}

#[tokio::test]
async fn a_client_that_never_ends_its_request_can_not_keep_a_server_that_stops() {
    let limits = Limits {
        request_bytes: 2000,
        at_once: 2,
        waits: Duration::from_millis(100),
        within: Duration::from_millis(100),
    };
    let server = Server::bind(&guarded(), limits).await.unwrap();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream
        .write_all(b"POST /decode HTTP/1.1\r\n")
        .await
        .unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let ended = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    // Its connection was accepted before this one.
    let address = stream.peer_addr().unwrap();
    let mut other = TcpStream::connect(address).await.unwrap();
    other
        .write_all(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    let answer = tokio::io::AsyncReadExt::read_u8(&mut other);
    within("the other's response", answer).await.unwrap();
    drop((stop, other));
    within("the end of the server", ended)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn there_is_an_end_to_what_one_can_ask() {
    let settings = settings("127.0.0.1:0");
    let limits = Limits {
        request_bytes: 2000,
        at_once: 2,
        waits: Duration::from_millis(100),
        within: Duration::from_secs(3),
    };
    let remote = Remote::within(&settings, limits).await;
    let body = |length: usize| {
        let text = "A".repeat(length);
        json!({"payloads": [{"metadata": {}, "data": text}]})
    };
    assert_eq!(remote.post("/encode", &[], &body(1600)).await.0, 200);
    let (status, text) = remote.post("/encode", &[], &body(2000)).await;
    assert_eq!(status, 413, "{text}");
    assert!(!text.contains("AAAA"), "{text}");

    // Two that promise a body and do not send it hold both places, until they are given up.
    let head = format!(
        "POST /decode HTTP/1.1\r\nHost: {}\r\nContent-Length: 100\r\n\r\n",
        remote.address
    );
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(&remote.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    eventually("a refusal", async || {
        (remote.post("/decode", &[], &clear()).await.0 == 503).then_some(())
    })
    .await;
    for stream in &mut slow {
        let mut answer = [0; 12];
        let read = tokio::io::AsyncReadExt::read_exact(stream, &mut answer);
        within("the end of a slow request", read).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 408");
    }
    eventually("a free place", async || {
        (remote.post("/decode", &[], &clear()).await.0 == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn it_does_not_start_where_everybody_could_ask() {
    let bind = async |settings: Codec| {
        let limits = Limits::new(&settings);
        Server::bind(&settings, limits)
            .await
            .map(|server| server.address())
    };
    let open = settings("0.0.0.0:0");
    let refused = bind(open.clone()).await;
    assert!(
        matches!(refused, Err(ServerError::Unprotected { .. })),
        "{refused:?}"
    );
    let v6 = bind(settings("[::]:0")).await;
    assert!(matches!(v6, Err(ServerError::Unprotected { .. })), "{v6:?}");
    // Every user of the machine reaches a loopback address.
    let here = Codec {
        server_trust_machine: false,
        ..settings("127.0.0.1:0")
    };
    let refused = bind(here).await;
    assert!(
        matches!(refused, Err(ServerError::Unprotected { .. })),
        "{refused:?}"
    );
    for settings in [
        Codec {
            server_token: Some(SecretString::from(TOKEN)),
            ..open.clone()
        },
        Codec {
            server_behind_proxy: true,
            ..open.clone()
        },
        settings("127.0.0.1:0"),
    ] {
        bind(settings).await.unwrap();
    }
    let keyless = bind(Codec {
        keys: None,
        ..open.clone()
    })
    .await;
    assert!(matches!(keyless, Err(ServerError::NoKeys)), "{keyless:?}");
    let starred = bind(Codec {
        server_origins: vec!["*".to_owned()],
        ..settings("127.0.0.1:0")
    });
    let starred = starred.await;
    assert!(
        matches!(starred, Err(ServerError::NotAnOrigin { .. })),
        "{starred:?}"
    );
}

/// `aep-flow codec-server`. Ends when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn temporals_own_command_shows_what_the_codec_server_decrypts() {
    let keyed = Keyed::new(NEW).await;
    let worker = keyed.worker();
    let handle = keyed.start(&input(&[table("Contacts")])).await;
    result(&handle).await.unwrap();

    let log = std::fs::File::create(keyed.world.folder().join("codec.log")).unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_aep-flow"));
    server
        .args(["codec-server", "--listen", "127.0.0.1:0"])
        .env_clear()
        .env("AEP_FLOW_CODEC_KEYS", format!("{OLD}\n{NEW}"))
        .env("AEP_FLOW_CODEC_SERVER_TOKEN", TOKEN)
        .stdin(Stdio::null())
        .stderr(log);
    let _server = Process(server.spawn().unwrap());
    let url = served(&keyed.world, "codec.log", "codec.server_listen").await;

    let temporal = binary().await;
    let show = async |more: &[&str]| {
        let mut command = tokio::process::Command::new(&temporal);
        command
            .args(["workflow", "show", "--output", "json", "--workflow-id"])
            .arg(&handle.info().workflow_id)
            .args(["--address", keyed.world.address()])
            .args(["--namespace", keyed.world.namespace()])
            .args(more)
            .env_clear()
            .env("HOME", keyed.world.folder())
            .stdin(Stdio::null());
        let output = within("temporal", command.output()).await.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    // `{"connection":` in base64, as a history in JSON has it.
    let input = "eyJjb25uZWN0aW9uIjp";
    let without = show(&[]).await;
    assert!(!without.contains(input), "{without}");
    let auth = bearer(TOKEN);
    let with = show(&["--codec-endpoint", &url, "--codec-auth", &auth]).await;
    assert!(with.contains(input), "{with}");

    // The same payload, asked for by hand, with and without the token.
    let events = keyed.stranger(&handle).history().await;
    let sealed = payloads(&events).await.remove(0).1;
    let body = json!({"payloads": [sealed]}).to_string();
    let ask = async |token: Option<&str>| {
        let mut request = http().post(format!("{url}/decode")).body(body.clone());
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        within("the codec server", request.send()).await.unwrap()
    };
    assert_eq!(ask(None).await.status(), 401);
    let answer: Value = ask(Some(TOKEN)).await.json().await.unwrap();
    let data = answer["payloads"][0]["data"].as_str().unwrap();
    assert!(data.starts_with(input), "{data}");
    keyed.world.end(worker).await;
}
