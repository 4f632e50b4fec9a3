//! The login: one token for all activities, renewed before it ends, one renewal in flight.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::VaultError;
use super::wire::{Grant, Wire};
use crate::secret_file::{read_all, without_line_end};

/// A failed login is the answer for everyone within this time: a hundred activities must not ask
/// a hundred times for what was just refused.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// A token of Kubernetes has 1 to 2 KiB.
const MAX_SERVICE_ACCOUNT_BYTES: usize = 16 * 1024;

/// As whom the worker comes.
#[derive(Debug)]
pub(super) enum Login {
    /// With a token that somebody else got.
    Token(SecretString),
    /// With a role's id and secret.
    AppRole {
        mount: String,
        role_id: String,
        secret_id: SecretString,
    },
    /// As a service account of Kubernetes, whose token is read at each login, as it is rotated.
    Kubernetes {
        mount: String,
        role: String,
        token_file: PathBuf,
    },
}

#[derive(Debug)]
struct Held {
    token: Arc<SecretString>,
    /// When it is to be renewed, and when it ends; a token may have no end.
    due: Option<(Instant, Instant)>,
    is_renewable: bool,
    /// How long it lived when it was new.
    first_life: Duration,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    failed: Option<(Instant, VaultError)>,
}

/// A login, and the token that it gave.
#[derive(Debug)]
pub(super) struct Session {
    login: Login,
    /// Held for a few instructions, never across an await.
    state: Mutex<State>,
    /// Held during a login: whoever has it is the one who logs in.
    renewing: tokio::sync::Mutex<()>,
}

enum Look {
    Fresh(Arc<SecretString>),
    /// Good, but due to be renewed; whether it can be, and how long it lived when it was new.
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

    /// The token; got if there is none, renewed if it is due.
    pub(super) async fn token(&self, wire: &Wire) -> Result<Arc<SecretString>, VaultError> {
        let _renewing = match self.look() {
            Look::Fresh(token) => return Ok(token),
            // Somebody renews it already, and this one is still good.
            Look::Due(token, ..) => match self.renewing.try_lock() {
                Ok(guard) => guard,
                Err(_) => return Ok(token),
            },
            Look::Absent => self.renewing.lock().await,
        };
        // The second look: whoever had the lock before may have got one.
        let old = match self.look() {
            Look::Fresh(token) => return Ok(token),
            Look::Due(token, is_renewable, first_life) => Some((token, is_renewable, first_life)),
            Look::Absent => None,
        };
        if let Some(error) = self.recent_failure() {
            return old.map(|(token, ..)| token).ok_or(error);
        }
        // A life counts from before the question: the answer may have travelled long.
        let asked_at = Instant::now();
        if let Some((token, true, first_life)) = &old
            && let Ok(grant) = wire.renew(token).await
            // Near the end of the longest life that it may have, a renewal gives little.
            && Duration::from_secs(grant.lease_duration) >= *first_life / 2
        {
            return Ok(self.store(asked_at, grant, Some(*first_life)));
        }
        match self.log_in(wire).await {
            Ok(grant) => Ok(self.store(asked_at, grant, None)),
            Err(error) => {
                self.lock().failed = Some((Instant::now() + FAILURE_PAUSE, error.clone()));
                // Still good for a moment.
                old.map(|(token, ..)| token).ok_or(error)
            }
        }
    }

    /// Whether Vault still knows the token.
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

    /// Forgets a token, unless another task did so already.
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
            // Two thirds of a life, as Vault's own agent does.
            due: (!life.is_zero()).then(|| (asked_at + life * 2 / 3, asked_at + life)),
            is_renewable: grant.renewable,
            first_life: first_life.unwrap_or(life),
        });
        token
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic between two assignments leaves a state that the next login replaces.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
