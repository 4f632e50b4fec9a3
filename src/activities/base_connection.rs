//! The base connection: address and credentials of a source, kept by the platform.

use aep_flow_ensure::{Intent, ResourceKind};
use aep_flow_proto::{
    names,
    v1::{
        BaseConnection, Connection, ConnectionSpec, OracleServiceCloudConnection,
        TestBaseConnectionInput, TestBaseConnectionResult,
    },
    validate,
};
use aep_platform::{
    BaseConnection as Found, BaseConnectionId, ConnectionSpecRef, Created, Deleted,
    NewBaseConnection, PlatformError, Sandbox,
};
use secrecy::ExposeSecret as _;

use super::{
    attempt::Attempt,
    auth_params::{self, Fields},
    ensure::{Create, Creates, Deletable, Ensurable},
    failure::ActivityFailure,
    platform::Platform,
    spec_check::{self, Agreed},
};
use crate::connection::{self, CheckedConnection, ParameterInput};

const KIND: ResourceKind = ResourceKind::BaseConnection;

/// The way of authentication that most sources have, and whose connections are marked without
/// its name.
const BASIC_AUTHENTICATION: &str = "Basic Authentication";

impl Creates for Connection {
    const RESOURCE: ResourceKind = KIND;

    async fn create(
        self,
        platform: &Platform,
        attempt: &Attempt,
    ) -> Result<BaseConnection, ActivityFailure> {
        let checked = checked(platform, &self)?;
        let mut made = ensure(platform, attempt, &self, &checked, Fields::InParams).await?;
        let auth = checked.source.auth_deprecation_notice(checked.auth);
        let said = checked.source.deprecation_notice();
        let doubt = checked.source.doubt.clone();
        made.warnings
            .splice(0..0, said.into_iter().chain(auth).chain(doubt));
        Ok(made)
    }
}

/// The same for one source, whose parameters are fields of the input, and which goes on with a
/// warning.
impl Creates for OracleServiceCloudConnection {
    const RESOURCE: ResourceKind = KIND;

    async fn create(
        self,
        platform: &Platform,
        attempt: &Attempt,
    ) -> Result<BaseConnection, ActivityFailure> {
        let mut findings = validate::Findings::default();
        validate::connection(&mut findings, "", &self, platform.rules);
        findings.into_result().map_err(ActivityFailure::invalid)?;
        let params = vec![
            ("host".to_owned(), ParameterInput::Plain(self.host.into())),
            (
                "password".to_owned(),
                ParameterInput::Reference(self.password.unwrap_or_default()),
            ),
            (
                "username".to_owned(),
                ParameterInput::Plain(self.username.into()),
            ),
        ];
        let input = Connection {
            sandbox: self.sandbox,
            name: self.name,
            description: self.description,
            source: names::ORACLE_SERVICE_CLOUD.to_owned(),
            auth: BASIC_AUTHENTICATION.to_owned(),
            params: None,
            on_existing: self.on_existing,
            adopt: self.adopt,
            continues: self.continues,
            acknowledge_deprecation: true,
        };
        let checked = connection::served(&platform.catalog, &input.source)
            .and_then(|served| served.check(&input.auth, params, platform.rules))
            .map_err(ActivityFailure::invalid)?;
        let mut made = ensure(platform, attempt, &input, &checked, Fields::OnTop).await?;
        let said = names::ORACLE_SERVICE_CLOUD_DEPRECATED.to_owned();
        made.warnings.insert(0, said);
        Ok(made)
    }
}

/// The input checked by its form and against the catalogue.
fn checked<'a>(
    platform: &'a Platform,
    input: &Connection,
) -> Result<CheckedConnection<'a>, ActivityFailure> {
    let mut findings = validate::Findings::default();
    validate::any_connection(&mut findings, "", input);
    let served = connection::served(&platform.catalog, &input.source);
    let dropped = served
        .as_ref()
        .ok()
        .filter(|_| !platform.acknowledges_deprecation)
        .and_then(|served| connection::deprecation(served.source, input));
    let checked = findings
        .into_result()
        .and_then(|()| served?.check(&input.auth, connection::parameters(input), platform.rules));
    match (checked, dropped) {
        (Ok(checked), None) => Ok(checked),
        (Ok(checked), Some(dropped)) => {
            let all = std::iter::once(dropped).chain(checked.found_by_catalogue());
            Err(ActivityFailure::invalid(all.collect()))
        }
        (Err(found), dropped) => Err(ActivityFailure::invalid(
            dropped.into_iter().chain(found).collect(),
        )),
    }
}

