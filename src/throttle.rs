//! Slows down all workers of a task queue when the platform refuses one of them.
//!
//! After a 429, the attempt is retried when the platform says. Meanwhile the platform would refuse
//! the requests of the other workers as well. So the refused worker sets the task queue's rate limit
//! at the server, which applies to all workers from the next activity on. Once nobody is refused,
//! the limit is raised step by step and then removed.
//!
//! The limit itself says who set it and how long it lasts, so workers need no other agreement. Each
//! worker checks it regularly, and whoever finds that a limit of ours is due raises or removes it.
//! If two do so at the same time, they write the same. Any worker removes the limit of one that
//! died, also one that may set none. A limit that a person has set stays as it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use opentelemetry::global;
use temporalio_client::tonic::{Code, IntoRequest as _, Status};
use temporalio_client::{Client, NamespacedClient as _};
use temporalio_common::protos::temporal::api::{
    enums::v1::TaskQueueType,
    taskqueue::v1::{RateLimit, TaskQueue, TaskQueueConfig},
    workflowservice::v1::{
        DescribeTaskQueueRequest, UpdateTaskQueueConfigRequest,
        update_task_queue_config_request::RateLimitUpdate,
    },
};
use tokio::sync::mpsc;

use crate::temporal;

/// How often a worker checks the limit while there is none, and while there is one of ours.
const LOOK: Duration = Duration::from_secs(30);
const LOOK_SOON: Duration = Duration::from_secs(3);

/// How long a worker waits whose call the server refused: rights and servers change.
const PAUSE: Duration = Duration::from_secs(300);

/// How long a call to the server may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long a limit lasts at least, so that simultaneous refusals lower it once.
const LASTS_AT_LEAST: Duration = Duration::from_secs(10);

/// How long it lasts at most before it is raised, whatever the platform asked for: each refusal
/// extends it.
const LASTS_AT_MOST: Duration = Duration::from_secs(300);

/// The factors by which a refusal lowers the rate, and by which it is raised again.
const LOWERED_TO: f64 = 0.25;
const RAISED_BY: f64 = 2.0;

/// The lowest rate, in activities per second: some must run to show that the platform accepts more
/// again.
const LOWEST: f64 = 1.0;

/// Identifies a limit of ours. It is stored at the server, so other workers must know it too.
const MARK: &str = "aep-flow: the platform answers 429";

/// The rate limit that the task queue has now.
#[derive(Debug, Clone, PartialEq)]
enum CurrentLimit {
    Nothing,
    /// A person has set one.
    Others,
    Ours(OurLimit),
}

/// A limit of ours.
#[derive(Debug, Clone, Copy, PartialEq)]
struct OurLimit {
    /// Activities per second of all workers together.
    rate: f64,
    /// The rate before the limit.
    before: f64,
    /// When it is due to be raised.
    until: Timestamp,
}

/// What to do about the limit.
#[derive(Debug, Clone, PartialEq)]
enum Change {
    Nothing,
    Set(OurLimit),
    Remove,
}

/// A refusal by the platform: how long it wants no requests, and how many activities per second the
/// task queue dispatched at that time.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Refusal {
    pause: Duration,
    rate: f64,
}

/// What to do, given the current limit and a refusal, if there was one.
fn decide(found: &CurrentLimit, refused: Option<Refusal>, now: Timestamp) -> Change {
    match (found, refused) {
        (CurrentLimit::Others, _) | (CurrentLimit::Nothing, None) => Change::Nothing,
        (CurrentLimit::Nothing, Some(refused)) => {
            let before = refused.rate.max(LOWEST);
            Change::Set(OurLimit {
                rate: (before * LOWERED_TO).max(LOWEST),
                before,
                until: until(now, refused.pause),
            })
        }
        (CurrentLimit::Ours(ours), Some(refused)) => {
            let longer = until(now, refused.pause);
            if ours.until > now {
                // A simultaneous refusal. It extends the limit only if the platform asks for more.
                let is_longer = longer.duration_since(ours.until).as_secs() >= 5;
                return if is_longer {
                    Change::Set(OurLimit {
                        until: longer,
                        ..*ours
                    })
                } else {
                    Change::Nothing
                };
            }
            Change::Set(OurLimit {
                rate: (ours.rate * LOWERED_TO).max(LOWEST),
                until: longer,
                ..*ours
            })
        }
        (CurrentLimit::Ours(ours), None) if ours.until > now => Change::Nothing,
        (CurrentLimit::Ours(ours), None) => {
            let rate = ours.rate * RAISED_BY;
            if rate >= ours.before {
                Change::Remove
            } else {
                Change::Set(OurLimit {
                    rate,
                    until: until(now, LASTS_AT_LEAST),
                    ..*ours
                })
            }
        }
    }
}

