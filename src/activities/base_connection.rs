//! The base connection: address and credentials of a source, kept by the platform.

use aep_flow_ensure::ResourceKind;
use aep_flow_proto::{
    names,
    v1::{
        BaseConnection, Connection, ConnectionSpec, OracleServiceCloudConnection,
        TestBaseConnectionInput, TestBaseConnectionResult,
    },
    validate,
};
use aep_platform::{
    BaseConnection as Found, BaseConnectionId, ConnectionSpecRef, CreateError, Created,
    DeleteError, Deleted, NewBaseConnection, ReadError, Sandbox,
};
use secrecy::ExposeSecret as _;

use super::{
    attempt::Attempt,
    auth_params::{self, Fields},
    ensured::{Ensurable, Wanted},
    failure::Failed,
    platform::Platform,
    spec_check::{self, Agreed},
};
use crate::connection::{self, CheckedConnection, ParameterInput};

const KIND: ResourceKind = ResourceKind::BaseConnection;

/// The way of authentication that most sources have, and whose connections are marked without
/// its name.
const BASIC_AUTHENTICATION: &str = "Basic Authentication";

/// The body of `CreateBaseConnection`, with no Temporal around it.
///
/// # Errors
/// As the activity's failures; ask [`Failed::kind`].
pub async fn create(
    platform: &Platform,
    attempt: &Attempt,
    input: Connection,
) -> Result<BaseConnection, Failed> {
    let checked = checked(platform, &input)?;
    let mut made = ensure(platform, attempt, &input, &checked, Fields::InParams).await?;
    let auth = checked.source.auth_deprecation_notice(checked.auth);
    let said = checked.source.deprecation_notice();
    let doubt = checked.source.doubt.clone();
    made.warnings
        .splice(0..0, said.into_iter().chain(auth).chain(doubt));
    Ok(made)
}

/// The body of `CreateOracleServiceCloudBaseConnection`, with no Temporal around it: the same for
/// one source, whose parameters are fields of the input, and which goes on with a warning.
///
/// # Errors
/// As the activity's failures; ask [`Failed::kind`].
pub async fn create_oracle_service_cloud(
    platform: &Platform,
    attempt: &Attempt,
    input: OracleServiceCloudConnection,
) -> Result<BaseConnection, Failed> {
    let mut findings = validate::Findings::default();
    validate::connection(&mut findings, "", &input, platform.rules);
    findings.into_result().map_err(Failed::invalid)?;
    let params = vec![
        ("host".to_owned(), ParameterInput::Plain(input.host.into())),
        (
            "password".to_owned(),
            ParameterInput::Reference(input.password.unwrap_or_default()),
        ),
        (
            "username".to_owned(),
            ParameterInput::Plain(input.username.into()),
        ),
    ];
    let input = Connection {
        sandbox: input.sandbox,
        name: input.name,
        description: input.description,
        source: names::ORACLE_SERVICE_CLOUD.to_owned(),
        auth: BASIC_AUTHENTICATION.to_owned(),
        params: None,
        on_existing: input.on_existing,
        adopt: input.adopt,
        continues: input.continues,
        acknowledge_deprecation: true,
    };
    let checked = connection::served(&platform.catalog, &input.source)
        .and_then(|served| served.check(&input.auth, params, platform.rules))
        .map_err(Failed::invalid)?;
    let mut made = ensure(platform, attempt, &input, &checked, Fields::OnTop).await?;
    let said = names::ORACLE_SERVICE_CLOUD_DEPRECATED.to_owned();
    made.warnings.insert(0, said);
    Ok(made)
}

/// The input checked by its form and against the catalogue.
fn checked<'a>(
    platform: &'a Platform,
    input: &Connection,
) -> Result<CheckedConnection<'a>, Failed> {
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
            Err(Failed::invalid(all.collect()))
        }
        (Err(found), dropped) => Err(Failed::invalid(dropped.into_iter().chain(found).collect())),
    }
}

