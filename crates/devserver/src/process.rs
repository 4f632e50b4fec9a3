//! A child process that does not outlive us.
//!
//! A shell runs between us and the child. It holds the reading end of a pipe, and we hold the
//! other end. When we end, for whatever reason, the pipe ends and the shell ends the child. The two are
//! a process group of their own, so that Ctrl-C in a terminal reaches us alone: the server must
//! outlive the worker that still talks to it.
//!
//! Why not `PR_SET_PDEATHSIG`: it needs unsafe code between fork and exec, and is Linux only.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::DevServerError;

/// How long an end may take: five seconds until the shell kills, and the rest to notice.
const END_WITHIN: Duration = Duration::from_secs(10);

/// The shell's part. `$0` and up is the command; the pipe is its standard input.
///
/// A signal to process 0 is one to the whole group: what the child started and left behind, the
/// part that reads the pipe, and its `sleep`. Nothing outlives the shell.
#[cfg(unix)]
const GUARD: &str = r#"
exec 3<&0
"$0" "$@" </dev/null 3<&- &
child=$!
{ read -r _ <&3; kill -TERM "$child"; sleep 5; kill -KILL 0; } &
wait "$child"
status=$?
trap '' TERM
kill -TERM 0
exit "$status"
"#;

/// A child, and the pipe that keeps it alive.
#[derive(Debug)]
pub(super) struct Guarded {
    child: Child,
}

impl Guarded {
    /// Starts the command; what it prints goes into `log`. `adjust` may set its environment.
    pub(super) fn spawn(
        binary: &Path,
        arguments: &[String],
        log: &Path,
        adjust: impl FnOnce(&mut Command),
    ) -> io::Result<Self> {
        // The shell would start, and only say in its log that the command is not there.
        if binary.components().count() > 1 && !binary.exists() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let log = File::options().create(true).append(true).open(log)?;
        let mut command = command(binary, arguments);
        adjust(&mut command);
        command
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(Self {
            child: command.spawn()?,
        })
    }

    /// How the child ended, if it did.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Ends the child, gently at first, and waits for it. Nothing happens if it ended already.
    pub(super) async fn end(&mut self) -> Result<(), DevServerError> {
        drop(self.child.stdin.take());
        #[cfg(not(unix))]
        let _ = self.child.kill();
        let deadline = Instant::now() + END_WITHIN;
        while self.ended().is_none() {
            if Instant::now() > deadline {
                return Err(DevServerError::StillRunning {
                    pid: self.child.id(),
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn command(binary: &Path, arguments: &[String]) -> Command {
    use std::os::unix::process::CommandExt as _;

    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(GUARD)
        .arg(binary)
        .args(arguments)
        .process_group(0);
    command
}

#[cfg(not(unix))]
fn command(binary: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(binary);
    command.args(arguments);
    command
}

/// The last `count` lines of a log on one line, for an error message.
pub(super) fn last_lines(log: &Path, count: usize) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut lines: Vec<&str> = text.lines().rev().take(count).collect();
    lines.reverse();
    if lines.is_empty() {
        return "nothing".to_owned();
    }
    lines.join(" / ")
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    /// Starts a shell script under guard and gives the process id that the script wrote.
    async fn guarded(script: &str) -> (Guarded, String, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["-c".to_owned(), format!("echo $$; {script}")];
        let log = folder.path().join("log");
        let guarded = Guarded::spawn(Path::new("/bin/sh"), &arguments, &log, |_| ()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let text = std::fs::read_to_string(&log).unwrap();
            if let Some((pid, _)) = text.split_once('\n') {
                return (guarded, pid.to_owned(), folder);
            }
            assert!(Instant::now() < deadline, "the script does not start");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn is_there(pid: &str) -> bool {
        let probe = Command::new("kill")
            .args(["-0", pid])
            .stderr(Stdio::null())
            .status();
        probe.unwrap().success()
    }

    async fn is_gone_soon(pid: &str) -> bool {
        let deadline = Instant::now() + Duration::from_secs(10);
        while is_there(pid) && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        !is_there(pid)
    }

    #[test]
    fn the_last_lines_of_a_log_are_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        assert_eq!(last_lines(&log, 3), "nothing");
        std::fs::write(&log, "a\nb\nc\nd\n").unwrap();
        assert_eq!(last_lines(&log, 3), "b / c / d");
    }

    #[tokio::test]
    async fn a_child_ends_when_asked() {
        let (mut child, pid, _folder) = guarded("exec sleep 60").await;
        assert!(is_there(&pid));
        child.end().await.unwrap();
        assert!(is_gone_soon(&pid).await);
    }

    #[tokio::test]
    async fn a_child_ends_when_its_pipe_does() {
        let (child, pid, _folder) = guarded("exec sleep 60").await;
        drop(child);
        assert!(is_gone_soon(&pid).await);
    }

    #[tokio::test]
    async fn a_child_that_does_not_listen_is_killed() {
        let (mut child, pid, _folder) = guarded("trap '' TERM; while :; do sleep 0.1; done").await;
        child.end().await.unwrap();
        assert!(is_gone_soon(&pid).await);
    }

    #[tokio::test]
    async fn an_end_of_the_childs_own_is_seen_and_takes_its_children_along() {
        let (mut child, pid, folder) = guarded("sleep 60 & echo $! >&2; exit 3").await;
        let deadline = Instant::now() + Duration::from_secs(10);
        let status = loop {
            if let Some(status) = child.ended() {
                break status;
            }
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        assert_eq!(status.code(), Some(3));
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
        let grandchild = log.lines().find(|line| *line != pid).unwrap();
        assert!(is_gone_soon(grandchild).await);
        child.end().await.unwrap();
    }
}
