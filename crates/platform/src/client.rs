//! The client: one connection pool and one token for all tasks, and the loop around a send.
//!
//! The loop sends twice in two cases only. If the platform refuses the token, the token is renewed
//! once; the refused request had no effect, so this is safe for creates too. If the connection of a
//! read breaks, the read is repeated once. The caller repeats everything else.

use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, HeaderValue, header};
use tokio::sync::Semaphore;
use url::Url;

use crate::build_error::BuildError;
use crate::classify::refuses_token;
use crate::clock::{Clock, SystemClock};
use crate::error::{End, PlatformError};
use crate::ids::SandboxName;
use crate::ims;
use crate::kind::{EntityKind, Operation};
use crate::meaning::Class;
use crate::observe::{self, Observed, Renewal};
use crate::patience::Patience;
use crate::platform_clock::PlatformClock;
use crate::refusal::PlatformRefusal;
use crate::request::Request;
use crate::response::{Response, UnreadableResponse};
use crate::settings::{Credentials, Settings};
use crate::token::{Token, TokenCache};
use crate::transport::{Transport, TransportKind, WireRequest};

/// The platform, for one organisation and one credential. Cloning it is cheap and shares the
/// connections and the token.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    is_patient: bool,
}

struct Inner {
    transport: Transport,
    tokens: TokenCache,
    patience: Patience,
    clock: Arc<dyn Clock>,
    platform_clock: PlatformClock,
    settings: Settings,
    credentials: Credentials,
    /// One permit for each request that may be in flight.
    in_line: Semaphore,
    /// Host and path in front of every service's base path, without a slash at the end.
    platform_base: String,
    /// The headers of every call: API key and organisation.
    headers: HeaderMap,
}

impl Client {
    /// Builds a client. Opens no connection.
    ///
    /// # Errors
    /// [`BuildError`]: each is a fault of the configuration.
    pub fn new(settings: Settings, credentials: Credentials) -> Result<Self, BuildError> {
        Self::with_clock(settings, credentials, Arc::new(SystemClock))
    }

