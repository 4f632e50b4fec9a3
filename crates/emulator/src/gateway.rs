//! The checks before every service: token, key, organisation, sandbox, rights, content type.
//!
//! Source: Adobe's gateway and its troubleshooting guide, read 2026-11.

use axum::http::Method;

use crate::call::Call;
use crate::config::{Client, Config, ExpiredToken, MissingSandbox, Rights};
use crate::problem::Problem;
use crate::route::{Right, Service};
use crate::scene::Caller;
use crate::store::Store;

/// Admits a call, or says why it is refused.
pub(crate) fn admit(
    config: &Config,
    store: &Store,
    call: &Call,
    now_ms: i64,
) -> Result<Caller, Problem> {
    let client = check_client(config, store, call, now_ms)?;
    check_organisation(config, call)?;
    let sandbox = check_sandbox(config, client, call)?;
    check_right(client.rights, call)?;
    check_content_type(call)?;
    Ok(Caller {
        client_id: client.id.clone(),
        sandbox,
        sandboxes: client.sandboxes.clone(),
    })
}

fn check_client<'c>(
    config: &'c Config,
    store: &Store,
    call: &Call,
    now_ms: i64,
) -> Result<&'c Client, Problem> {
    let key = call.header("x-api-key").unwrap_or_default();
    if key.is_empty() {
        return Err(refusal(403, "403000", "Api Key is required"));
    }
    let Some(client) = config.clients.iter().find(|client| client.id == key) else {
        return Err(refusal(403, "403003", "Api Key is invalid"));
    };
    let authorization = call.header("authorization").unwrap_or_default();
    let token = match authorization.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => "",
    };
    if token.is_empty() {
        return Err(refusal(403, "403010", "Oauth token is missing."));
    }
    match store.token_client(token, now_ms) {
        Some(id) if id == client.id => Ok(client),
        // A token of another client isn't valid with this key.
        Some(_) => Err(refusal(
            401,
            "401014",
            "Token not allowed in the current context",
        )),
        None if config.expired_token == ExpiredToken::InFlowService
            && call.route.is_flow_service() =>
        {
            Err(Problem::flow(
                2115,
                400,
                "Invalid token. Provide a valid token and try again.",
            ))
        }
        None => Err(refusal(401, "401013", "Oauth token is not valid")),
    }
}

fn check_organisation(config: &Config, call: &Call) -> Result<(), Problem> {
    match call.header("x-gw-ims-org-id") {
        None | Some("") => Err(refusal(400, "400003", "Missing header")),
        Some(org) if org == config.org => Ok(()),
        Some(org) if org.ends_with("@AdobeOrg") => {
            Err(refusal(403, "403025", "Profile is not valid"))
        }
        Some(_) => Err(refusal(403, "403027", "User region is missing")),
    }
}

fn check_sandbox(config: &Config, client: &Client, call: &Call) -> Result<String, Problem> {
    if !call.route.is_sandboxed() {
        return Ok(String::new());
    }
    if call.header("x-sandbox-id").is_some() && call.route.is_flow_service() {
        return Err(Problem::flow(
            2110,
            400,
            "Header x-sandbox-id is not allowed with a user token.",
        ));
    }
    let name = match call.header("x-sandbox-name") {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => match (config.missing_sandbox, config.default_sandbox()) {
            (MissingSandbox::IsDefault, Some(sandbox)) => sandbox.name.clone(),
            _ if call.route.is_flow_service() => {
                return Err(Problem::flow(
                    2105,
                    400,
                    "Header x-sandbox-name is missing.",
                ));
            }
            _ => return Err(Problem::bad_request("Header x-sandbox-name is missing")),
        },
    };
    let not_found = |number, detail: String| {
        if call.route.is_flow_service() {
            Problem::flow(number, 404, detail)
        } else {
            Problem::not_found(detail)
        }
    };
    let Some(sandbox) = config.sandboxes.iter().find(|sandbox| sandbox.name == name) else {
        return Err(not_found(
            2100,
            format!("Sandbox with name {name} is not found."),
        ));
    };
    if sandbox.state != "active" {
        return Err(not_found(
            2101,
            format!("Sandbox {name} is not active, it is {}.", sandbox.state),
        ));
    }
    if client
        .sandboxes
        .as_ref()
        .is_some_and(|names| !names.contains(&name))
    {
        return Err(no_permission(call));
    }
    Ok(name)
}

fn check_right(rights: Rights, call: &Call) -> Result<(), Problem> {
    let granted = match call.route.right {
        Right::Everybody => true,
        Right::FlowRead => rights.flow_read,
        Right::FlowWrite => rights.flow_write,
        Right::SchemaRead => rights.schema_read,
        Right::SchemaWrite => rights.schema_write,
        Right::DatasetRead => rights.dataset_read,
        Right::DatasetWrite => rights.dataset_write,
        Right::MappingRead => rights.mapping_read,
        Right::MappingWrite => rights.mapping_write,
        Right::SandboxAdmin => rights.sandbox_admin,
    };
    if granted {
        Ok(())
    } else {
        Err(no_permission(call))
    }
}

fn no_permission(call: &Call) -> Problem {
    match call.route.service {
        Service::Flow => Problem::flow(2120, 403, "Insufficient permissions for this operation."),
        // The other services don't document a body for this case. The gateway's body is known.
        Service::Ims
        | Service::Registry
        | Service::Catalog
        | Service::Prep
        | Service::Sandboxes => refusal(403, "403025", "Profile is not valid"),
    }
}

fn check_content_type(call: &Call) -> Result<(), Problem> {
    let writes = [Method::POST, Method::PUT, Method::PATCH].contains(&call.route.method);
    if !writes || call.body.is_empty() {
        return Ok(());
    }
    let kind = call
        .header("content-type")
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    if kind == "application/json" || kind == "application/json-patch+json" {
        return Ok(());
    }
    Err(Problem::bad_request(
        "A valid content-type must be specified",
    ))
}

fn refusal(status: u16, code: &'static str, message: &'static str) -> Problem {
    Problem::Gateway {
        status,
        code,
        message,
    }
}
