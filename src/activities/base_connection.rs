//! The base connection: address and credentials of a source, kept by the platform.

use aep_flow_ensure::ResourceKind;
use aep_flow_proto::{
    names,
    v1::{
        BaseConnection, OracleServiceCloudConnection, TestBaseConnectionInput,
        TestBaseConnectionResult, secret_reference::Place,
    },
    validate,
};
use aep_platform::{
    BaseConnection as Found, BaseConnectionId, ConnectionSpecRef, CreateError, Created,
    DeleteError, Deleted, NewBaseConnection, ReadError, Sandbox,
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    attempt::Attempt,
    ensured::{Ensurable, Wanted},
    failure::Failed,
    platform::Platform,
};

const KIND: ResourceKind = ResourceKind::BaseConnection;

/// The body of `CreateOracleServiceCloudBaseConnection`, with no Temporal around it.
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
    let password = password(platform, &input).await?;
    let sandbox = platform.sandbox(&input.sandbox).await?;

    let key = platform
        .fingerprint_key()
        .map(|key| key.expose_secret().as_bytes());
    let intent = platform.intent(
        KIND,
        &sandbox,
        names::ORACLE_SERVICE_CLOUD_SPEC_ID,
        &input.name,
    );
    let intent = attempt
        .sign(intent, input.continues.as_ref())
        .field("host", &input.host)
        .field("username", &input.username)
        .secret_field("password", password.expose_secret().as_bytes(), key);
    let on_existing = input.on_existing();
    // Holds the password, and so is never written anywhere but to the platform.
    let mut new =
        NewBaseConnection::oracle_service_cloud(input.name, input.host, input.username, password);
    new.description = Some(intent.described(&input.description));
    let wanted = Wanted {
        platform,
        attempt,
        sandbox: &sandbox,
        intent: &intent,
        on_existing,
        adopt: input.adopt.as_deref(),
        continues: input.continues.as_ref(),
        new: &new,
    };
    let ensured = wanted.ensured().await?;
    Ok(BaseConnection {
        id: ensured.id,
        etag: ensured.etag,
        outcome: ensured.outcome.into(),
        warnings: vec![names::ORACLE_SERVICE_CLOUD_DEPRECATED.to_owned()],
        ..BaseConnection::default()
    })
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

async fn password(
    platform: &Platform,
    input: &OracleServiceCloudConnection,
) -> Result<SecretString, Failed> {
    let Some(reference) = &input.password else {
        return Err(Failed::field(
            "password",
            "nothing",
            "a reference to a secret",
        ));
    };
    let field = match reference.place {
        Some(Place::File(_)) => "password.file",
        Some(Place::Vault(_)) => "password.vault",
        Some(Place::Env(_)) | None => "password.env",
    };
    platform
        .secrets
        .resolve(reference)
        .await
        .map_err(|error| Failed::secret(field, &error))
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