    pub(crate) fn with_clock(
        settings: Settings,
        credentials: Credentials,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BuildError> {
        settings.check()?;
        credentials.check()?;
        let header_value = |setting: &'static str, text: &str| {
            HeaderValue::from_str(text).map_err(|_| BuildError::WrongSetting {
                setting,
                problem: "has a character that no header can carry",
            })
        };
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-api-key",
            header_value("client_id", &credentials.client_id)?,
        );
        headers.insert("x-gw-ims-org-id", header_value("org_id", &settings.org_id)?);
        Ok(Self {
            inner: Arc::new(Inner {
                transport: Transport::new(&settings)?,
                tokens: TokenCache::new(Arc::clone(&clock), rand::random::<f64>),
                patience: Patience::new(Arc::clone(&clock)),
                clock,
                platform_clock: PlatformClock::new(),
                in_line: Semaphore::new(settings.max_concurrent_requests),
                platform_base: settings
                    .platform_url
                    .as_str()
                    .trim_end_matches('/')
                    .to_owned(),
                settings,
                credentials,
                headers,
            }),
            is_patient: false,
        })
    }

    /// The same client, for a caller that tries again later. The first refusals of a token in a
    /// row, and the first responses of something that is none of Adobe's services, are then
    /// [`Class::Unavailable`], as they may pass; later ones are what they are.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.is_patient = true;
        self
    }

    /// The error, as one that may pass if that is so.
    fn judged(&self, error: PlatformError) -> PlatformError {
        if self.is_patient && error.is_doubtful() && self.inner.patience.refused(error.kind()) {
            error.that_may_pass()
        } else {
            error
        }
    }

    /// The calls within a sandbox. Sends nothing: [`Sandbox::info`] says whether it exists.
    #[must_use]
    pub fn sandbox(&self, name: &SandboxName) -> Sandbox {
        Sandbox {
            client: self.clone(),
            name: name.clone(),
        }
    }

    /// Checks that there is a token; fetches one if there is none.
    ///
    /// # Errors
    /// [`PlatformError`]: the credentials are refused, or IMS can't be reached.
    pub async fn check_credentials(&self) -> Result<(), PlatformError> {
        self.token().await.map(drop)
    }

    /// The platform's time now: this machine's clock, corrected by the difference that the last
    /// successful response of the platform showed; uncorrected before the first one. Sends nothing.
    ///
    /// Compare it with the platform's timestamps, such as a `createdAt`: an age computed with this
    /// machine's clock is wrong by as much as that clock is. The `Date` of a response has whole
    /// seconds and is as old as the response, so this may be a second or two early, and is never
    /// late. Source: RFC 9110, 6.6.1.
    #[must_use]
    pub fn platform_now(&self) -> SystemTime {
        self.inner.platform_clock.at(self.inner.clock.wall())
    }

    /// How many entities to request in a page, where the service allows at most `max`.
    pub(crate) fn page_size(&self, max: u32) -> usize {
        self.inner.settings.page_size.min(max) as usize
    }

    /// The only host that a link in a response may name.
    pub(crate) fn platform_host(&self) -> &str {
        self.inner
            .settings
            .platform_url
            .host_str()
            .unwrap_or_default()
    }

    async fn token(&self) -> Result<Token, PlatformError> {
        let inner = &self.inner;
        inner
            .tokens
            .get(|| async {
                let wire = ims::build(&inner.settings.ims_url, &inner.credentials);
                let observed = Observed::begin(&wire, EntityKind::AccessToken.as_str(), 0);
                let response = observed.sent(inner.transport.send(&wire)).await;
                let grant = match &response {
                    Ok(response) => ims::parse(response, inner.clock.wall(), &inner.credentials),
                    Err(cause) => Err(End::from(cause.clone())),
                };
                let grant = grant.map_err(PlatformError::of_token);
                match &response {
                    Ok(response) => {
                        let code = grant.as_ref().err().and_then(PlatformError::code);
                        observed.responded(response, code);
                    }
                    Err(error) => observed.failed(error),
                }
                if grant.is_ok() {
                    inner.patience.succeeded(EntityKind::AccessToken);
                }
                observe::token_asked_for(match &grant {
                    Ok(_) => Renewal::Renewed,
                    // A service that can't be reached, or limits the rate, has not judged the
                    // credentials.
                    Err(error) if error.class() == Class::Unauthenticated => Renewal::Refused,
                    Err(_) => Renewal::Failed,
                });
                grant
            })
            .await
            .map_err(|error| self.judged(error))
    }

    /// Sends a request and reads the response with `parse`.
    pub(crate) async fn call<T>(
        &self,
        sandbox: Option<&SandboxName>,
        request: &Request,
        parse: impl FnOnce(&Response) -> Result<T, UnreadableResponse>,
    ) -> Result<T, PlatformError> {
        let response = self.exchange(sandbox, request).await;
        response
            .and_then(|response| {
                parse(&response).map_err(|cause| End::Unreadable {
                    status: response.status.as_u16(),
                    request_id: response.request_id(),
                    cause,
                })
            })
            .map_err(|end| self.judged(PlatformError::new(request, end)))
    }

    /// Returns a response that is a 2xx, without reading its body.
    async fn exchange(
        &self,
        sandbox: Option<&SandboxName>,
        request: &Request,
    ) -> Result<Response, End> {
        let mut wire = self.wire(sandbox, request)?;
        let mut renewed = false;
        let mut repeated = false;
        let mut resends = 0;
        loop {
            // Nothing is sent while the request waits here, and neither its time limit nor its span
            // has begun. The semaphore is never closed.
            let turn = self.inner.in_line.acquire().await;
            let token = self.token().await;
            let token = token.map_err(|error| End::NoToken(Box::new(error)))?;
            wire.headers
                .insert(header::AUTHORIZATION, token.authorization.clone());
            let observed = Observed::begin(&wire, request.kind.as_str(), resends);
            resends += 1;
            let response = observed.sent(self.inner.transport.send(&wire)).await;
            drop(turn);
            let response = match response {
                Ok(response) => response,
                Err(error) => {
                    observed.failed(&error);
                    let may_repeat = !repeated && request.operation == Operation::Read;
                    if may_repeat && error.kind() == TransportKind::ConnectionLost {
                        // In most cases the other side closed an idle connection.
                        repeated = true;
                        continue;
                    }
                    return Err(End::from(error));
                }
            };
            self.inner
                .platform_clock
                .learn(&response, self.inner.clock.wall());
            if response.status.is_success() {
                observed.responded(&response, None);
                self.inner.patience.succeeded(request.kind);
                return Ok(response);
            }
            let mut secrets = request.secrets.clone();
            secrets.push(token.secret());
            let refusal = PlatformRefusal::read(&response, self.inner.clock.wall(), &secrets);
            observed.responded(&response, refusal.code.as_ref());
            if !renewed && refuses_token(&refusal) {
                self.inner.tokens.discard(&token);
                renewed = true;
                continue;
            }
            return Err(End::Refused(Box::new(refusal)));
        }
    }

    fn wire(&self, sandbox: Option<&SandboxName>, request: &Request) -> Result<WireRequest, End> {
        let mut headers = self.inner.headers.clone();
        headers.insert(header::ACCEPT, HeaderValue::from_static(request.accept));
        if let Some(sandbox) = sandbox {
            headers.insert(observe::SANDBOX, header_of(sandbox.as_str())?);
        }
        if let Some(etag) = &request.if_match {
            headers.insert(header::IF_MATCH, header_of(etag.as_str())?);
        }
        if request.body.is_some() {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        }
        let address = format!("{}{}", self.inner.platform_base, request.target());
        let url = Url::parse(&address)
            .ok()
            // Whatever the path holds, the host must be the one of the settings.
            .filter(|url| url.host() == self.inner.settings.platform_url.host())
            .ok_or_else(|| not_sent("the address can't be built"))?;
        Ok(WireRequest {
            method: request.method.clone(),
            url,
            template: format!("{}{}", request.service.base_path(), request.template),
            headers,
            body: request.body.clone(),
        })
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("platform_url", &self.inner.settings.platform_url.as_str())
            .field("org_id", &self.inner.settings.org_id)
            .finish_non_exhaustive()
    }
}

