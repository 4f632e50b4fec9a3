//! The checks about Adobe Experience Platform: credentials, sandbox, rights, clock.

use std::time::SystemTime;

use aep_flow_proto::names::ORACLE_SERVICE_CLOUD_SPEC_ID;
use aep_platform::{
    Chain, Class, Client, ConnectionSpecId, PlatformError, Sandbox, SandboxName, SandboxState,
};

use super::super::platform::hint;
use super::{Check, CommandError, ExitStatus};
use crate::config::{Aep, Config};
use crate::platform_client;

/// Addresses, certificate authorities and the proxy.
const WAY: &str = "way to Adobe";
const CREDENTIALS: &str = "credentials";
const SANDBOX: &str = "sandbox";
const SOURCES: &str = "right: sources";
const SCHEMAS: &str = "right: schemas";
const DATASETS: &str = "right: datasets";
const CLOCK: &str = "clock";

// Half of the default of `aep.start_margin`: the platform refuses a start time that is in the past
// by its own clock, and the request uses some of the margin.
const MAX_SKEW_SECONDS: i64 = 30;

pub(super) async fn report(config: &Config) -> Vec<Check> {
    let mut checks: Vec<Check> = platform_client::check(config)
        .err()
        .map(|error| Check::failed(WAY, &CommandError::from(error)))
        .into_iter()
        .collect();
    let missing = missing(&config.aep);
    if !missing.is_empty() {
        checks.push(Check::fail(
            CREDENTIALS,
            ExitStatus::Refused,
            format!("not set: {}", missing.join(", ")),
            "create an OAuth server-to-server credential in Adobe's Developer Console, in a \
             project with the Experience Platform API, and set what is missing",
        ));
        checks.extend(skipped("no credentials"));
        return checks;
    }
    if !checks.is_empty() {
        checks.push(Check::skip(CREDENTIALS, "no way to the platform"));
        checks.extend(skipped("no way to the platform"));
        return checks;
    }
    let client = match platform_client::from_config(config) {
        Ok(Some(client)) => client,
        Ok(None) => return skipped("no credentials"),
        Err(error) => {
            let mut checks = vec![Check::failed(CREDENTIALS, &CommandError::from(error))];
            checks.extend(skipped("no credentials"));
            return checks;
        }
    };
    if let Err(error) = client.check_credentials().await {
        let mut checks = vec![of(CREDENTIALS, &error)];
        checks.extend(skipped("no token"));
        return checks;
    }
    let mut checks = vec![Check::ok(
        CREDENTIALS,
        format!("got a token from {}", config.aep.ims_url),
    )];
    checks.extend(in_sandbox(&client, &config.aep.sandbox).await);
    checks.push(clock(&client).await);
    checks
}

/// The missing settings of the credentials, by their names in the environment.
fn missing(aep: &Aep) -> Vec<&'static str> {
    [
        (aep.client_id.is_none(), "AEP_FLOW_CLIENT_ID"),
        (aep.client_secret.is_none(), "AEP_FLOW_CLIENT_SECRET"),
        (aep.org_id.is_none(), "AEP_FLOW_ORG_ID"),
    ]
    .into_iter()
    .filter_map(|(is_missing, name)| is_missing.then_some(name))
    .collect()
}

fn skipped(because: &str) -> Vec<Check> {
    [SANDBOX, SOURCES, SCHEMAS, DATASETS, CLOCK]
        .into_iter()
        .map(|name| Check::skip(name, because))
        .collect()
}

async fn in_sandbox(client: &Client, name: &str) -> Vec<Check> {
    let skip = |first: Check| {
        vec![
            first,
            Check::skip(SOURCES, "no sandbox"),
            Check::skip(SCHEMAS, "no sandbox"),
            Check::skip(DATASETS, "no sandbox"),
        ]
    };
    let parsed = match SandboxName::parse(name) {
        Ok(parsed) => parsed,
        Err(error) => {
            return skip(Check::fail(
                SANDBOX,
                ExitStatus::Refused,
                error.to_string(),
                "correct the setting `aep.sandbox`",
            ));
        }
    };
    let sandbox = client.sandbox(&parsed);
    match sandbox.info().await {
        Err(error) => skip(of(SANDBOX, &error)),
        Ok(None) => {
            let known = known(client).await;
            skip(Check::fail(
                SANDBOX,
                ExitStatus::Refused,
                format!("there is no sandbox `{name}` for these credentials"),
                format!(
                    "set `aep.sandbox` to a sandbox of the credentials{known}, or have them given access"
                ),
            ))
        }
        Ok(Some(info)) if info.state != SandboxState::Active => skip(Check::fail(
            SANDBOX,
            ExitStatus::Refused,
            format!("`{name}` is not active but {:?}", info.state),
            "wait until it is active, or set `aep.sandbox` to another",
        )),
        Ok(Some(info)) => {
            let kind = info.type_.unwrap_or_else(|| "active".to_owned());
            let mut checks = vec![Check::ok(SANDBOX, format!("`{name}`, {kind}"))];
            checks.extend(rights(&sandbox).await);
            checks
        }
    }
}

