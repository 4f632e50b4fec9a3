//! The login: one token for all activities, renewed before it expires, one renewal at a time.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::VaultError;
use super::wire::{Grant, Wire};
use crate::secret_file::{read_all, without_line_end};

/// How long a failed login counts for everyone: a hundred activities must not repeat a hundred times
/// what was just refused.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// A token of Kubernetes has 1 to 2 KiB.
const MAX_SERVICE_ACCOUNT_BYTES: usize = 16 * 1024;

/// How the worker logs in.
#[derive(Debug)]
pub(super) enum Login {
    /// With a configured token.
    Token(SecretString),
    /// With a role's id and secret.
    AppRole {
        mount: String,
        role_id: String,
        secret_id: SecretString,
    },
    /// As a Kubernetes service account. Its token is rotated, so each login reads it again.
    Kubernetes {
        mount: String,
        role: String,
        token_file: PathBuf,
    },
}

#[derive(Debug)]
struct Held {
    token: Arc<SecretString>,
    /// When to renew it and when it expires; a token may not expire.
    due: Option<(Instant, Instant)>,
    is_renewable: bool,
    /// Its lifetime when it was new.
    first_life: Duration,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    failed: Option<(Instant, VaultError)>,
}

/// A login, and its token.
#[derive(Debug)]
pub(super) struct Session {
    login: Login,
    /// Held for a few instructions, never across an await.
    state: Mutex<State>,
    /// Held during a login, so that there is only one.
    renewing: tokio::sync::Mutex<()>,
}

enum Look {
    Fresh(Arc<SecretString>),
    /// Valid but due for renewal; whether it is renewable, and its lifetime when it was new.
    Due(Arc<SecretString>, bool, Duration),
    Absent,
}

impl Session {
    pub(super) fn new(login: Login) -> Self {
        Self {
            login,
            state: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
        }
    }

    /// The token. Logs in if there is none, and renews it when due.
    pub(super) async fn token(&self, wire: &Wire) -> Result<Arc<SecretString>, VaultError> {
        let _renewing = match self.look() {
            Look::Fresh(token) => return Ok(token),
            // Another task renews it already, and this one is still valid.
            Look::Due(token, ..) => match self.renewing.try_lock() {
                Ok(guard) => guard,
                Err(_) => return Ok(token),
            },
            Look::Absent => self.renewing.lock().await,
        };
        // Checks again: the previous holder of the lock may have got a token.
        let old = match self.look() {
            Look::Fresh(token) => return Ok(token),
            Look::Due(token, is_renewable, first_life) => Some((token, is_renewable, first_life)),
            Look::Absent => None,
        };
        if let Some(error) = self.recent_failure() {
            return old.map(|(token, ..)| token).ok_or(error);
        }
        // The lifetime counts from before the request, because the response may be slow.
        let asked_at = Instant::now();
        if let Some((token, true, first_life)) = &old
            && let Ok(grant) = wire.renew(token).await
            // Near its maximum lifetime, a renewal gains little.
            && Duration::from_secs(grant.lease_duration) >= *first_life / 2
        {
            return Ok(self.store(asked_at, grant, Some(*first_life)));
        }
        match self.log_in(wire).await {
            Ok(grant) => Ok(self.store(asked_at, grant, None)),
            Err(error) => {
                self.lock().failed = Some((Instant::now() + FAILURE_PAUSE, error.clone()));
                // The old token is still valid for a moment.
                old.map(|(token, ..)| token).ok_or(error)
            }
        }
    }

    /// Whether Vault still accepts the token.
    pub(super) async fn is_alive(
        &self,
        wire: &Wire,
        token: &SecretString,
    ) -> Result<bool, VaultError> {
        match wire.look_up(token).await {
            Ok(_) => Ok(true),
            Err(VaultError::Denied) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Discards a token, unless another task has replaced it.
    pub(super) fn discard(&self, token: &Arc<SecretString>) {
        let mut state = self.lock();
        if let Some(held) = &state.held
            && Arc::ptr_eq(&held.token, token)
        {
            state.held = None;
        }
    }

    async fn log_in(&self, wire: &Wire) -> Result<Grant, VaultError> {
        let granted = match &self.login {
            Login::Token(token) => wire.look_up(token).await.map(|info| Grant {
                client_token: token.clone(),
                lease_duration: info.ttl,
                renewable: info.renewable,
            }),
            Login::AppRole {
                mount,
                role_id,
                secret_id,
            } => {
                #[derive(Serialize)]
                struct Body<'a> {
                    role_id: &'a str,
                    secret_id: &'a str,
                }
                let body = Body {
                    role_id,
                    secret_id: secret_id.expose_secret(),
                };
                wire.log_in(mount, &body).await
            }
            Login::Kubernetes {
                mount,
                role,
                token_file,
            } => {
                #[derive(Serialize)]
                struct Body<'a> {
                    role: &'a str,
                    jwt: &'a str,
                }
                let none = |reason: &str| VaultError::NoServiceAccount {
                    reason: format!("{}: {reason}", token_file.display()),
                };
                let token = File::open(token_file)
                    .and_then(|file| read_all(file, MAX_SERVICE_ACCOUNT_BYTES))
                    .map_err(|error| none(&error.to_string()))?
                    .ok_or_else(|| none("too long"))?;
                let jwt = str::from_utf8(without_line_end(&token)).map_err(|_| none("no text"))?;
                wire.log_in(mount, &Body { role, jwt }).await
            }
        };
        granted.map_err(|error| match error {
            VaultError::Denied => VaultError::LoginRefused { status: 403 },
            VaultError::Missing => VaultError::LoginRefused { status: 404 },
            VaultError::Refused { status } => VaultError::LoginRefused { status },
            other => other,
        })
    }

    fn look(&self) -> Look {
        let now = Instant::now();
        match &self.lock().held {
            None => Look::Absent,
            Some(held) => match held.due {
                Some((_, ends_at)) if now >= ends_at => Look::Absent,
                Some((renew_at, _)) if now >= renew_at => {
                    Look::Due(Arc::clone(&held.token), held.is_renewable, held.first_life)
                }
                Some(_) | None => Look::Fresh(Arc::clone(&held.token)),
            },
        }
    }

    fn recent_failure(&self) -> Option<VaultError> {
        let state = self.lock();
        let (until, error) = state.failed.as_ref()?;
        (Instant::now() < *until).then(|| error.clone())
    }

    fn store(
        &self,
        asked_at: Instant,
        grant: Grant,
        first_life: Option<Duration>,
    ) -> Arc<SecretString> {
        let life = Duration::from_secs(grant.lease_duration);
        let token = Arc::new(grant.client_token);
        let mut state = self.lock();
        state.failed = None;
        state.held = Some(Held {
            token: Arc::clone(&token),
            // After two thirds of the lifetime, like Vault's own agent.
            due: (!life.is_zero()).then(|| (asked_at + life * 2 / 3, asked_at + life)),
            is_renewable: grant.renewable,
            first_life: first_life.unwrap_or(life),
        });
        token
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // After a panic between two assignments, the next login replaces the state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