fn header_of(text: &str) -> Result<HeaderValue, End> {
    HeaderValue::from_str(text).map_err(|_| not_sent("a header can't carry its value"))
}

fn not_sent(reason: &'static str) -> End {
    End::NotSent(crate::transport::TransportError::unsendable(reason))
}

/// The calls within one sandbox. Each names it in `x-sandbox-name`: a request without that header
/// may silently go to the production sandbox. Cloning it is cheap.
///
/// A future of a read may be dropped at any time. If the future of a create, update or delete is
/// dropped after its first poll, the effect is unknown, as if the response had been lost.
///
/// Source: Sandbox guide and Flow Service API reference, read 2026-11.
#[derive(Debug, Clone)]
pub struct Sandbox {
    pub(crate) client: Client,
    pub(crate) name: SandboxName,
}

impl Sandbox {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &SandboxName {
        &self.name
    }

    /// The client that it belongs to.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The platform's time now, as [`Client::platform_now`] gives it.
    #[must_use]
    pub fn platform_now(&self) -> SystemTime {
        self.client.platform_now()
    }

    /// Sends a request and reads the response with `parse`.
    pub(crate) async fn call<T>(
        &self,
        request: &Request,
        parse: impl FnOnce(&Response) -> Result<T, UnreadableResponse>,
    ) -> Result<T, PlatformError> {
        self.client.call(Some(&self.name), request, parse).await
    }

    /// Reads a list page by page: `build` builds the request of a page from the cursor of the page
    /// before, and `parse` reads its entities and the next cursor. Stops at the end, or after the
    /// page with which there are `max_items`.
    pub(crate) async fn pages<T>(
        &self,
        max_items: usize,
        build: impl Fn(Option<&str>) -> Request,
        parse: impl Fn(&Response, Option<&str>) -> Result<crate::paging::Page<T>, UnreadableResponse>,
    ) -> Result<Vec<T>, PlatformError> {
        let mut pages = crate::paging::Pages::new();
        let mut cursor = None;
        loop {
            let request = build(cursor.as_deref());
            let next = self
                .call(&request, |response| {
                    pages.take(parse(response, cursor.as_deref())?)
                })
                .await?;
            match next {
                Some(next) if pages.len() < max_items => cursor = Some(next),
                Some(_) | None => return Ok(pages.into_items()),
            }
        }
    }
}
