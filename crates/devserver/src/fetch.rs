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

use super::find::{cached_name, fetched};
use super::process::{Guarded, last_lines};
use super::{LOG_LINES, Report, Surroundings, VERSION};
use temporalio_sdk_core::ephemeral_server::{
    EphemeralExe, EphemeralExeVersion, EphemeralServerError, TemporalDevServerConfig,
};

/// What `go install` is asked for.
const GO_PACKAGE: &str = "github.com/temporalio/cli/cmd/temporal";

/// How long the download may take until its first byte arrives. Unless a firewall drops it, a
/// response comes within one second; without a name server the download fails at once.
const FIRST_BYTE_WITHIN: Duration = Duration::from_secs(10);

/// How long a download may stand still. It is 40 MB packed.
const STALL_AFTER: Duration = Duration::from_secs(30);

/// How long a build may take; three minutes on two cores, and ten times that on a busy machine.
const BUILD_WITHIN: Duration = Duration::from_secs(30 * 60);

/// How the folders of builds begin.
const BUILD_PREFIX: &str = "build-";

/// How often a long wait is reported.
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
    /// No response.
    #[error("no answer within {} s", FIRST_BYTE_WITHIN.as_secs())]
    Silent,
    /// It began and then stalled.
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
    fetch_by(download, surroundings, report).await
}

