//! Probes for an orchestrator: whether the process is alive, and whether it is ready.
//!
//! A process that responds is alive. A worker is ready if the server sees it poll, and if it has a
//! token for the platform. The result is cached for a few seconds, so that frequent probes do not
//! cause frequent calls to the server or to Adobe.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde::Serialize;
use temporalio_client::tonic::{Code, IntoRequest as _, Status};
use temporalio_client::{Client, NamespacedClient as _};
use temporalio_common::protos::temporal::api::{
    enums::v1::TaskQueueType, taskqueue::v1::TaskQueue,
    workflowservice::v1::DescribeTaskQueueRequest,
};

use crate::temporal;

/// How long a result is cached.
const KEPT: Duration = Duration::from_secs(5);

/// How long each of the two calls may take. Probes give up after a few seconds.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The client of the platform; nothing if the worker has no credentials.
pub type Platform = Option<aep_platform::Client>;

/// The state behind the probes. Clones are cheap and share the cached result.
#[derive(Clone)]
pub struct Health {
    inner: Arc<Inner>,
}

struct Inner {
    temporal: Client,
    task_queue: String,
    platform: Platform,
    is_stopping: AtomicBool,
    found: Mutex<Option<(Instant, Report)>>,
}

impl std::fmt::Debug for Health {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Health")
            .field("task_queue", &self.inner.task_queue)
            .finish_non_exhaustive()
    }
}

/// Whether the worker can work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Report {
    ready: bool,
    checks: Vec<Check>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    /// The result, or what is wrong.
    detail: String,
}

impl Health {
    /// The health of the worker that polls `task_queue` through `temporal`.
    #[must_use]
    pub fn new(temporal: Client, task_queue: String, platform: Platform) -> Self {
        Self {
            inner: Arc::new(Inner {
                temporal,
                task_queue,
                platform,
                is_stopping: AtomicBool::new(false),
                found: Mutex::new(None),
            }),
        }
    }

    /// Marks the worker as not ready from now on: it takes no new tasks.
    pub fn stop(&self) {
        self.inner.is_stopping.store(true, Ordering::Relaxed);
    }

    async fn report(&self) -> Report {
        if self.inner.is_stopping.load(Ordering::Relaxed) {
            return Report::of(vec![Check {
                name: "worker",
                ok: false,
                detail: "it is stopping, and takes no new tasks".to_owned(),
            }]);
        }
        if let Some(report) = self.kept() {
            return report;
        }
        // Two simultaneous probes both call, which costs less than a lock across the calls.
        let (pollers, token) = tokio::join!(self.pollers(), self.token());
        let report = Report::of(vec![pollers, token]);
        let mut found = self.found();
        *found = Some((Instant::now(), report.clone()));
        report
    }

    fn kept(&self) -> Option<Report> {
        self.found()
            .as_ref()
            .filter(|(at, _)| at.elapsed() < KEPT)
            .map(|(_, report)| report.clone())
    }

    fn found(&self) -> std::sync::MutexGuard<'_, Option<(Instant, Report)>> {
        self.inner
            .found
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the server sees this process poll, for workflows and for activities.
    async fn pollers(&self) -> Check {
        const NAME: &str = "pollers";
        let (workflows, activities) = tokio::join!(
            self.polls(TaskQueueType::Workflow),
            self.polls(TaskQueueType::Activity)
        );
        match (workflows, activities) {
            (Ok(true), Ok(true)) => Check::ok(NAME, "the server sees this worker poll"),
            (Ok(_), Ok(_)) => Check::wrong(NAME, "the server does not see this worker poll yet"),
            // A key may be allowed to work but not to describe the task queue.
            (Err(status), _) | (_, Err(status)) if status.code() == Code::PermissionDenied => {
                Check::ok(
                    NAME,
                    "the server responds; these credentials can't see pollers",
                )
            }
            (Err(status), _) | (_, Err(status)) => Check::wrong(NAME, status.message()),
        }
    }

    async fn polls(&self, kind: TaskQueueType) -> Result<bool, Status> {
        let client = &self.inner.temporal;
        let request = DescribeTaskQueueRequest {
            namespace: client.namespace(),
            task_queue: Some(TaskQueue {
                name: self.inner.task_queue.clone(),
                ..TaskQueue::default()
            }),
            task_queue_type: kind.into(),
            ..DescribeTaskQueueRequest::default()
        };
        let mut service = client.connection().workflow_service();
        let described = service.describe_task_queue(request.into_request());
        let described = within(described)
            .await
            .unwrap_or_else(|| Err(Status::deadline_exceeded("no response within 2 s")))?;
        let identity = temporal::identity();
        let pollers = described.into_inner().pollers;
        Ok(pollers.iter().any(|poller| poller.identity == identity))
    }

    /// Whether there is a token for the platform, or one can be got.
    async fn token(&self) -> Check {
        const NAME: &str = "token";
        let Some(platform) = &self.inner.platform else {
            return Check::wrong(NAME, "no credentials for Adobe Experience Platform are set");
        };
        match within(platform.check_credentials()).await {
            Some(Ok(())) => Check::ok(NAME, "valid"),
            Some(Err(error)) => Check::wrong(NAME, &aep_platform::Chain(&error).to_string()),
            None => Check::wrong(NAME, "the token service did not respond within 2 s"),
        }
    }
}

async fn within<T>(asked: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(TIMEOUT, asked).await.ok()
}

impl Report {
    fn of(checks: Vec<Check>) -> Self {
        Self {
            ready: checks.iter().all(|check| check.ok),
            checks,
        }
    }
}

impl Check {
    fn ok(name: &'static str, detail: &str) -> Self {
        Self {
            name,
            ok: true,
            detail: detail.to_owned(),
        }
    }

    fn wrong(name: &'static str, detail: &str) -> Self {
        Self {
            name,
            ok: false,
            detail: detail.to_owned(),
        }
    }
}

pub(super) fn routes(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .with_state(health)
}

async fn ready(State(health): State<Health>) -> (StatusCode, Json<Report>) {
    let report = health.report().await;
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report))
}
