//! The base connection: address and credentials of a source, kept by the platform.

use aep_flow_proto::{
    names,
    v1::{
        BaseConnection, OracleServiceCloudConnection, TestBaseConnectionInput,
        TestBaseConnectionResult, secret_reference::Place,
    },
    validate,
};
use aep_platform::{BaseConnectionId, ConnectionSpecId, Kind, NewBaseConnection};
use secrecy::{ExposeSecret, SecretString};

use super::{
    attempt::Attempt,
    ensured::{created, ensured, found},
    failure::Failed,
    platform::Platform,
};

const KIND: &str = Kind::BaseConnection.as_str();

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
    let password = password(platform, &input)?;
    let sandbox = platform.sandbox(&input.sandbox).await?;

    let key = platform
        .fingerprint_key()
        .map(|key| key.expose_secret().as_bytes());
    let intent = platform
        .intent(
            KIND,
            &sandbox,
            names::ORACLE_SERVICE_CLOUD_SPEC_ID,
            &input.name,
        )
        .field("host", &input.host)
        .field("username", &input.username)
        .secret_field("password", password.expose_secret().as_bytes(), key);
    let on_existing = input.on_existing();
    // Holds the password, and so is never written anywhere but to the platform.
    let mut new =
        NewBaseConnection::oracle_service_cloud(input.name, input.host, input.username, password);
    new.description = Some(intent.described(&input.description));
    let spec = ConnectionSpecId::oracle_service_cloud();
    let ensured = ensured(
        platform,
        attempt,
        &intent,
        on_existing,
        async {
            found(
                sandbox
                    .find_base_connections_named(intent.name(), &spec)
                    .await,
            )
        },
        async { created(sandbox.create_base_connection(&new).await) },
    )
    .await?;
    Ok(BaseConnection {
        id: ensured.id,
        etag: ensured.etag,
        outcome: ensured.outcome.into(),
        warnings: vec![names::ORACLE_SERVICE_CLOUD_DEPRECATED.to_owned()],
    })
}

fn password(
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
        Some(Place::Env(_)) | None => "password.env",
    };
    platform
        .secrets
        .resolve(reference)
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
        .map_err(|error| Failed::from(error).with_created(KIND, id.as_str()))?;
    if result {
        Ok(TestBaseConnectionResult { result })
    } else {
        Err(
            Failed::rejected_source(&format!("the source refused base connection {id}"))
                .with_created(KIND, id.as_str()),
        )
    }
}

/// The id of a base connection in an input's `baseConnectionId`.
pub(super) fn base_connection_id(id: &str) -> Result<BaseConnectionId, Failed> {
    super::read_id("baseConnectionId", id)
}