async fn fetch_by(
    download: impl AsyncFnOnce(&Path) -> Result<PathBuf, DownloadError>,
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
    remove_unfinished_builds(cache);
    let folder = tempfile::Builder::new()
        .prefix(BUILD_PREFIX)
        .tempdir_in(cache)
        .map_err(not_writable)?;
    let log = folder.path().join("log");
    let arguments = ["install".to_owned(), format!("{GO_PACKAGE}@{VERSION}")];
    // `go` starts compilers, which would go on without it: under guard they end with it.
    let mut child = Guarded::spawn(go, &arguments, &log, |command| {
        command
            .env("GOBIN", folder.path())
            .env("GOTMPDIR", folder.path())
            // The folder that we are started in may hold a go.mod or go.work of somebody else's.
            .env("GOWORK", "off")
            .env("GOFLAGS", "")
            .current_dir(folder.path());
    })
    .map_err(|cause| FetchError::GoNotRun {
        go: go.to_owned(),
        cause,
    })?;
    let started = Instant::now();
    let mut told = started;
    let status = loop {
        if let Some(status) = child.ended() {
            break status;
        }
        if started.elapsed() > BUILD_WITHIN {
            return Err(FetchError::BuildTooSlow);
        }
        if told.elapsed() > STILL_EVERY {
            told = Instant::now();
            report.say(&format!("still building, {}", seconds(started)));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let built = folder
        .path()
        .join(format!("temporal{}", std::env::consts::EXE_SUFFIX));
    if !status.success() || !built.is_file() {
        let output = last_lines(&log, LOG_LINES);
        return Err(FetchError::BuildFailed { output });
    }
    let binary = cache.join(cached_name());
    std::fs::rename(&built, &binary).map_err(not_writable)?;
    Ok(binary)
}

/// Removes what builds left that were killed, or were still writing when they were given up. The
/// lock is held, so none is under way.
fn remove_unfinished_builds(cache: &Path) {
    let entries = std::fs::read_dir(cache).into_iter().flatten().flatten();
    for entry in entries {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(BUILD_PREFIX)
        {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A folder with a `go` that is this script, and an empty cache.
    fn machine(script: &str) -> (tempfile::TempDir, Surroundings) {
        let root = tempfile::tempdir().unwrap();
        let script = format!("#!/bin/sh\ncd '{}'\n{script}\n", root.path().display());
        // Written by a child: a file that this process has open for writing can't be run, and
        // another test's child may hold it open a moment longer than we do.
        let written = std::process::Command::new("/bin/sh")
            .args(["-c", "printf %s \"$1\" >\"$0\"; chmod 755 \"$0\""])
            .arg(root.path().join("go"))
            .arg(script)
            .status();
        assert!(written.unwrap().success());
        let surroundings = Surroundings {
            path: Some(root.path().into()),
            cache: Some(root.path().join("cache")),
            ..Surroundings::default()
        };
        (root, surroundings)
    }

    async fn no_download(_: &Path) -> Result<PathBuf, DownloadError> {
        Err(DownloadError::Silent)
    }

    const BUILD: &str = "echo \"$@\" >>calls; /bin/sleep 0.5; : >\"$GOBIN/temporal\"; \
                         /bin/chmod +x \"$GOBIN/temporal\"";

    #[tokio::test]
    async fn where_no_download_is_go_builds_and_the_next_one_finds_it() {
        let (root, surroundings) = machine(BUILD);
        let left = root.path().join("cache/build-killed");
        std::fs::create_dir_all(&left).unwrap();
        let said = Mutex::new(String::new());
        let report = |line: &str| said.lock().unwrap().push_str(line);
        let binary = fetch_by(no_download, &surroundings, &report).await.unwrap();
        assert_eq!(binary, root.path().join("cache/temporal-v1.5.1"));
        assert!(!left.exists());
        let again = fetch_by(no_download, &surroundings, &report).await.unwrap();
        assert_eq!(again, binary);
        let calls = std::fs::read_to_string(root.path().join("calls")).unwrap();
        assert_eq!(
            calls,
            "install github.com/temporalio/cli/cmd/temporal@v1.5.1\n"
        );
        let said = said.into_inner().unwrap();
        assert!(said.contains("no answer within 10 s"), "{said}");
        assert!(said.contains("built in "), "{said}");
    }

    #[tokio::test]
    async fn of_two_at_once_one_waits_and_takes_what_the_other_built() {
        let (root, surroundings) = machine(BUILD);
        let said = Mutex::new(String::new());
        let report = |line: &str| said.lock().unwrap().push_str(line);
        let (one, two) = tokio::join!(
            fetch_by(no_download, &surroundings, &report),
            fetch_by(no_download, &surroundings, &report),
        );
        assert_eq!(one.unwrap(), two.unwrap());
        let calls = std::fs::read_to_string(root.path().join("calls")).unwrap();
        assert_eq!(calls.lines().count(), 1, "{calls}");
        let said = said.into_inner().unwrap();
        assert!(said.contains("waiting for it"), "{said}");
    }

    #[tokio::test]
    async fn a_build_that_fails_is_told_with_its_last_words() {
        let (root, surroundings) = machine("echo one >&2; echo two >&2; exit 1");
        let error = fetch_by(no_download, &surroundings, &|_: &str| ())
            .await
            .unwrap_err();
        assert!(error.to_string().ends_with("failed: one / two"), "{error}");
        assert!(error.next_step().contains("TEMPORAL_ADDRESS"));
        // Nothing half built stays.
        let left = std::fs::read_dir(root.path().join("cache")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["fetch.lock"]);
    }

    #[tokio::test]
    async fn a_build_that_is_given_up_ends_with_its_child() {
        let (root, surroundings) = machine("/bin/sleep 60 & echo $! >pid; wait");
        let pid_file = root.path().join("pid");
        let started = async {
            while std::fs::read_to_string(&pid_file)
                .unwrap_or_default()
                .is_empty()
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            ended = fetch_by(no_download, &surroundings, &|_: &str| ()) => panic!("{ended:?}"),
            () = started => {}
        }
        let pid = std::fs::read_to_string(&pid_file).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        let is_there = || {
            let probe = std::process::Command::new("kill")
                .args(["-0", pid.trim()])
                .stderr(Stdio::null())
                .status();
            probe.unwrap().success()
        };
        while is_there() {
            assert!(Instant::now() < deadline, "process {pid} is still there");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[test]
    fn without_go_the_user_is_told_what_to_install() {
        let error = FetchError::NoGo(Box::new(DownloadError::Silent));
        assert!(error.next_step().contains("install Go"), "{error}");
    }

    #[test]
    fn the_root_cause_is_the_innermost() {
        let inner = io::Error::other("no name server");
        let error = FetchError::CacheNotWritable {
            path: PathBuf::new(),
            cause: inner,
        };
        assert_eq!(root_cause(&error), "no name server");
    }
}
