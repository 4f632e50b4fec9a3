//! Workers: as threads of the test's process, or as processes to be killed.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use aep_flow::config::Config;
use aep_flow::worker::{self, WorkerError};
use tokio::sync::oneshot;
use tracing::dispatcher::{self, Dispatch};
use tracing_subscriber::EnvFilter;

use crate::emulated::Variables;
use crate::places::program;
use crate::{eventually, within};

/// A worker on a thread of its own. Ends when dropped, or in order by [`Worker::stop`].
#[derive(Debug)]
pub struct Worker {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), WorkerError>>>,
}

impl Worker {
    /// Starts one; its log goes to `log`, as JSON.
    pub fn start(config: Config, log: &Path) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let dispatch = log_into(&config, File::create(log).unwrap());
        let work = move || {
            let of_thread = dispatch.clone();
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                // Each worker has a log of its own, by its threads.
                .on_thread_start(move || std::mem::forget(dispatcher::set_default(&of_thread)))
                .enable_all()
                .build()
                .unwrap();
            let works = worker::run(config, async {
                let _ = stopped.await;
            });
            dispatcher::with_default(&dispatch, || runtime.block_on(works))
        };
        Self {
            stop: Some(stop),
            thread: Some(std::thread::spawn(work)),
        }
    }

    /// Asks it to stop and gives what it ended with.
    ///
    /// # Errors
    /// What the worker ended with.
    pub async fn stop(mut self) -> Result<(), WorkerError> {
        drop(self.stop.take());
        let thread = self.thread.take().unwrap();
        let joined = tokio::task::spawn_blocking(move || thread.join().unwrap());
        within("the end of the worker", joined).await.unwrap()
    }
}

/// What writes the lines that `config` lets through into `log`, in the form of a worker's process.
fn log_into(config: &Config, log: File) -> Dispatch {
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(EnvFilter::new(&config.log.filter))
        .with_writer(Arc::new(log))
        .finish();
    Dispatch::new(subscriber)
}

/// A worker as a process of its own, what an operator runs.
#[derive(Debug)]
pub struct WorkerProcess {
    child: Child,
}

impl WorkerProcess {
    /// `aep-flow worker` of this build with these variables and no others; its log goes to `log`.
    pub fn spawn(variables: &Variables, log: &Path) -> Self {
        Self::run(Command::new(program("aep-flow")), variables, log)
    }

    /// The same, but it may leave a core, as on a careless machine.
    pub fn spawn_with_cores(variables: &Variables, log: &Path) -> Self {
        let mut command = Command::new("/bin/sh");
        let script = r#"ulimit -S -c "$(ulimit -H -c)" && exec "$0" "$@""#;
        command.args(["-c", script]).arg(program("aep-flow"));
        Self::run(command, variables, log)
    }

    /// The worker of another build.
    pub fn spawn_from(program: &Path, variables: &Variables, log: &Path) -> Self {
        Self::run(Command::new(program), variables, log)
    }

    fn run(mut command: Command, variables: &Variables, log: &Path) -> Self {
        let folder = log.parent().unwrap();
        let log = File::create(log).unwrap();
        let child = command
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
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As a bug in a library does: SIGABRT, after which the kernel may leave a core.
    pub async fn abort(&mut self) -> ExitStatus {
        self.signal("-ABRT");
        self.ended().await
    }

    /// As an orchestrator does: SIGTERM. Gives how it ended.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal("-TERM");
        self.ended().await
    }

    /// Sends a signal, such as `-HUP`.
    pub fn signal(&self, signal: &str) {
        let asked = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(asked.unwrap().success());
    }

    /// Waits for its end, and gives how it ended.
    pub async fn ended(&mut self) -> ExitStatus {
        eventually("the end of the worker's process", async || self.has_ended()).await
    }

    /// How it ended, if it did.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// The kernel's name for it.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