async fn ensure(
    platform: &Platform,
    attempt: &Attempt,
    input: &Connection,
    checked: &CheckedConnection<'_>,
    fields: Fields,
) -> Result<BaseConnection, ActivityFailure> {
    auth_params::permit(platform, checked, fields)?;
    // A dry run needs no secret, unless the marker keeps something of it.
    let params = if attempt.dry_run().is_some() && platform.fingerprint_key().is_none() {
        auth_params::unread(&checked.params)
    } else {
        auth_params::resolve(platform, &checked.params, fields).await?
    };
    let create = Create::of(platform, attempt, input).await?;
    let agreed = match spec_check::check(platform, &create.sandbox, checked, fields).await {
        // An earlier attempt, which may have created it, passed this check: to search for it is
        // better than to refuse.
        Err(_) if input.adopt.is_some() || attempt.past(KIND).is_open() => {
            Agreed::by_catalogue(checked)
        }
        agreed => agreed?,
    };
    let spec_id = &checked.source.connection_spec.id;
    let key = platform
        .fingerprint_key()
        .map(|key| key.expose_secret().as_bytes());
    let intent = create.intent(KIND, spec_id, &input.name);
    let spec_name = &checked.auth.spec_name;
    // Connections to an Oracle Service Cloud were marked without the name of their way before
    // there was any other. Left out for that name, they are still known for what they are, and
    // those of another way of the same source for another request.
    let intent = if spec_name == BASIC_AUTHENTICATION {
        intent
    } else {
        intent.field("auth", spec_name)
    };
    let intent = auth_params::fingerprint(intent, &params, key);
    // Holds the secrets, and so is never written anywhere but to the platform.
    let new = NewBaseConnection {
        name: input.name.clone(),
        description: None,
        connection_spec: ConnectionSpecRef {
            id: super::read_id("source", spec_id)?,
            version: agreed.version.clone(),
        },
        auth_spec_name: spec_name.clone(),
        auth_extra: checked.auth.extra.clone(),
        params,
    };
    // The protocol knows a parameter by its bare name, the caller by its field.
    let is_param = |field: &str| checked.params.iter().any(|given| given.name == field);
    let ensured = create
        .run(intent, new)
        .await
        .map_err(|failed| failed.renamed(|field| is_param(field).then(|| fields.of(field))))?;
    let mut warnings = agreed.warnings;
    if !ensured.differs.is_empty() {
        let names = ensured.differs.iter().map(|field| match is_param(field) {
            true => fields.of(field),
            false => field.clone(),
        });
        warnings.push(format!(
            "the base connection `{}` ({}) exists, and was created with another {}: the platform \
             keeps that one. If it no longer holds at the source, change it in the connection; if \
             only the workers' fingerprint key has changed, nothing is wrong",
            input.name,
            ensured.id,
            names.collect::<Vec<_>>().join(", ")
        ));
    }
    Ok(BaseConnection {
        id: ensured.id,
        etag: ensured.etag,
        outcome: ensured.outcome.into(),
        warnings,
        connection_spec: Some(ConnectionSpec {
            id: spec_id.clone(),
            version: agreed.version,
            has_own_types: checked.source.has_own_types().then_some(true),
        }),
        deprecated: checked.source.deprecation.is_some(),
    })
}

impl Ensurable for NewBaseConnection {
    const KIND: ResourceKind = KIND;
    const DRY_RUN_ID: &'static str = "00000000-0000-0000-0000-000000000000";
    type Id = BaseConnectionId;
    type Found = Found;
    type Duplicate = Self;

    fn mark(&mut self, intent: &Intent, description: &str) {
        self.description = Some(intent.described(description));
    }

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<Found>, PlatformError> {
        sandbox
            .find_base_connections_named(&self.name, &self.connection_spec.id)
            .await
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, PlatformError> {
        sandbox.create_base_connection(self).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<Found, PlatformError> {
        sandbox.get_base_connection(id).await
    }

    fn differs(&self, found: &Found) -> Option<String> {
        other_spec(&self.connection_spec, found.connection_spec.as_ref())
    }
}

impl Deletable for NewBaseConnection {
    async fn is_used(sandbox: &Sandbox, id: &Self::Id) -> Result<bool, PlatformError> {
        let users = sandbox.find_source_connections_of(id).await?;
        Ok(!users.is_empty())
    }

    async fn delete(sandbox: &Sandbox, id: &Self::Id) -> Result<Deleted, PlatformError> {
        sandbox.delete_base_connection(id).await
    }
}

/// That `found` is of another specification, where it says of which it is.
pub(super) fn other_spec(
    wanted: &ConnectionSpecRef,
    found: Option<&ConnectionSpecRef>,
) -> Option<String> {
    let found = found.filter(|found| found.id != wanted.id)?;
    Some(format!("its connection specification is {}", found.id))
}

pub(super) async fn test(
    platform: &Platform,
    input: TestBaseConnectionInput,
) -> Result<TestBaseConnectionResult, ActivityFailure> {
    let id = base_connection_id(&input.base_connection_id)?;
    let sandbox = platform.sandbox(&input.sandbox).await?;
    let result = sandbox
        .test_base_connection(&id)
        .await
        .map_err(|error| ActivityFailure::from(error).with_created(KIND.as_str(), id.as_str()))?;
    if result {
        Ok(TestBaseConnectionResult { result })
    } else {
        Err(
            ActivityFailure::rejected_source(&format!("the source refused base connection {id}"))
                .with_created(KIND.as_str(), id.as_str()),
        )
    }
}

/// The id of a base connection in an input's `baseConnectionId`.
pub(super) fn base_connection_id(id: &str) -> Result<BaseConnectionId, ActivityFailure> {
    super::read_id("baseConnectionId", id)
}
