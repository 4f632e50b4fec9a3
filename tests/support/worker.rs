//! Workers: as threads of the test's process, or as processes to be killed.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use aep_flow::config::Config;
use aep_flow::worker::{self, WorkerError};
use tokio::sync::oneshot;

use super::{eventually, within};

/// A worker on a thread of its own. Ends when dropped, or in order by [`Worker::stop`].
#[derive(Debug)]
pub(crate) struct Worker {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), WorkerError>>>,
}

impl Worker {
    pub(crate) fn start(config: Config) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let work = move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(worker::run(config, async {
                let _ = stopped.await;
            }))
        };
        Self {
            stop: Some(stop),
            thread: Some(std::thread::spawn(work)),
        }
    }

    /// Asks it to stop and gives what it ended with.
    pub(crate) async fn stop(mut self) -> Result<(), WorkerError> {
        drop(self.stop.take());
        let thread = self.thread.take().unwrap();
        let joined = tokio::task::spawn_blocking(move || thread.join().unwrap());
        within("the end of the worker", joined).await.unwrap()
    }
}

/// A worker as a process of its own, what an operator runs.
#[derive(Debug)]
pub(crate) struct WorkerProcess {
    child: Child,
}

impl WorkerProcess {
    /// `aep-flow worker` with these variables and no others; its log goes to `log`.
    pub(crate) fn spawn(variables: &[(String, String)], log: &Path) -> Self {
        let folder = log.parent().unwrap();
        let log = std::fs::File::create(log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_aep-flow"))
            .arg("worker")
            // Where a core would be left.
            .current_dir(folder)
            .env_clear()
            .envs(variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child }
    }

    /// As the kernel does when memory runs out: SIGKILL, no last words.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As a bug in a library does: SIGABRT, after which the kernel may leave a core.
    pub(crate) async fn abort(&mut self) -> ExitStatus {
        self.signal("-ABRT");
        self.ended().await
    }

    /// As an orchestrator does: SIGTERM. Gives how it ended.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        self.signal("-TERM");
        self.ended().await
    }

    fn signal(&self, signal: &str) {
        let asked = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(asked.unwrap().success());
    }

    /// Waits for its end, and gives how it ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        eventually("the end of the worker's process", async || {
            self.child.try_wait().unwrap()
        })
        .await
    }

    /// The kernel's name for it.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
