//! Finds or fetches a Temporal development server, starts it and ends it.
//!
//! For the demo and the tests: one process on free ports of this machine that has our search
//! attributes and ends with us, whatever ends us. This crate knows nothing of workers or of Adobe.
//! Source: `temporal server start-dev --help` of version 1.5.1, and the figures in each comment.

mod fetch;
mod find;
mod ports;
mod process;
mod ready;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aep_flow_proto::names::SearchAttribute;
use tempfile::TempDir;

pub use fetch::FetchError;
pub use find::{Found, Surroundings, binary, find};
pub use ports::free_port;
pub use ready::NotReady;

use process::Guarded;

/// The version that is fetched: the last one that `go install` accepts (later ones have a
/// `replace` directive in their go.mod), so that both ways of fetching give the same server.
pub const VERSION: &str = "v1.5.1";

/// The namespace that every development server has.
pub const DEFAULT_NAMESPACE: &str = "default";

/// How often a start is tried when the server ends at once: another process may have taken a port
/// that was free a moment ago.
const STARTS: usize = 3;

/// How many lines of a log an error shows: the reason is one of the last.
const LOG_LINES: usize = 3;

/// Receives progress: what is being done and how long it takes, a line at a time.
pub trait Report: Send + Sync {
    /// Takes one line, without a line feed.
    fn say(&self, line: &str);
}

impl<F: Fn(&str) + Send + Sync> Report for F {
    fn say(&self, line: &str) {
        self(line);
    }
}

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The `temporal` command, as [`find`] or [`binary`] gives it.
    pub binary: PathBuf,
    /// Whether the UI is served. Default: yes. Without it a start costs 0.1 s less.
    pub has_ui: bool,
    /// Whether the state is kept in a file, so that [`DevServer::restart`] finds it again.
    /// Default: no, in memory.
    pub is_persistent: bool,
    /// Where its log and its state are put. Default: a temporary folder, which goes with it.
    pub folder: Option<PathBuf>,
    /// How long a start may take until the server responds. Default: 30 s; on an idle machine it
    /// takes one.
    pub ready_within: Duration,
}