async fn known(client: &Client) -> String {
    let names: Vec<String> = client
        .list_sandboxes()
        .await
        .unwrap_or_default()
        .into_iter()
        .map(|info| info.name)
        .take(10)
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!(" ({})", names.join(", "))
    }
}

/// One read of each service. Whether the credentials may also write shows only when they do.
async fn rights(sandbox: &Sandbox) -> [Check; 3] {
    let (sources, schemas, datasets) = tokio::join!(
        sources(sandbox),
        sandbox.tenant_info(),
        sandbox.find_datasets_named("aep-flow check")
    );
    [
        sources,
        match schemas {
            Ok(tenant) => Check::ok(SCHEMAS, format!("tenant {}", tenant.tenant_id)),
            Err(error) => of(SCHEMAS, &error),
        },
        match datasets {
            Ok(_) => Check::ok(DATASETS, "the catalog responds"),
            Err(error) => of(DATASETS, &error),
        },
    ]
}

async fn sources(sandbox: &Sandbox) -> Check {
    let id = match ConnectionSpecId::parse(ORACLE_SERVICE_CLOUD_SPEC_ID) {
        Ok(id) => id,
        Err(error) => return Check::fail(SOURCES, ExitStatus::Refused, error.to_string(), ""),
    };
    match sandbox.get_connection_spec(&id).await {
        Ok(Some(_)) => Check::ok(SOURCES, "Oracle Service Cloud is offered"),
        Ok(None) => not_offered(),
        // The credentials have the right; the source was removed.
        Err(error) if error.class() == Class::NotFound => not_offered(),
        Err(error) => of(SOURCES, &error),
    }
}

fn not_offered() -> Check {
    Check::warn(
        SOURCES,
        "Oracle Service Cloud is no longer offered",
        "Adobe names the Data Landing Zone as its replacement",
    )
}

async fn clock(client: &Client) -> Check {
    let before = SystemTime::now();
    match client.server_time().await {
        Ok(Some(theirs)) => {
            // The platform read its clock at some time between the request and the response.
            let half = before.elapsed().unwrap_or_default() / 2;
            judge(skew(before + half, theirs))
        }
        Ok(None) => Check::skip(CLOCK, "the platform's responses carry no time"),
        Err(error) => of(CLOCK, &error),
    }
}

/// How far this machine's clock is ahead of the platform's, in seconds.
fn skew(ours: SystemTime, theirs: SystemTime) -> i64 {
    let seconds = |ahead: std::time::Duration| i64::try_from(ahead.as_secs()).unwrap_or(i64::MAX);
    match ours.duration_since(theirs) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => -seconds(behind.duration()),
    }
}

fn judge(skew: i64) -> Check {
    let by = skew.unsigned_abs();
    if skew.abs() <= MAX_SKEW_SECONDS {
        return Check::ok(CLOCK, format!("within {by} s of the platform's"));
    }
    let side = if skew > 0 { "ahead of" } else { "behind" };
    Check::warn(
        CLOCK,
        format!("this machine is {by} s {side} the platform"),
        "set the clock, or let NTP do it: start times of schedules and tokens depend on it",
    )
}

fn of(name: &'static str, error: &PlatformError) -> Check {
    let exit = error.class().into();
    Check::fail(name, exit, Chain(error).to_string(), hint(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_clock_that_is_off_is_reported_with_its_direction() {
        let now = SystemTime::now();
        let case = |ours, theirs| judge(skew(ours, theirs)).message;
        assert_eq!(case(now, now), "within 0 s of the platform's");
        assert_eq!(
            case(now + Duration::from_secs(90), now),
            "this machine is 90 s ahead of the platform"
        );
        assert_eq!(
            case(now, now + Duration::from_secs(31)),
            "this machine is 31 s behind the platform"
        );
    }

    #[tokio::test]
    async fn without_credentials_it_says_which_variables() {
        let mut config = Config::default();
        config.aep.client_id = Some("id".to_owned());
        let checks = report(&config).await;
        assert_eq!(
            checks[0].message,
            "not set: AEP_FLOW_CLIENT_SECRET, AEP_FLOW_ORG_ID"
        );
        assert_eq!(checks.len(), 6);
    }
}
