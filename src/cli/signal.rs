//! The signals by which a person or a supervisor asks the process to stop.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::exit::ExitStatus;

/// The handlers of the signals SIGTERM, SIGINT (Ctrl-C), SIGHUP and SIGQUIT.
///
/// They are installed before anything that waits. The kernel ignores the default action of a signal
/// in process 1 of a container, so a process without handlers would not stop there.
#[derive(Debug)]
pub(super) struct Signals {
    /// Whether a command ends in order. Until then a signal ends the process.
    is_orderly: Arc<AtomicBool>,
    asked: watch::Receiver<bool>,
}

impl Signals {
    /// Installs the handlers. A signal ends the process with `at_once`, also while a thread blocks,
    /// until a command takes over with [`Signals::asked_to_stop`]. Needs a Tokio runtime.
    ///
    /// # Errors
    /// The system refuses a handler.
    pub(super) fn handle(at_once: ExitStatus) -> io::Result<Self> {
        let mut received = Received::install()?;
        let is_orderly = Arc::new(AtomicBool::new(false));
        let (ask, asked) = watch::channel(false);
        let orderly = Arc::clone(&is_orderly);
        tokio::spawn(async move {
            let mut interrupts = 0;
            loop {
                if received.next_is_interrupt().await {
                    interrupts += 1;
                }
                if !orderly.load(Ordering::SeqCst) {
                    exit(at_once);
                }
                // A supervisor may send several signals: systemd sends SIGTERM and SIGHUP
                // together. Only a person presses Ctrl-C twice.
                if interrupts > 1 {
                    tracing::warn!(
                        "stopped at once: what runs is retried when its heartbeat is missed"
                    );
                    exit(ExitStatus::Interrupted);
                }
                ask.send_replace(true);
            }
        });
        Ok(Self { is_orderly, asked })
    }

    /// From now on the caller ends the process in order when the future resolves, which it does at
    /// the first signal. A second Ctrl-C still ends the process at once.
    pub(super) fn asked_to_stop(mut self) -> impl Future<Output = ()> + Send + 'static {
        self.is_orderly.store(true, Ordering::SeqCst);
        async move {
            // The sender lives as long as the runtime.
            let _ = self.asked.wait_for(|asked| *asked).await;
        }
    }
}

#[expect(
    clippy::exit,
    reason = "whoever asks wants the process to end, also if a thread blocks"
)]
fn exit(status: ExitStatus) -> ! {
    std::process::exit(status.code().into())
}

#[cfg(unix)]
struct Received(Vec<(bool, tokio::signal::unix::Signal)>);

#[cfg(unix)]
impl Received {
    fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let mut kinds = vec![
            SignalKind::terminate(),
            SignalKind::interrupt(),
            SignalKind::quit(),
        ];
        if !is_hangup_ignored() {
            kinds.push(SignalKind::hangup());
        }
        let installed = kinds
            .into_iter()
            .map(|kind| Ok((kind == SignalKind::interrupt(), signal(kind)?)));
        installed.collect::<io::Result<_>>().map(Self)
    }

    /// Waits for the next signal. Whether it is SIGINT.
    async fn next_is_interrupt(&mut self) -> bool {
        std::future::poll_fn(|context| {
            let received = self.0.iter_mut().find_map(|(is_interrupt, signal)| {
                signal
                    .poll_recv(context)
                    .is_ready()
                    .then_some(*is_interrupt)
            });
            received.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
        })
        .await
    }
}

/// Whether the process was started with SIGHUP ignored, as `nohup` does, so that it outlives its
/// terminal. Where that is unknown, SIGHUP keeps its default action.
#[cfg(unix)]
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is signal 1, the lowest bit.
    mask.is_none_or(|mask| mask & 1 != 0)
}

#[cfg(not(unix))]
struct Received;

#[cfg(not(unix))]
impl Received {
    #[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
    fn install() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next_is_interrupt(&mut self) -> bool {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        true
    }
}