fn until(now: Timestamp, pause: Duration) -> Timestamp {
    let pause = pause.clamp(LASTS_AT_LEAST, LASTS_AT_MOST);
    now.checked_add(pause).unwrap_or(now)
}

impl CurrentLimit {
    fn read(config: Option<&TaskQueueConfig>) -> Self {
        let Some(config) = config.and_then(|config| config.queue_rate_limit.as_ref()) else {
            return Self::Nothing;
        };
        let Some(limit) = &config.rate_limit else {
            return Self::Nothing;
        };
        let reason = config.metadata.as_ref().map(|metadata| &metadata.reason);
        let ours =
            reason.and_then(|reason| OurLimit::read(reason, limit.requests_per_second.into()));
        ours.map_or(Self::Others, Self::Ours)
    }
}

impl OurLimit {
    /// The reason that is stored with the limit, for people and for the other workers.
    fn reason(&self, identity: &str) -> String {
        format!(
            "{MARK}; {:.3}/s before; raised from {:.0} on; set by {identity}",
            self.before, self.until
        )
    }

    fn read(reason: &str, rate: f64) -> Option<Self> {
        let rest = reason.strip_prefix(MARK)?.strip_prefix("; ")?;
        let (before, rest) = rest.split_once("/s before; raised from ")?;
        let (until, _) = rest.split_once(" on; ")?;
        let before: f64 = before.parse().ok()?;
        before.is_finite().then_some(())?;
        Some(Self {
            rate,
            before,
            until: until.parse().ok()?,
        })
    }
}

/// Takes reports of attempts that the platform refused.
#[derive(Debug, Clone)]
pub struct Throttle {
    refusals: mpsc::Sender<Duration>,
}

impl Throttle {
    /// Reports that the platform wants no requests for `pause`. Never waits: while the server is
    /// being updated, the first further report is enough.
    pub(crate) fn report_refusal(&self, pause: Duration) {
        let _ = self.refusals.try_send(pause);
    }
}

/// A throttle of `task_queue`, and the task that it needs until it is dropped. The task also
/// removes what other workers left, so it is run even if this worker reports nothing.
pub(crate) fn of(
    client: Client,
    task_queue: String,
) -> (Throttle, impl Future<Output = ()> + Send) {
    let (refusals, reported) = mpsc::channel(1);
    let throttle = Throttle { refusals };
    let kept = throttle.clone();
    let queue = Arc::new(Queue {
        client,
        name: task_queue,
        identity: temporal::identity(),
        shown: show(),
    });
    let look = move |refused| {
        let queue = Arc::clone(&queue);
        async move { queue.look(refused).await.map(|()| queue.next_look()) }
    };
    let watching = async move {
        watch(look, reported, PAUSE).await;
        // Whoever reports nothing still watches.
        drop(kept);
    };
    (throttle, watching)
}

/// Calls `look` with each report, and again when the time that it gives is over; after a call that
/// the server refused, when `pause` is over.
async fn watch<F>(
    look: impl Fn(Option<Duration>) -> F,
    mut reported: mpsc::Receiver<Duration>,
    pause: Duration,
) where
    F: Future<Output = Result<Duration, Status>>,
{
    let mut refused = None;
    let mut is_warned = false;
    loop {
        let next_look = match tokio::time::timeout(TIMEOUT, look(refused)).await {
            Ok(Ok(next_look)) => {
                is_warned = false;
                next_look
            }
            Ok(Err(status)) if is_refusal(&status) => {
                if !is_warned {
                    tracing::warn!(
                        reason = status.message(),
                        "the task queue's rate limit can't be read or set, so this worker neither \
                         slows down the others nor removes a limit that another one left: this \
                         requires Temporal 1.29 and a key that may write in the namespace"
                    );
                }
                is_warned = true;
                tokio::time::sleep(pause).await;
                // What was reported meanwhile is out of date.
                let _ = reported.try_recv();
                refused = None;
                continue;
            }
            Ok(Err(status)) => {
                tracing::debug!(reason = status.message(), "the server was unreachable");
                LOOK_SOON
            }
            Err(_) => {
                tracing::debug!("the server did not respond in time");
                LOOK_SOON
            }
        };
        refused = match tokio::time::timeout(next_look, reported.recv()).await {
            Ok(Some(pause)) => Some(pause),
            // No attempt is left that could report.
            Ok(None) => return,
            Err(_) => None,
        };
    }
}

