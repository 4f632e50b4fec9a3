//! The remote codec for Temporal's UI and command line: `POST /encode` and `POST /decode`, with
//! `{"payloads": […]}` in proto3 JSON both ways.
//!
//! It reveals what the codec hides from Temporal's server, so it only accepts web pages of the
//! configured origins, and requests with the token. It needs a token also on a loopback address,
//! which every user of the machine can reach. No response repeats a request or shows a key.
//!
//! Source: Temporal's documentation, codec server, read 2026-11.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use temporalio_common::protos::temporal::api::common::v1::{Payload, Payloads};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;

use crate::codec::{CodecError, KeyRing};
use crate::config;

/// Port of Temporal's own samples of a codec server.
const DEFAULT_PORT: u16 = 8081;

/// How long a browser may cache the permission of an origin.
const PREFLIGHT_KEPT: Duration = Duration::from_secs(600);

/// Limits that keep one client from using up the server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest request.
    pub request_bytes: usize,
    /// Concurrent requests. Others wait, because the UI sends one request per payload of a page.
    pub at_once: usize,
    /// How long a request waits before it is refused with 503.
    pub waits: Duration,
    /// How long a request may take after that, to the last byte of the response.
    pub within: Duration,
}

impl Limits {
    /// The configured limit, and defaults that suit a handful of people.
    #[must_use]
    pub fn new(settings: &config::Codec) -> Self {
        Self {
            request_bytes: settings.server_max_request_bytes,
            at_once: 32,
            waits: Duration::from_secs(5),
            within: Duration::from_secs(10),
        }
    }
}

/// Why the codec server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// There is no key to decrypt with.
    #[error("the codec server has no keys")]
    NoKeys,
    /// Anybody in the network, or on the machine, could decrypt.
    #[error("the codec server would decrypt for everybody who can reach {address}")]
    Unprotected {
        /// The configured address.
        address: SocketAddr,
    },
    /// Not the origin of a web page.
    #[error("`{origin}` in `codec.server_origins` is not the origin of a web page")]
    NotAnOrigin {
        /// As configured.
        origin: String,
    },
    /// The address is not available.
    #[error("the codec server can't listen on {address}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// The system's error.
        #[source]
        cause: std::io::Error,
    },
}

impl ServerError {
    /// What to do about it.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::NoKeys => {
                "set `AEP_FLOW_CODEC_KEYS`, or `codec.keys` in the file: docs/encryption.md"
            }
            Self::Unprotected { .. } => {
                "set `AEP_FLOW_CODEC_SERVER_TOKEN`; or put a proxy that authenticates its users \
                 in front and set `--behind-proxy`; or, on a loopback address of a machine whose \
                 users may all decrypt, set `--trust-machine`"
            }
            Self::NotAnOrigin { .. } => {
                "name only scheme, host and port, such as `https://temporal.example.com`; `*` is \
                 not supported"
            }
            Self::Listen { .. } => "name a free address with `--listen` or `codec.server_listen`",
        }
    }
}

/// A codec server that is bound to its address but does not serve yet.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    listener: TcpListener,
    routes: Router,
    limits: Limits,
}

