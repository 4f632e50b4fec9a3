//! Fetches the `temporal` command into the cache: downloads it, or builds it with Go.
//!
//! The download is the SDK's own. It gives no handle on the file alone, so it starts the server
//! once (a second) and the file stays. Where its address is out of reach, Go's module proxy often
//! is not, and `go install` builds the same version in three minutes on two cores.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use temporalio_sdk_core::ephemeral_server::{
    EphemeralExe, EphemeralExeVersion, EphemeralServerError, TemporalDevServerConfig,
};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use super::find::{cached_name, fetched};
use super::{Report, Surroundings, VERSION};

/// What `go install` is asked for.
const GO_PACKAGE: &str = "github.com/temporalio/cli/cmd/temporal";

/// How long the download may take until its first byte arrives. An answer that no firewall
/// swallows comes within one second; without a name server it fails at once.
const FIRST_BYTE_WITHIN: Duration = Duration::from_secs(10);

/// How long a download may stand still. It is 40 MB packed.
const STALL_AFTER: Duration = Duration::from_secs(30);

/// How long a build may take; three minutes on two cores, and ten times that on a busy machine.
const BUILD_WITHIN: Duration = Duration::from_secs(30 * 60);

/// How often a long wait says that it is still one.
const STILL_EVERY: Duration = Duration::from_secs(30);