async fn ensure(
    platform: &Platform,
    attempt: &Attempt,
    input: &Connection,
    checked: &CheckedConnection<'_>,
    fields: Fields,
) -> Result<BaseConnection, Failed> {
    // Whoever only looks needs no secret, unless the marker keeps something of it.
    let params = if attempt.rehearsal().is_some() && platform.fingerprint_key().is_none() {
        auth_params::unread(&checked.params)
    } else {
        auth_params::resolve(platform, &checked.params, fields).await?
    };
    let sandbox = platform.sandbox(&input.sandbox).await?;
    let agreed = match spec_check::check(platform, &sandbox, checked, fields).await {
        // What may have been made by now was let through before. To refuse it here would say that
        // nothing was made.
        Err(_) if input.adopt.is_some() || may_be_made(attempt, input) => {
            Agreed::by_catalogue(checked)
        }
        agreed => agreed?,
    };
    let spec_id = &checked.source.connection_spec.id;
    let key = platform
        .fingerprint_key()
        .map(|key| key.expose_secret().as_bytes());
    let intent = platform.intent(KIND, &sandbox, spec_id, &input.name);
    let intent = attempt.sign(intent, input.continues.as_ref());
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
        description: Some(intent.described(&input.description)),
        connection_spec: ConnectionSpecRef {
            id: super::read_id("source", spec_id)?,
            version: agreed.version.clone(),
        },
        auth_spec_name: spec_name.clone(),
        auth_extra: checked.auth.extra.clone(),
        params,
    };
    let wanted = Wanted {
        platform,
        attempt,
        sandbox: &sandbox,
        intent: &intent,
        on_existing: input.on_existing(),
        adopt: input.adopt.as_deref(),
        continues: input.continues.as_ref(),
        new: &new,
    };
    // The protocol knows a parameter by its bare name, the caller by its field.
    let ensured = wanted.ensured().await.map_err(|failed| {
        failed.renamed(|field| new.params.contains_key(field).then(|| fields.of(field)))
    })?;
    Ok(BaseConnection {
        id: ensured.id,
        etag: ensured.etag,
        outcome: ensured.outcome.into(),
        warnings: agreed.warnings,
        connection_spec: Some(ConnectionSpec {
            id: spec_id.clone(),
            version: agreed.version,
        }),
        deprecated: checked.source.deprecation.is_some(),
    })
}

/// Whether an earlier attempt, or the call that this one takes up, may have made it.
fn may_be_made(attempt: &Attempt, input: &Connection) -> bool {
    let takes_up = input.continues.is_some() && attempt.is_first();
    takes_up || attempt.past(KIND).is_open()
}

impl Ensurable for NewBaseConnection {
    const KIND: ResourceKind = KIND;
    type Id = BaseConnectionId;
    type Found = Found;

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<Found>, ReadError> {
        sandbox
            .find_base_connections_named(&self.name, &self.connection_spec.id)
            .await
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, CreateError> {
        sandbox.create_base_connection(self).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<Found, ReadError> {
        sandbox.get_base_connection(id).await
    }

    async fn is_used(sandbox: &Sandbox, id: &Self::Id) -> Result<bool, ReadError> {
        let users = sandbox.find_source_connections_of(id).await?;
        Ok(!users.is_empty())
    }

    async fn delete(sandbox: &Sandbox, id: &Self::Id) -> Result<Deleted, DeleteError> {
        sandbox.delete_base_connection(id).await
    }

    fn differs(&self, found: &Found) -> Option<String> {
        other_spec(&self.connection_spec, found.connection_spec.as_ref())
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
) -> Result<TestBaseConnectionResult, Failed> {
    let id = base_connection_id(&input.base_connection_id)?;
    let sandbox = platform.sandbox(&input.sandbox).await?;
    let result = sandbox
        .test_base_connection(&id)
        .await
        .map_err(|error| Failed::from(error).with_created(KIND.as_str(), id.as_str()))?;
    if result {
        Ok(TestBaseConnectionResult { result })
    } else {
        Err(
            Failed::rejected_source(&format!("the source refused base connection {id}"))
                .with_created(KIND.as_str(), id.as_str()),
        )
    }
}

/// The id of a base connection in an input's `baseConnectionId`.
pub(super) fn base_connection_id(id: &str) -> Result<BaseConnectionId, Failed> {
    super::read_id("baseConnectionId", id)
}