impl Server {
    /// Binds the address.
    ///
    /// # Errors
    /// [`ServerError`]; whoever configured it corrects it.
    pub async fn bind(settings: &config::Codec, limits: Limits) -> Result<Self, ServerError> {
        let keys = settings.keys.clone().ok_or(ServerError::NoKeys)?;
        let address = settings
            .server_listen
            .unwrap_or_else(|| (Ipv4Addr::LOCALHOST, DEFAULT_PORT).into());
        let is_trusted = settings.server_behind_proxy
            || settings.server_trust_machine && address.ip().to_canonical().is_loopback();
        if settings.server_token.is_none() && !is_trusted {
            return Err(ServerError::Unprotected { address });
        }
        let origins = settings.server_origins.iter().map(|text| origin(text));
        let origins: Vec<HeaderValue> = origins.collect::<Result<_, _>>()?;
        let listen = |cause| ServerError::Listen { address, cause };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        Ok(Self {
            address: listener.local_addr().map_err(listen)?,
            listener,
            routes: routes(keys, origins, settings.server_token.clone(), limits),
            limits,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` resolves, then finishes the requests in flight. A client that
    /// never ends its request can't delay the end by more than a request may take.
    ///
    /// # Errors
    /// The listener failed.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let (stopping, stopped) = oneshot::channel::<()>();
        let serving = axum::serve(self.listener, self.routes).with_graceful_shutdown(async move {
            shutdown.await;
            let _ = stopping.send(());
        });
        let overdue = async {
            // The sender is only dropped after it has sent.
            let _ = stopped.await;
            tokio::time::sleep(self.limits.waits + self.limits.within).await;
        };
        tokio::select! {
            ended = serving => ended,
            () = overdue => Ok(()),
        }
    }
}

/// The value of a browser's `Origin` header for this address.
fn origin(text: &str) -> Result<HeaderValue, ServerError> {
    let wrong = || ServerError::NotAnOrigin {
        origin: text.escape_debug().to_string(),
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let origin = url.origin().ascii_serialization();
    let is_bare = [origin.clone(), format!("{origin}/")].contains(&url.to_string());
    // A star would be accepted as a host, and match nothing.
    let is_one = !text.contains('*') && ["http", "https"].contains(&url.scheme());
    if !is_bare || !is_one {
        return Err(wrong());
    }
    HeaderValue::try_from(origin).map_err(|_| wrong())
}

fn routes(
    keys: KeyRing,
    origins: Vec<HeaderValue>,
    token: Option<SecretString>,
    limits: Limits,
) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.clone()))
        .allow_methods([Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("x-namespace"),
        ])
        // The UI can be configured to send the cookies of a proxy in front of it.
        .allow_credentials(true)
        .max_age(PREFLIGHT_KEPT);
    let doors = Arc::new(Doors {
        origins,
        token: token.map(|token| SecretString::from(format!("Bearer {}", token.expose_secret()))),
        places: Semaphore::new(limits.at_once),
        limits,
    });
    Router::new()
        .route("/encode", post(encode))
        .route("/decode", post(decode))
        // For an endpoint that is configured with `{namespace}`. All namespaces have the same keys.
        .route("/{namespace}/encode", post(encode))
        .route("/{namespace}/decode", post(decode))
        .with_state(keys)
        .layer(DefaultBodyLimit::max(limits.request_bytes))
        // The last layer runs first: a preflight has no token.
        .layer(from_fn_with_state(Arc::clone(&doors), require_token))
        .layer(cors)
        .layer(from_fn_with_state(Arc::clone(&doors), refuse_other_origins))
        .layer(from_fn_with_state(doors, enforce_limits))
}

/// Who may enter, and how many at a time.
struct Doors {
    origins: Vec<HeaderValue>,
    /// The required value of `Authorization`.
    token: Option<SecretString>,
    /// Held for a whole request, except its head.
    places: Semaphore,
    limits: Limits,
}

async fn enforce_limits(State(doors): State<Arc<Doors>>, request: Request, next: Next) -> Response {
    let place = tokio::time::timeout(doors.limits.waits, doors.places.acquire()).await;
    let Ok(Ok(_place)) = place else {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "too many requests at once\n",
        )
            .into_response();
    };
    match tokio::time::timeout(doors.limits.within, next.run(request)).await {
        Ok(response) => response,
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "the request took too long\n").into_response(),
    }
}

/// Refuses pages of other origins. A browser would hide the response from such a page, but only
/// after the server has sent it.
async fn refuse_other_origins(
    State(doors): State<Arc<Doors>>,
    request: Request,
    next: Next,
) -> Response {
    match request.headers().get(header::ORIGIN) {
        Some(origin) if !doors.origins.contains(origin) => (
            StatusCode::FORBIDDEN,
            "not a page of `codec.server_origins`\n",
        )
            .into_response(),
        _ => next.run(request).await,
    }
}

async fn require_token(State(doors): State<Arc<Doors>>, request: Request, next: Next) -> Response {
    let Some(token) = &doors.token else {
        return next.run(request).await;
    };
    let given = request.headers().get(header::AUTHORIZATION);
    let wanted = token.expose_secret().as_bytes();
    let is_right = given.is_some_and(|given| given.as_bytes().ct_eq(wanted).into());
    if !is_right {
        let ask = [(header::WWW_AUTHENTICATE, "Bearer")];
        return (
            StatusCode::UNAUTHORIZED,
            ask,
            "a bearer token is required\n",
        )
            .into_response();
    }
    next.run(request).await
}

async fn encode(State(keys): State<KeyRing>, body: Bytes) -> Response {
    convert_payloads(&body, |payloads| {
        payloads.iter().map(|payload| keys.seal(payload)).collect()
    })
}

async fn decode(State(keys): State<KeyRing>, body: Bytes) -> Response {
    convert_payloads(&body, |payloads| {
        payloads
            .into_iter()
            .map(|payload| keys.open(payload))
            .collect()
    })
}

fn convert_payloads(
    body: &[u8],
    convert: impl FnOnce(Vec<Payload>) -> Result<Vec<Payload>, CodecError>,
) -> Response {
    // The parser's message may repeat a part of the request.
    let Ok(Payloads { payloads }) = serde_json::from_slice(body) else {
        let text = "expected JSON such as {\"payloads\": [{\"metadata\": {}, \"data\": \"\"}]}\n";
        return (StatusCode::BAD_REQUEST, text).into_response();
    };
    match convert(payloads) {
        Ok(payloads) => Json(Payloads { payloads }).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (text, expected) in [
            (
                "https://temporal.example.com",
                Some("https://temporal.example.com"),
            ),
            (
                "https://Temporal.example.com:443/",
                Some("https://temporal.example.com"),
            ),
            ("http://localhost:8233", Some("http://localhost:8233")),
            ("*", None),
            ("https://*.example.com", None),
            ("null", None),
            ("temporal.example.com", None),
            ("https://temporal.example.com/ui", None),
            ("https://user@temporal.example.com", None),
            ("file:///tmp/x", None),
        ] {
            let found = origin(text).ok();
            let found = found.as_ref().and_then(|value| value.to_str().ok());
            assert_eq!(found, expected, "{text}");
        }
    }
}
