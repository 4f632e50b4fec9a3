//! One attempt: the real protocol, stopped at each call that it makes.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use aep_flow_ensure::{
    Call, Created, Deletion, EnsureError, Ensured, Existing, Intent, Now, Past, Reads, Resource,
    Rules, ensure, settle,
};
use aep_flow_proto::v1::OnExisting;
use jiff::Timestamp;

use super::failures::Failure;

/// A call that the protocol makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Everything of the name.
    Look,
    /// The create.
    Create,
    /// One by its id.
    Read(String),
    /// Take one away.
    Delete(String),
}

/// What it hears.
#[derive(Debug)]
pub enum Reply {
    /// To a look.
    Look(Result<Vec<Existing>, Failure>),
    /// To a create.
    Create(Result<Created, Failure>),
    /// To a read.
    Read(Result<Option<Existing>, Failure>),
    /// To a deletion.
    Delete(Result<Deletion, Failure>),
}

/// Where an attempt is after it went on.
#[derive(Debug)]
pub enum Progress {
    /// It waits for the answer to this.
    Asks(Ask),
    /// It is over.
    Ends(Result<Ensured, EnsureError<Failure>>),
}

/// An attempt under way.
pub struct Attempt {
    port: Arc<Port>,
    run: Pin<Box<dyn Future<Output = Result<Ensured, EnsureError<Failure>>>>>,
}

impl std::fmt::Debug for Attempt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Attempt").finish_non_exhaustive()
    }
}

impl Attempt {
    /// One that did nothing yet; without a past, one that only settles.
    pub fn new(
        intent: Arc<Intent>,
        on_existing: OnExisting,
        rules: Rules,
        begun: Timestamp,
        past: Option<Past>,
    ) -> Self {
        let port = Arc::new(Port::default());
        let inside = Arc::clone(&port);
        let run = Box::pin(async move {
            let call = Call {
                intent: &intent,
                on_existing,
                rules,
                begun: Some(begun),
            };
            match past {
                Some(past) => ensure(&call, past, &*inside).await,
                None => settle(&call, &*inside).await,
            }
        });
        Self { port, run }
    }

    /// Goes on until the next call, with the answer to the last one.
    pub fn go_on(&mut self, now: Now, reply: Option<Reply>) -> Progress {
        *lock(&self.port.now) = Some(now);
        *lock(&self.port.reply) = reply;
        let mut context = Context::from_waker(Waker::noop());
        match self.run.as_mut().poll(&mut context) {
            Poll::Ready(result) => Progress::Ends(result),
            Poll::Pending => match lock(&self.port.ask).take() {
                Some(ask) => Progress::Asks(ask),
                None => unreachable!("an attempt waits for its calls alone"),
            },
        }
    }
}

/// Where the protocol's calls come out and the answers go in.
#[derive(Debug, Default)]
struct Port {
    ask: Mutex<Option<Ask>>,
    reply: Mutex<Option<Reply>>,
    now: Mutex<Option<Now>>,
}

impl Port {
    async fn call(&self, ask: Ask) -> Reply {
        let mut ask = Some(ask);
        poll_fn(|_| {
            if let Some(ask) = ask.take() {
                *lock(&self.ask) = Some(ask);
                return Poll::Pending;
            }
            lock(&self.reply).take().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

impl Reads for Port {
    type Failure = Failure;

    async fn look(&self) -> Result<Vec<Existing>, Failure> {
        match self.call(Ask::Look).await {
            Reply::Look(reply) => reply,
            other => unreachable!("{other:?} answers no look"),
        }
    }

    async fn read(&self, id: &str) -> Result<Option<Existing>, Failure> {
        match self.call(Ask::Read(id.to_owned())).await {
            Reply::Read(reply) => reply,
            other => unreachable!("{other:?} answers no read"),
        }
    }

    fn now(&self) -> Now {
        lock(&self.now).unwrap_or(Now::new(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH))
    }
}

impl Resource for Port {
    async fn create(&self) -> Result<Created, Failure> {
        match self.call(Ask::Create).await {
            Reply::Create(reply) => reply,
            other => unreachable!("{other:?} answers no create"),
        }
    }

    async fn delete(&self, id: &str) -> Result<Deletion, Failure> {
        match self.call(Ask::Delete(id.to_owned())).await {
            Reply::Delete(reply) => reply,
            other => unreachable!("{other:?} answers no deletion"),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
