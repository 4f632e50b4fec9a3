//! The platform as activities see it: a client if there are credentials, a sandbox if it
//! is there, and what the configuration says.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aep_flow_ensure::{Intent, ResourceKind, Rules};
use aep_flow_proto::validate;
use aep_platform::{
    Client, ConnectionSpec, ConnectionSpecId, PlatformError, Sandbox, SandboxName, SandboxState,
    TenantId,
};

use super::failure::ActivityFailure;
use crate::{
    catalog::Catalog,
    config::{Config, Ensure},
    secrets::{SecretStore, vault::VaultConfigError},
};

/// How long a sandbox that was found active is taken to be so. A sandbox is reset by hand
/// and seldom; calls into one that is gone are refused all the same.
const SANDBOX_KNOWN_FOR: Duration = Duration::from_secs(600);

/// What all activities share.
#[derive(Debug)]
pub struct Platform {
    client: Option<Client>,
    organisation: String,
    default_sandbox: String,
    ensure: Ensure,
    /// How long after now "now" is for a dataflow's start.
    pub(super) start_margin: Duration,
    /// What validation is to allow.
    pub(super) rules: validate::Rules,
    /// Where secrets are resolved.
    pub(super) secrets: SecretStore,
    /// Which sources there are.
    pub(super) catalog: Catalog,
    /// Whether sources that Adobe drops are taken without a caller's word.
    pub(super) acknowledges_deprecation: bool,
    spec_ttl: Duration,
    known: Mutex<Known>,
}

/// Held for a look-up or an insert, never across an await.
#[derive(Debug, Default)]
struct Known {
    active: HashMap<String, Instant>,
    specs: HashMap<String, (Instant, Arc<ConnectionSpec>)>,
    tenant: Option<TenantId>,
}

impl Platform {
    /// The platform that `config` names, through `client`; without credentials there is none.
    /// `catalog` says which sources there are.
    ///
    /// # Errors
    /// [`VaultConfigError`]: what is set of Vault is wrong.
    pub fn new(
        config: &Config,
        client: Option<Client>,
        catalog: Catalog,
    ) -> Result<Self, VaultConfigError> {
        Ok(Self {
            client,
            organisation: config.aep.org_id.clone().unwrap_or_default(),
            default_sandbox: config.aep.sandbox.clone(),
            ensure: config.ensure.clone(),
            start_margin: config.aep.start_margin,
            rules: validate::Rules {
                allow_local_hosts: config.source.allow_local_hosts,
            },
            secrets: SecretStore::new(config)?,
            catalog,
            acknowledges_deprecation: config.source.acknowledge_deprecation,
            spec_ttl: config.source.spec_ttl,
            known: Mutex::default(),
        })
    }

    /// The sandbox called `name`, or the worker's own; it exists and is active.
    pub(super) async fn sandbox(&self, name: &str) -> Result<Sandbox, ActivityFailure> {
        let client = self
            .client
            .as_ref()
            .ok_or_else(ActivityFailure::no_credentials)?;
        let name = if name.is_empty() {
            &self.default_sandbox
        } else {
            name
        };
        let parsed = SandboxName::parse(name).map_err(|error| {
            ActivityFailure::field("sandbox", format!("`{name}`"), error.to_string())
        })?;
        let sandbox = client.sandbox(&parsed);
        if self.is_known_active(name) {
            return Ok(sandbox);
        }
        let info = sandbox.info().await?;
        match info {
            None => Err(ActivityFailure::no_sandbox(format!(
                "there is no sandbox `{name}` for these credentials"
            ))),
            Some(info) if info.state != SandboxState::Active => Err(ActivityFailure::no_sandbox(
                format!("the sandbox `{name}` is not active but {:?}", info.state),
            )),
            Some(_) => {
                self.known().active.insert(name.to_owned(), Instant::now());
                Ok(sandbox)
            }
        }
    }

    /// What the platform says of a source, as it said within the time to live: nothing where it
    /// has none. A specification is the same in every sandbox and organisation. Source: Flow
    /// Service API reference, read 2026-11.
    pub(super) async fn connection_spec(
        &self,
        sandbox: &Sandbox,
        id: &ConnectionSpecId,
    ) -> Result<Option<Arc<ConnectionSpec>>, PlatformError> {
        let known = self.known().specs.get(id.as_str()).cloned();
        if let Some((since, spec)) = known
            && since.elapsed() < self.spec_ttl
        {
            return Ok(Some(spec));
        }
        // That there is none is asked anew each time: it stops every ingestion of the source.
        let spec = sandbox.get_connection_spec(id).await?.map(Arc::new);
        if let Some(spec) = &spec {
            let known = (Instant::now(), Arc::clone(spec));
            self.known().specs.insert(id.to_string(), known);
        }
        Ok(spec)
    }

    /// The organisation's tenant, asked for once.
    pub(super) async fn tenant(&self, sandbox: &Sandbox) -> Result<TenantId, ActivityFailure> {
        if let Some(tenant) = self.known().tenant.clone() {
            return Ok(tenant);
        }
        let info = sandbox.tenant_info().await?;
        self.known().tenant = Some(info.tenant_id.clone());
        Ok(info.tenant_id)
    }

    /// An intent for a resource of this organisation in `sandbox`.
    pub(super) fn intent(
        &self,
        kind: ResourceKind,
        sandbox: &Sandbox,
        scope: &str,
        name: &str,
    ) -> Intent {
        intent(&self.organisation, kind, sandbox, scope, name)
    }

    pub(super) fn ensure_rules(&self) -> Rules {
        Rules {
            quiet_period: self.ensure.quiet_period,
            list_lag: self.ensure.list_lag,
            looks: self.ensure.looks,
            sole_caller: self.ensure.sole_caller,
        }
    }

    pub(super) fn fingerprint_key(&self) -> Option<&secrecy::SecretString> {
        self.ensure.fingerprint_key.as_ref()
    }

    fn is_known_active(&self, name: &str) -> bool {
        let known = self.known();
        known
            .active
            .get(name)
            .is_some_and(|since| since.elapsed() < SANDBOX_KNOWN_FOR)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        // A panic elsewhere cannot leave a cache half written.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An intent for a resource of `organisation` in `sandbox`; `scope` is what else a name is
/// unique within.
pub(crate) fn intent(
    organisation: &str,
    kind: ResourceKind,
    sandbox: &Sandbox,
    scope: &str,
    name: &str,
) -> Intent {
    Intent::new(kind, &[organisation, sandbox.name().as_str(), scope], name)
}
