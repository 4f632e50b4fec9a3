//! One access token for all tasks: fetched once, renewed before it ends, one renewal in flight.
//!
//! This module knows no HTTP: the fetch is a closure, and time and randomness are arguments.
//! Source: "Server to Server authentication" of the Developer Console guides, read 2026-11: a token
//! lives 24 h, should be reused, and frequent requests may be throttled.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderValue;
use secrecy::SecretString;

use crate::clock::Clock;
use crate::error::PlatformError;

/// A token is renewed when 10 % of its life is left, at most 10 min. Randomness makes it up to that
/// much earlier, so that workers that start together don't renew together.
const MARGIN_DIVISOR: u32 = 10;
const MAX_MARGIN: Duration = Duration::from_secs(600);

/// A token this close to its end is not used, as the request must arrive before it ends.
const FLOOR: Duration = Duration::from_secs(5);

/// Within this time a failed fetch fails for every task: a hundred waiting tasks must not repeat a
/// hundred times what was just refused.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// The result of a fetch.
pub(crate) struct Grant {
    /// `Bearer …`, marked sensitive.
    pub(crate) authorization: HeaderValue,
    /// How long it lives, counted from the request for it.
    pub(crate) life: Duration,
}

/// A token to send, and which one it is.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) authorization: HeaderValue,
    generation: u64,
}

impl Token {
    /// The token alone, so that messages can be cleaned of it.
    pub(crate) fn secret(&self) -> SecretString {
        let text = self.authorization.to_str().unwrap_or_default();
        SecretString::from(text.trim_start_matches("Bearer "))
    }
}

struct HeldToken {
    token: Token,
    renew_at: Instant,
    ends_at: Instant,
}

#[derive(Default)]
struct CacheState {
    held: Option<HeldToken>,
    failed: Option<(Instant, PlatformError)>,
    generation: u64,
}

enum CachedToken {
    Fresh(Token),
    /// Good, but due for renewal.
    Due(Token),
    Absent,
}

pub(crate) struct TokenCache {
    /// HeldToken for a few instructions, never across an await, so a plain lock.
    state: Mutex<CacheState>,
    /// Held during a fetch: the task that has it renews. If the fetch is dropped, the next task
    /// fetches.
    renewing: tokio::sync::Mutex<()>,
    clock: Arc<dyn Clock>,
    /// A number from 0 to 1.
    chance: Box<dyn Fn() -> f64 + Send + Sync>,
}

impl TokenCache {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        chance: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self {
            state: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
            clock,
            chance: Box::new(chance),
        }
    }

    /// The token, fetched if there is none or it is due.
    ///
    /// # Errors
    /// The error of `fetch`, here or for another task less than a second ago. A renewal that fails
    /// while the old token is still good is not an error.
    pub(crate) async fn get<F, Fut>(&self, fetch: F) -> Result<Token, PlatformError>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Grant, PlatformError>>,
    {
        let _renewing = match self.cached() {
            CachedToken::Fresh(token) => return Ok(token),
            // Another task renews it already, and this one is still good, so this task does not
            // wait.
            CachedToken::Due(token) => match self.renewing.try_lock() {
                Ok(guard) => guard,
                Err(_) => return Ok(token),
            },
            CachedToken::Absent => self.renewing.lock().await,
        };
        // The second look: the task that had the lock before may have fetched.
        let old = match self.cached() {
            CachedToken::Fresh(token) => return Ok(token),
            CachedToken::Due(token) => Some(token),
            CachedToken::Absent => None,
        };
        if let Some(error) = self.recent_failure() {
            return old.ok_or(error);
        }
        // The life counts from before the request, as the response may take long to arrive.
        let asked_at = self.clock.now();
        match fetch().await {
            Ok(grant) => Ok(self.store(asked_at, grant)),
            Err(error) => {
                let wait = error.retry_after().unwrap_or_default();
                let until = self.clock.now() + wait.max(FAILURE_PAUSE);
                self.lock().failed = Some((until, error.clone()));
                old.ok_or(error)
            }
        }
    }

    /// Forgets a token that the platform refused, unless another task has done so.
    pub(crate) fn discard(&self, token: &Token) {
        let mut state = self.lock();
        if state
            .held
            .as_ref()
            .is_some_and(|held| held.token.generation == token.generation)
        {
            state.held = None;
        }
    }

    fn cached(&self) -> CachedToken {
        let now = self.clock.now();
        match &self.lock().held {
            Some(held) if now < held.renew_at => CachedToken::Fresh(held.token.clone()),
            Some(held) if now + FLOOR < held.ends_at => CachedToken::Due(held.token.clone()),
            Some(_) | None => CachedToken::Absent,
        }
    }

    fn recent_failure(&self) -> Option<PlatformError> {
        let now = self.clock.now();
        let mut state = self.lock();
        match &state.failed {
            Some((until, error)) if now < *until => Some(error.clone()),
            Some(_) => {
                state.failed = None;
                None
            }
            None => None,
        }
    }

    fn store(&self, asked_at: Instant, grant: Grant) -> Token {
        let margin = (grant.life / MARGIN_DIVISOR).min(MAX_MARGIN);
        let early = margin + margin.mul_f64((self.chance)().clamp(0.0, 1.0));
        let ends_at = asked_at + grant.life;
        let mut state = self.lock();
        state.generation += 1;
        state.failed = None;
        let token = Token {
            authorization: grant.authorization,
            generation: state.generation,
        };
        state.held = Some(HeldToken {
            token: token.clone(),
            renew_at: asked_at + grant.life.saturating_sub(early),
            ends_at,
        });
        token
    }

    fn lock(&self) -> MutexGuard<'_, CacheState> {
        // After a panic between two assignments, the next fetch replaces the state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