fn is_refusal(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unimplemented | Code::PermissionDenied | Code::InvalidArgument
    )
}

/// The rate for the metric, as the bits of a number; 0 for none.
fn show() -> Arc<AtomicU64> {
    let shown = Arc::new(AtomicU64::new(0));
    let of = Arc::clone(&shown);
    global::meter("aep-flow")
        .f64_observable_gauge("aep_flow.rate_limit.shared")
        .with_unit("1/s")
        .with_description("Activities a second that all workers may begin, while one was refused")
        .with_callback(move |gauge| {
            let rate = f64::from_bits(of.load(Ordering::Relaxed));
            if rate > 0.0 {
                gauge.observe(rate, &[]);
            }
        })
        .build();
    shown
}

struct Queue {
    client: Client,
    name: String,
    identity: String,
    shown: Arc<AtomicU64>,
}

impl Queue {
    fn next_look(&self) -> Duration {
        if self.shown.load(Ordering::Relaxed) == 0 {
            LOOK
        } else {
            LOOK_SOON
        }
    }

    async fn look(&self, pause: Option<Duration>) -> Result<(), Status> {
        let request = DescribeTaskQueueRequest {
            namespace: self.client.namespace(),
            task_queue: Some(TaskQueue {
                name: self.name.clone(),
                ..TaskQueue::default()
            }),
            task_queue_type: TaskQueueType::Activity.into(),
            report_stats: pause.is_some(),
            report_config: true,
            ..DescribeTaskQueueRequest::default()
        };
        let mut service = self.client.connection().workflow_service();
        let described = service.describe_task_queue(request.into_request()).await?;
        let described = described.into_inner();
        let found = CurrentLimit::read(described.config.as_ref());
        let rate = described
            .stats
            .map_or(0.0, |stats| stats.tasks_dispatch_rate);
        let refused = pause.map(|pause| Refusal {
            pause,
            rate: rate.into(),
        });
        match decide(&found, refused, Timestamp::now()) {
            Change::Nothing => {
                let rate = match &found {
                    CurrentLimit::Ours(ours) => ours.rate,
                    CurrentLimit::Nothing | CurrentLimit::Others => 0.0,
                };
                self.shown.store(rate.to_bits(), Ordering::Relaxed);
            }
            Change::Set(ours) => {
                self.set(Some(ours)).await?;
                tracing::info!(
                    rate = ours.rate,
                    until = %ours.until,
                    was_refused = refused.is_some(),
                    "all workers of the task queue together start this many activities per \
                     second, because the platform responds with 429"
                );
            }
            Change::Remove => {
                self.set(None).await?;
                tracing::info!("removed our rate limit from the task queue");
            }
        }
        Ok(())
    }