impl Options {
    /// The defaults.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            has_ui: true,
            is_persistent: false,
            folder: None,
            ready_within: Duration::from_secs(30),
        }
    }
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum DevServerError {
    /// None on this machine, and none could be fetched.
    #[error("no Temporal server on this machine, and none could be fetched")]
    NotFetched(#[source] FetchError),
    /// No folder for its log and its state.
    #[error("no temporary folder for the Temporal server")]
    NoFolder(#[source] std::io::Error),
    /// No free port on the loopback interface.
    #[error("no free port on 127.0.0.1")]
    NoPort(#[source] std::io::Error),
    /// The command did not start.
    #[error("`{}` does not start", binary.display())]
    NotStarted {
        /// The command.
        binary: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The process ended before it responded.
    #[error("the Temporal server ended while it started; it said: {log}")]
    Ended {
        /// The last lines of its log.
        log: String,
    },
    /// The process runs but did not respond in time.
    #[error("the Temporal server at {address} did not answer within {} s", waited.as_secs())]
    NotReady {
        /// Where it should have responded.
        address: String,
        /// How long it was given.
        waited: Duration,
        /// Why the last try failed.
        #[source]
        cause: NotReady,
    },
    /// A namespace was not created, or did not become usable in time.
    #[error("no namespace `{name}` on the Temporal server")]
    NoNamespace {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        cause: NotReady,
    },
    /// It did not end within its time, killed or not.
    #[error("the Temporal server (process {pid}) does not end")]
    StillRunning {
        /// The process that watches it.
        pid: u32,
    },
}

impl DevServerError {
    /// What to do about it.
    pub fn next_step(&self) -> String {
        match self {
            Self::NotFetched(cause) => cause.next_step(),
            Self::NoFolder(_) => "set TMPDIR to a folder that can be written".to_owned(),
            Self::NoPort(_) => "end a process that listens on this machine".to_owned(),
            Self::NotStarted { binary, .. } => {
                format!("run `{} --version` to see why", binary.display())
            }
            Self::Ended { .. } | Self::NotReady { .. } | Self::NoNamespace { .. } => {
                "run it again; if it stays so, start a server by hand with `temporal server \
                 start-dev` and set TEMPORAL_ADDRESS=127.0.0.1:7233"
                    .to_owned()
            }
            Self::StillRunning { pid } => format!("end it with `kill -KILL {pid}`"),
        }
    }
}

/// Where a server's files are.
#[derive(Debug)]
enum Folder {
    /// Removed with the server.
    Temporary(TempDir),
    /// The caller's.
    Given(PathBuf),
}

impl Folder {
    fn of(options: &Options) -> std::io::Result<Self> {
        let Some(given) = &options.folder else {
            let folder = tempfile::Builder::new()
                .prefix("aep-flow-temporal-")
                .tempdir()?;
            return Ok(Self::Temporary(folder));
        };
        std::fs::create_dir_all(given)?;
        Ok(Self::Given(given.clone()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Given(folder) => folder,
        }
    }
}

/// A Temporal server of our own.
///
/// It is ended by [`DevServer::stop`]. If that is never reached (a panic, a SIGKILL), the
/// process that watches it notices that we are gone and ends it within six seconds.
#[derive(Debug)]
pub struct DevServer {
    options: Options,
    folder: Folder,
    port: u16,
    ui_port: u16,
    process: Guarded,
}

impl DevServer {
    /// Starts a server on free ports and waits until it takes workflows.
    ///
    /// Dropping the future ends what was started.
    ///
    /// # Errors
    ///
    /// [`DevServerError::Ended`] if it ended three times while starting,
    /// [`DevServerError::NotReady`] if it did not respond in time, and what can fail before that.
    pub async fn start(options: Options) -> Result<Self, DevServerError> {
        let mut tries = 1;
        loop {
            match Self::start_once(options.clone()).await {
                Err(DevServerError::Ended { log }) if tries < STARTS => {
                    tracing::warn!(%log, "the Temporal server ended while it started, once more");
                    tries += 1;
                }
                ended => return ended,
            }
        }
    }

    async fn start_once(options: Options) -> Result<Self, DevServerError> {
        let folder = Folder::of(&options).map_err(DevServerError::NoFolder)?;
        let port = free_port().map_err(DevServerError::NoPort)?;
        let ui_port = free_port().map_err(DevServerError::NoPort)?;
        let process = spawn(&options, folder.path(), port, ui_port)?;
        let mut server = Self {
            options,
            folder,
            port,
            ui_port,
            process,
        };
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// Host and port of the gRPC service. Example: `127.0.0.1:40123`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Address of the UI, or nothing if it was not asked for.
    pub fn ui_url(&self) -> Option<String> {
        (self.options.has_ui).then(|| format!("http://127.0.0.1:{}", self.ui_port))
    }

    /// The namespace that exists from the start, with our search attributes.
    pub fn namespace(&self) -> &'static str {
        DEFAULT_NAMESPACE
    }

    /// Where the server writes its log.
    pub fn log_file(&self) -> PathBuf {
        log_file(self.folder.path())
    }

    /// Creates a namespace with our search attributes and waits until it is usable.
    ///
    /// Safe to repeat: a namespace that exists is used as it is.
    ///
    /// # Errors
    ///
    /// [`DevServerError::NoNamespace`].
    pub async fn create_namespace(&self, name: &str) -> Result<(), DevServerError> {
        create_namespace(&self.address(), name).await
    }

    /// Ends the server and starts it again on the same ports, with the same state if it is kept
    /// in a file.
    ///
    /// # Errors
    ///
    /// As [`DevServer::start`] and [`DevServer::stop`], but with a single try.
    pub async fn restart(&mut self) -> Result<(), DevServerError> {
        self.pause().await?;
        self.resume().await
    }

    /// Ends the server, but keeps its ports and its state for [`DevServer::resume`].
    ///
    /// # Errors
    ///
    /// [`DevServerError::StillRunning`].
    pub async fn pause(&mut self) -> Result<(), DevServerError> {
        self.process.end().await
    }

    /// Starts a paused server again.
    ///
    /// # Errors
    ///
    /// As [`DevServer::start`], but with a single try.
    pub async fn resume(&mut self) -> Result<(), DevServerError> {
        self.process = spawn(&self.options, self.folder.path(), self.port, self.ui_port)?;
        self.wait_until_ready().await
    }

    /// Ends the server and removes its folder. An idle one takes a second.
    ///
    /// # Errors
    ///
    /// [`DevServerError::StillRunning`] if it is still there ten seconds later.
    pub async fn stop(mut self) -> Result<(), DevServerError> {
        self.process.end().await
    }

    async fn wait_until_ready(&mut self) -> Result<(), DevServerError> {
        let address = self.address();
        let deadline = Instant::now() + self.options.ready_within;
        loop {
            let cause = match ready::look(&address, DEFAULT_NAMESPACE).await {
                Ok(()) => return Ok(()),
                Err(cause) => cause,
            };
            if self.process.ended().is_some() {
                let log = process::last_lines(&self.log_file(), LOG_LINES);
                return Err(DevServerError::Ended { log });
            }
            if Instant::now() > deadline {
                let waited = self.options.ready_within;
                return Err(DevServerError::NotReady {
                    address,
                    waited,
                    cause,
                });
            }
            tokio::time::sleep(ready::PAUSE).await;
        }
    }
}

/// Creates a namespace with our search attributes on the server at `address`, without TLS, and
/// waits until it is usable.
///
/// # Errors
///
/// [`DevServerError::NoNamespace`].
pub async fn create_namespace(address: &str, name: &str) -> Result<(), DevServerError> {
    ready::create_namespace(address, name)
        .await
        .map_err(|cause| DevServerError::NoNamespace {
            name: name.to_owned(),
            cause,
        })
}

fn spawn(
    options: &Options,
    folder: &Path,
    port: u16,
    ui_port: u16,
) -> Result<Guarded, DevServerError> {
    let mut arguments: Vec<String> = [
        "server",
        "start-dev",
        "--ip",
        "127.0.0.1",
        "--log-level",
        "warn",
    ]
    .map(str::to_owned)
    .into();
    arguments.extend(["--port".to_owned(), port.to_string()]);
    if options.has_ui {
        arguments.extend(["--ui-port".to_owned(), ui_port.to_string()]);
    } else {
        arguments.push("--headless".to_owned());
    }
    if options.is_persistent {
        let database = folder.join("temporal.db");
        arguments.extend([
            "--db-filename".to_owned(),
            database.to_string_lossy().into_owned(),
        ]);
    }
    for name in SearchAttribute::ALL {
        let registered = format!("{name}={}", name.value_type());
        arguments.extend(["--search-attribute".to_owned(), registered]);
    }
    // By default the history queue loads 20 batches a second, so with few workflows in flight
    // every task waits 47 ms: nine activities in a row take 950 ms instead of 150.
    let polls = "history.transferProcessorMaxPollRPS=2000".to_owned();
    arguments.extend(["--dynamic-config-value".to_owned(), polls]);
    Guarded::spawn(&options.binary, &arguments, &log_file(folder), |_| ()).map_err(|cause| {
        DevServerError::NotStarted {
            binary: options.binary.clone(),
            cause,
        }
    })
}

fn log_file(folder: &Path) -> PathBuf {
    folder.join("server.log")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_ends_at_once_is_reported_with_its_words() {
        let mut options = Options::new("/bin/sh");
        options.ready_within = Duration::from_secs(20);
        // `sh server start-dev …` looks for a script named `server`.
        let error = DevServer::start(options).await.unwrap_err();
        let DevServerError::Ended { log } = &error else {
            panic!("{error:?}");
        };
        assert!(log.contains("server"), "{log}");
    }

    #[tokio::test]
    async fn a_command_that_is_not_there_is_named() {
        let error = DevServer::start(Options::new("/nowhere/temporal"))
            .await
            .unwrap_err();
        let text = format!("{error}");
        assert!(text.contains("/nowhere/temporal"), "{text}");
    }
}
