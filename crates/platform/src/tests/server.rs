//! A server on a free port that responds to each request as a closure says, byte by byte if
//! necessary.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::clock::{Clock, SystemClock};
use crate::{Client, Credentials, Sandbox, SandboxName, Settings};

/// A request that the server received.
#[derive(Clone, Debug)]
pub(crate) struct ReceivedRequest {
    pub(crate) method: String,
    /// Path and query, still encoded.
    pub(crate) target: String,
    /// The head in lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl ReceivedRequest {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_token(&self) -> bool {
        self.target.starts_with("/ims/token/v3")
    }

    /// The decoded values of a query parameter.
    pub(crate) fn query(&self, name: &str) -> Vec<String> {
        let url = Url::parse(&format!("http://x{}", self.target)).unwrap();
        url.query_pairs()
            .filter(|(found, _)| found == name)
            .map(|(_, value)| value.into_owned())
            .collect()
    }
}

/// What to do with a request.
pub(crate) enum ScriptedReply {
    /// Status, content type, body.
    Response(u16, &'static str, String),
    /// These bytes, then the connection ends.
    Bytes(String),
    /// Read and gone.
    Close,
    /// Read and silent.
    Hang,
    /// The head and a beginning, then silent.
    Stall(String),
}

/// What a case of a table responds to every request with.
pub(crate) type Script = Box<dyn Fn() -> ScriptedReply + Send + Sync>;

pub(crate) fn json(status: u16, body: impl ToString) -> ScriptedReply {
    ScriptedReply::Response(status, "application/json", body.to_string())
}

pub(crate) fn token(name: &str, expires_in: u64) -> ScriptedReply {
    json(
        200,
        format!(r#"{{"access_token":"{name}","token_type":"bearer","expires_in":{expires_in}}}"#),
    )
}

pub(crate) struct Server {
    pub(crate) url: Url,
    seen: Arc<Mutex<Vec<ReceivedRequest>>>,
}

impl Server {
    /// Responds as `script` says, which gets the request and the number of requests before it.
    pub(crate) async fn start(
        script: impl Fn(&ReceivedRequest, usize) -> ScriptedReply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(script);
        let all = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&all)));
            }
        });
        Self {
            url: Url::parse(&url).unwrap(),
            seen,
        }
    }

    /// As [`Server::start`], with a token for everyone; the count is of the other requests.
    pub(crate) async fn platform(
        script: impl Fn(&ReceivedRequest, usize) -> ScriptedReply + Send + Sync + 'static,
    ) -> Self {
        let count = Mutex::new(0);
        Self::start(move |seen, _| {
            if seen.is_token() {
                return token("t-1", 86_399);
            }
            let mut count = count.lock().unwrap();
            *count += 1;
            script(seen, *count - 1)
        })
        .await
    }

    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::new("0123456789ABCDEF01234567@AdobeOrg");
        settings.platform_url = self.url.clone();
        settings.ims_url = self.url.clone();
        settings.allow_insecure = true;
        settings.connect_timeout = Duration::from_millis(500);
        settings.first_byte_timeout = Duration::from_secs(5);
        settings.total_timeout = Duration::from_secs(10);
        settings
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(self.settings(), Arc::new(SystemClock))
    }

    pub(crate) fn client_with(&self, settings: Settings, clock: Arc<dyn Clock>) -> Client {
        Client::with_clock(settings, credentials(), clock).unwrap()
    }

    pub(crate) fn sandbox(&self) -> Sandbox {
        self.client().sandbox(&SandboxName::parse("dev").unwrap())
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<ReceivedRequest> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn token_requests(&self) -> usize {
        self.seen().iter().filter(|seen| seen.is_token()).count()
    }

    /// All requests but those for tokens.
    pub(crate) fn calls(&self) -> Vec<ReceivedRequest> {
        let mut seen = self.seen();
        seen.retain(|seen| !seen.is_token());
        seen
    }
}

pub(crate) fn credentials() -> Credentials {
    Credentials {
        client_id: "client-id".to_owned(),
        client_secret: SecretString::from("p8e-client-secret"),
        scopes: vec!["openid".to_owned(), "AdobeID".to_owned()],
    }
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<impl Fn(&ReceivedRequest, usize) -> ScriptedReply>,
    all: Arc<Mutex<Vec<ReceivedRequest>>>,
) {
    let mut buffer = Vec::new();
    while let Some(seen) = read(&mut stream, &mut buffer).await {
        let count = {
            let mut all = all.lock().unwrap();
            all.push(seen.clone());
            all.len() - 1
        };
        let bytes = match script(&seen, count) {
            ScriptedReply::Response(status, content_type, body) => format!(
                "HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            ),
            ScriptedReply::Bytes(bytes) => {
                let _ = stream.write_all(bytes.as_bytes()).await;
                return;
            }
            ScriptedReply::Close => return,
            ScriptedReply::Hang => return std::future::pending().await,
            ScriptedReply::Stall(bytes) => {
                let _ = stream.write_all(bytes.as_bytes()).await;
                return std::future::pending().await;
            }
        };
        if stream.write_all(bytes.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<ReceivedRequest> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, value)| value.parse().unwrap());
    while buffer.len() < head_end + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let rest = buffer.split_off(head_end + length);
    let body = String::from_utf8_lossy(&buffer[head_end..]).into_owned();
    *buffer = rest;
    Some(ReceivedRequest {
        method: first.next()?.to_owned(),
        target: first.next()?.to_owned(),
        headers,
        body,
    })
}