/// Why no server could be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The environment names no folder to keep it in.
    #[error("no folder to keep it in: neither AEP_FLOW_CACHE, XDG_CACHE_HOME nor HOME is set")]
    NoCache,
    /// The folder can't be written.
    #[error("`{}` can't be written", path.display())]
    CacheNotWritable {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The download failed, and there is no Go to build it with.
    #[error("the download failed, and there is no `go` on the PATH to build it with")]
    NoGo(#[source] Box<DownloadError>),
    /// The build could not be started or watched.
    #[error("`{}` can't be run", go.display())]
    GoNotRun {
        /// The command.
        go: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The build failed.
    #[error("`go install {GO_PACKAGE}@{VERSION}` failed: {output}")]
    BuildFailed {
        /// The last lines that it printed.
        output: String,
    },
    /// The build took too long.
    #[error("`go install {GO_PACKAGE}@{VERSION}` did not end within {} minutes", BUILD_WITHIN.as_secs() / 60)]
    BuildTooSlow,
}

impl FetchError {
    /// What to do about it.
    pub(super) fn next_step(&self) -> String {
        let by_hand = "install the `temporal` command (https://docs.temporal.io/cli) and put it on \
                       the PATH, or set TEMPORAL_ADDRESS to a server that runs";
        match self {
            Self::NoCache | Self::CacheNotWritable { .. } => {
                "set AEP_FLOW_CACHE to a folder that can be written".to_owned()
            }
            Self::NoGo(_) => format!("{by_hand}; or install Go, and it is built"),
            Self::GoNotRun { .. } | Self::BuildFailed { .. } | Self::BuildTooSlow => {
                by_hand.to_owned()
            }
        }
    }
}

/// Why a download gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Nothing came.
    #[error("no answer within {} s", FIRST_BYTE_WITHIN.as_secs())]
    Silent,
    /// It began and then stood still.
    #[error("the download stood still for {} s", STALL_AFTER.as_secs())]
    Stalled,
    /// The SDK gave up.
    #[error("the download failed")]
    Failed(#[source] EphemeralServerError),
    /// What was downloaded does not stay or does not start.
    #[error("the download left no command behind")]
    Missing,
}

/// Fetches the command and gives its path.
pub(super) async fn fetch(
    surroundings: &Surroundings,
    report: &dyn Report,
) -> Result<PathBuf, FetchError> {
    let cache = surroundings.cache.as_deref().ok_or(FetchError::NoCache)?;
    let not_writable = |cause| FetchError::CacheNotWritable {
        path: cache.to_owned(),
        cause,
    };
    std::fs::create_dir_all(cache).map_err(not_writable)?;
    let _lock = lock(cache, report).await.map_err(not_writable)?;
    // Whoever held the lock before may have done the work.
    if let Some(binary) = fetched(cache) {
        report.say(&format!(
            "Temporal server: {} (just fetched)",
            binary.display()
        ));
        return Ok(binary);
    }

    report.say(&format!(
        "Temporal server: none on this machine; downloading {VERSION} into {}, once",
        cache.display()
    ));
    let started = Instant::now();
    let unreachable = match download(cache).await {
        Ok(binary) => {
            report.say(&format!("downloaded in {}", seconds(started)));
            return Ok(binary);
        }
        Err(error) => error,
    };
    let Some(go) = go(surroundings) else {
        return Err(FetchError::NoGo(Box::new(unreachable)));
    };
    report.say(&format!(
        "the download failed after {} ({}); building it with `go install`, which takes \
         about three minutes, once",
        seconds(started),
        root_cause(&unreachable)
    ));
    let started = Instant::now();
    let binary = build(&go, cache, report).await?;
    report.say(&format!("built in {}", seconds(started)));
    Ok(binary)
}

/// Waits until no other process fetches. The lock goes with the file, also if we are killed.
async fn lock(cache: &Path, report: &dyn Report) -> io::Result<File> {
    let file = File::create(cache.join("fetch.lock"))?;
    let mut has_said = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {}
        }
        if !has_said {
            report.say("another process is fetching the Temporal server; waiting for it");
            has_said = true;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn download(cache: &Path) -> Result<PathBuf, DownloadError> {
    // With the lock held, an unfinished file belongs to somebody who was killed; the SDK would
    // wait a minute for it.
    let unfinished = Unfinished(cache.join(format!("{}.downloading", cached_name())));
    unfinished.remove();
    let config = TemporalDevServerConfig::builder()
        .exe(EphemeralExe::CachedDownload {
            version: EphemeralExeVersion::Fixed(VERSION.to_owned()),
            dest_dir: Some(cache.to_string_lossy().into_owned()),
            ttl: None,
        })
        .build();
    let start = config.start_server_with_output(Stdio::null(), Stdio::null());
    tokio::pin!(start);
    let started = Instant::now();
    let mut progress = (0, Instant::now());
    loop {
        tokio::select! {
            started = &mut start => {
                // The file stays also where its first start took longer than the SDK waits.
                if let Some(binary) = fetched(cache) {
                    if let Ok(mut server) = started {
                        let _ = server.shutdown().await;
                    }
                    return Ok(binary);
                }
                return Err(started.err().map_or(DownloadError::Missing, DownloadError::Failed));
            }
            () = tokio::time::sleep(Duration::from_millis(250)) => {}
        }
        if fetched(cache).is_some() {
            continue;
        }
        match std::fs::metadata(&unfinished.0).map(|file| file.len()) {
            Ok(bytes) if bytes > progress.0 => progress = (bytes, Instant::now()),
            Ok(bytes) if bytes > 0 && progress.1.elapsed() > STALL_AFTER => {
                return Err(DownloadError::Stalled);
            }
            Err(_) | Ok(0) if started.elapsed() > FIRST_BYTE_WITHIN => {
                return Err(DownloadError::Silent);
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// The file that the SDK writes into; removed when the download is given up or dropped.
struct Unfinished(PathBuf);

impl Unfinished {
    fn remove(&self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The `go` command: on the PATH, or where its own installer puts it.
fn go(surroundings: &Surroundings) -> Option<PathBuf> {
    let installed = Path::new("/usr/local/go/bin/go");
    surroundings
        .on_path("go")
        .or_else(|| installed.is_file().then(|| installed.to_owned()))
}

/// Builds into a folder inside the cache, so that the last step is a rename.
async fn build(go: &Path, cache: &Path, report: &dyn Report) -> Result<PathBuf, FetchError> {
    let not_writable = |cause| FetchError::CacheNotWritable {
        path: cache.to_owned(),
        cause,
    };
    let not_run = |cause| FetchError::GoNotRun {
        go: go.to_owned(),
        cause,
    };
    let folder = tempfile::Builder::new()
        .prefix("build-")
        .tempdir_in(cache)
        .map_err(not_writable)?;
    let mut child = tokio::process::Command::new(go)
        .arg("install")
        .arg(format!("{GO_PACKAGE}@{VERSION}"))
        .env("GOBIN", folder.path())
        // The folder that we are started in may hold a go.mod or go.work of somebody else's.
        .env("GOWORK", "off")
        .env("GOFLAGS", "")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(not_run)?;
    let errors = child.stderr.take();
    let output = tokio::spawn(async move {
        let Some(errors) = errors else {
            return String::new();
        };
        last_words(errors).await
    });
    let status = tokio::time::timeout(BUILD_WITHIN, wait(&mut child, report))
        .await
        .map_err(|_| FetchError::BuildTooSlow)?
        .map_err(not_run)?;
    let built = folder
        .path()
        .join(format!("temporal{}", std::env::consts::EXE_SUFFIX));
    if !status.success() || !built.is_file() {
        let output = output.await.unwrap_or_default();
        return Err(FetchError::BuildFailed { output });
    }
    let binary = cache.join(cached_name());
    std::fs::rename(&built, &binary).map_err(not_writable)?;
    Ok(binary)
}

async fn wait(
    child: &mut tokio::process::Child,
    report: &dyn Report,
) -> io::Result<std::process::ExitStatus> {
    let started = Instant::now();
    loop {
        match tokio::time::timeout(STILL_EVERY, child.wait()).await {
            Ok(status) => return status,
            Err(_) => report.say(&format!("still building, {}", seconds(started))),
        }
    }
}

/// The last lines of a stream that says thousands (every module that is downloaded).
async fn last_words(stream: impl tokio::io::AsyncRead + Unpin) -> String {
    const LINES: usize = 5;
    // A build prints a few kilobytes; a line without an end must not fill the memory.
    let mut lines = BufReader::new(stream.take(16 * 1024 * 1024)).lines();
    let mut last = std::collections::VecDeque::new();
    while let Ok(Some(line)) = lines.next_line().await {
        if last.len() == LINES {
            last.pop_front();
        }
        last.push_back(line);
    }
    Vec::from(last).join(" / ")
}

/// The innermost error: the levels above it all say that a download failed.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f64())
}
