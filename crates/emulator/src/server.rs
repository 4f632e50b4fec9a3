//! The accept loop, and the handle to a running emulator.
//!
//! HTTP/1.1 over plain TCP. The loop is our own because the dial must be able to cut one
//! connection.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt as _;

use crate::config::Config;
use crate::dial::{ActiveRule, Rule};
use crate::journal::JournalEntry;
use crate::persist::{self, StateFileError};
use crate::router;
use crate::shared::{Shared, lock};
use crate::store::{Kind, Store};
use crate::wire::Cut;

/// How long open requests may take to finish after a shutdown.
const DRAIN: Duration = Duration::from_secs(2);

/// Why an emulator can't run.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The emulator can't listen on the address.
    #[error("can't listen on {address}")]
    AddressUnavailable {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The listener has no address.
    #[error("the listener has no address")]
    ListenerLost(#[source] io::Error),
    /// The state of an earlier start can't be loaded.
    #[error("the state can't be loaded")]
    State(#[source] StateFileError),
}

/// A running emulator. It stops when this handle is dropped, or more gently by
/// [`Emulator::shutdown`].
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Emulator {
    /// Starts an emulator. Port 0 picks a free port, see [`Emulator::url`].
    ///
    /// # Errors
    ///
    /// [`EmulatorError::AddressUnavailable`] if the port is in use, [`EmulatorError::State`] if
    /// this build can't read the state file.
    pub async fn bind(config: Config, address: SocketAddr) -> Result<Self, EmulatorError> {
        let shared = Arc::new(load(config)?);
        let listener = TcpListener::bind(address)
            .await
            .map_err(|cause| EmulatorError::AddressUnavailable { address, cause })?;
        let address = listener.local_addr().map_err(EmulatorError::ListenerLost)?;
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            // An error means that the sender was dropped: the handle no longer exists.
            let _ = stopped.await;
        };
        let served = tokio::spawn(accept(listener, Arc::clone(&shared), shutdown));
        Ok(Self {
            address,
            shared,
            stop,
            served,
        })
    }

    /// Starts an emulator on a free port of this machine.
    ///
    /// # Errors
    ///
    /// As [`Emulator::bind`].
    pub async fn start(config: Config) -> Result<Self, EmulatorError> {
        Self::bind(config, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Its address as a URL without a trailing slash, for IMS and the platform alike.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All resources by sandbox and kind, with masked secrets, and the number of late commits that
    /// are still pending. `GET /_emulator/state` responds with the same.
    pub fn state(&self) -> Value {
        self.shared.snapshot()
    }

    /// The resources of one sandbox and kind, such as `prod` and `connections`.
    pub fn resources(&self, sandbox: &str, kind: &str) -> Vec<Value> {
        let state = self.state();
        state["sandboxes"][sandbox][kind]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// Every request so far, in the order of arrival.
    pub fn journal(&self) -> Vec<JournalEntry> {
        lock(&self.shared.journal).since(0)
    }

    /// Drops the requests so far. Their numbers are not used again.
    pub fn clear_journal(&self) {
        lock(&self.shared.journal).clear();
    }

    /// Adds a rule to the fault dial after the others and returns its number.
    pub fn add_fault(&self, rule: Rule) -> u64 {
        lock(&self.shared.dial).add(rule)
    }

    /// Removes a rule. Returns false if no rule has this number.
    pub fn remove_fault(&self, id: u64) -> bool {
        lock(&self.shared.dial).remove(id)
    }

    /// The active rules, with their counts.
    pub fn faults(&self) -> Vec<ActiveRule> {
        lock(&self.shared.dial).rules()
    }

    /// Removes all rules.
    pub fn clear_faults(&self) {
        lock(&self.shared.dial).clear();
    }

    /// How many late commits are still pending. Once a commit is no longer counted, the journal has
    /// its entry.
    pub fn pending_commits(&self) -> usize {
        self.shared.pending_commits.load(Ordering::SeqCst)
    }

    /// The parameters that a base connection logs in with, including secrets. A test can compare
    /// them with what it sent. No call returns them.
    pub fn login_params(&self, sandbox: &str, connection: &str) -> Option<Value> {
        let store = lock(&self.shared.store);
        let connection = store.get(sandbox, Kind::Connections, connection)?;
        connection.hidden.get("params").cloned()
    }

    /// The valid tokens. A test can search for them where they must not occur.
    pub fn tokens(&self) -> Vec<String> {
        lock(&self.shared.store).tokens()
    }

    /// Makes all tokens invalid, as if they had expired.
    pub fn revoke_tokens(&self) {
        self.shared.change(Store::revoke_tokens);
    }

    /// Stops the emulator. Open requests get two seconds to finish.
    pub async fn shutdown(self) {
        let _ = self.stop.send(());
        if let Err(error) = self.served.await {
            tracing::error!(%error, "the accept loop panicked");
        }
    }
}

/// Runs an emulator on a listener until `shutdown` is ready.
///
/// # Errors
///
/// [`EmulatorError::State`] if this build can't read the state file.
pub async fn serve(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), EmulatorError> {
    let shared = Arc::new(load(config)?);
    accept(listener, shared, shutdown).await;
    Ok(())
}

fn load(config: Config) -> Result<Shared, EmulatorError> {
    let store = match &config.state_file {
        Some(path) => persist::load(path).map_err(EmulatorError::State)?,
        None => Store::default(),
    };
    Ok(Shared::new(config, store))
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    shutdown: impl Future<Output = ()> + Send,
) {
    let router = router::router(shared);
    let (draining, _) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, router.clone(), draining.subscribe()));
                }
                Err(error) => {
                    // Mostly the process has no file descriptors left. A pause lets some be closed.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
    drop(listener);
    draining.send_replace(true);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        connections.shutdown().await;
    }
}

async fn connection(stream: TcpStream, router: Router, mut draining: watch::Receiver<bool>) {
    // Responses are small and should be sent at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let cut = Cut::default();
    let in_requests = cut.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        router
            .clone()
            .oneshot(prepared(request, in_requests.clone()))
    });
    let mut served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    loop {
        tokio::select! {
            ended = &mut served => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke");
                }
                return;
            }
            () = cut.close.notified() => return,
            () = cut.reset.notified() => {
                // With a linger time of zero, closing the socket resets the connection.
                if let Err(error) = served.into_parts().io.into_inner().set_zero_linger() {
                    tracing::warn!(%error, "a connection is closed, not reset");
                }
                return;
            }
            Ok(()) = draining.changed() => std::pin::Pin::new(&mut served).graceful_shutdown(),
        }
    }
}

/// The request with the means to cut its connection, and without a slash at the end of its path.
/// Adobe's reference prints some paths with one.
fn prepared(request: Request<Incoming>, cut: Cut) -> Request<Body> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(cut);
    let path = request.uri().path();
    let short = path.trim_end_matches('/');
    if short.len() < path.len() && !short.is_empty() {
        let query = request
            .uri()
            .query()
            .map_or_else(String::new, |query| format!("?{query}"));
        if let Ok(uri) = format!("{short}{query}").parse::<Uri>() {
            *request.uri_mut() = uri;
        }
    }
    request
}