    async fn set(&self, ours: Option<OurLimit>) -> Result<(), Status> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the server keeps a rate with that precision"
        )]
        let rate_limit = ours.map(|ours| RateLimit {
            requests_per_second: ours.rate as f32,
        });
        let request = UpdateTaskQueueConfigRequest {
            namespace: self.client.namespace(),
            identity: self.identity.clone(),
            task_queue: self.name.clone(),
            task_queue_type: TaskQueueType::Activity.into(),
            update_queue_rate_limit: Some(RateLimitUpdate {
                rate_limit,
                reason: ours.map_or_else(String::new, |ours| ours.reason(&self.identity)),
            }),
            ..UpdateTaskQueueConfigRequest::default()
        };
        let mut service = self.client.connection().workflow_service();
        service
            .update_task_queue_config(request.into_request())
            .await?;
        let rate = ours.map_or(0.0, |ours| ours.rate);
        self.shown.store(rate.to_bits(), Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use temporalio_common::protos::temporal::api::taskqueue::v1::{
        ConfigMetadata, RateLimitConfig,
    };

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn ours(rate: f64, until: i64) -> OurLimit {
        OurLimit {
            rate,
            before: 40.0,
            until: at(until),
        }
    }

    fn refused(seconds: u64) -> Option<Refusal> {
        Some(Refusal {
            pause: Duration::from_secs(seconds),
            rate: 40.0,
        })
    }

    #[test]
    fn a_refusal_lowers_the_rate_once_and_quiet_gives_it_back() {
        let first = decide(&CurrentLimit::Nothing, refused(20), at(0));
        assert_eq!(first, Change::Set(ours(10.0, 20)));
        // Simultaneous refusals change nothing, unless the platform asks for longer.
        let existing = CurrentLimit::Ours(ours(10.0, 20));
        assert_eq!(decide(&existing, refused(5), at(1)), Change::Nothing);
        assert_eq!(decide(&existing, None, at(19)), Change::Nothing);
        let longer = decide(&existing, refused(60), at(1));
        assert_eq!(longer, Change::Set(ours(10.0, 61)));
        // It is due: raised to half, then removed.
        let raised = decide(&existing, None, at(20));
        assert_eq!(raised, Change::Set(ours(20.0, 30)));
        let last = CurrentLimit::Ours(ours(20.0, 30));
        assert_eq!(decide(&last, None, at(31)), Change::Remove);
        // Refused while it is being raised.
        let again = decide(&last, refused(1), at(31));
        assert_eq!(again, Change::Set(ours(5.0, 41)));
    }

    #[test]
    fn somebody_elses_limit_is_left_alone() {
        for refused in [None, refused(20)] {
            assert_eq!(
                decide(&CurrentLimit::Others, refused, at(0)),
                Change::Nothing
            );
        }
    }

    #[test]
    fn a_limit_neither_stops_everything_nor_lasts_for_ever() {
        let slow = Refusal {
            pause: Duration::from_secs(86_400),
            rate: 0.0,
        };
        let Change::Set(set) = decide(&CurrentLimit::Nothing, Some(slow), at(0)) else {
            panic!("nothing is set");
        };
        assert_eq!((set.rate, set.until), (LOWEST, at(300)));
        assert_eq!(
            decide(&CurrentLimit::Ours(set), None, at(300)),
            Change::Remove
        );
    }

    #[tokio::test]
    async fn a_refusal_of_the_server_pauses_the_watch_and_does_not_end_it() {
        let (reports, reported) = mpsc::channel(1);
        let (looked, mut looks) = mpsc::unbounded_channel();
        let is_refused = std::sync::atomic::AtomicBool::new(true);
        let look = move |refused: Option<Duration>| {
            looked.send(refused).unwrap();
            let is_refused = is_refused.swap(false, Ordering::Relaxed);
            async move {
                if is_refused {
                    return Err(Status::permission_denied("no"));
                }
                Ok(Duration::from_millis(1))
            }
        };
        // Out of date when the pause is over.
        reports.try_send(Duration::from_secs(20)).unwrap();
        let watching = tokio::spawn(watch(look, reported, Duration::ZERO));
        for _ in 0..3 {
            assert_eq!(looks.recv().await, Some(None));
        }
        reports.send(Duration::from_secs(30)).await.unwrap();
        while let Some(refused) = looks.recv().await {
            if refused == Some(Duration::from_secs(30)) {
                break;
            }
        }
        watching.abort();
    }

    #[test]
    fn one_of_ours_is_known_by_its_reason() {
        let config = |reason: &str| TaskQueueConfig {
            queue_rate_limit: Some(RateLimitConfig {
                rate_limit: Some(RateLimit {
                    requests_per_second: 10.0,
                }),
                metadata: Some(ConfigMetadata {
                    reason: reason.to_owned(),
                    ..ConfigMetadata::default()
                }),
            }),
            ..TaskQueueConfig::default()
        };
        let set = ours(10.0, 20);
        let reason = set.reason("1@host");
        assert_eq!(
            CurrentLimit::read(Some(&config(&reason))),
            CurrentLimit::Ours(set)
        );
        let half = &reason[..reason.len() / 2];
        for other in ["", "maintenance", MARK, half] {
            assert_eq!(
                CurrentLimit::read(Some(&config(other))),
                CurrentLimit::Others,
                "{other}"
            );
        }
        let nothing = TaskQueueConfig::default();
        assert_eq!(CurrentLimit::read(Some(&nothing)), CurrentLimit::Nothing);
        assert_eq!(CurrentLimit::read(None), CurrentLimit::Nothing);
    }
}
