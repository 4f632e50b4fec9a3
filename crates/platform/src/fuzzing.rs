//! Every reader of responses, by name and without a connection. Only the fuzz targets use it.
//!
//! The feature `fuzzing` is not part of this crate's API: no other crate may enable it, which
//! `cargo xtask tidy` checks.

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secrecy::SecretString;

use crate::api::flow_service::{self, Created, Entity};
use crate::api::{
    catalog, connections, data_prep, explore, identities, sandboxes, schema_registry,
};
use crate::classify::{classify, is_documented};
use crate::ids::{DatasetId, FlowId};
use crate::kind::{EntityKind, Operation};
use crate::meaning::RequestEffect;
use crate::paging::{Page, Pages, offset};
use crate::refusal::PlatformRefusal;
use crate::request::{Request, Service};
use crate::response::{Response, UnreadableResponse};
use crate::settings::Credentials;
use crate::{
    BaseConnection, ConnectionSpec, FieldFamily, FieldGroup, Flow, FlowRun, FlowSpec, Schema,
    SourceConnection, TargetConnection, schema_fields,
};

/// The host to which a list's link may lead.
pub const HOST: &str = "platform.adobe.io";

const PAGE: usize = 100;

/// What a reader made of a response that is a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Understood.
    Read {
        /// What was read, as `Debug` prints it.
        shown: String,
        /// The ids in it, each with the path of a request for it.
        ids: Vec<(String, String)>,
    },
    /// Not understood: the error, as `Display` and as `Debug` print it.
    Unreadable(String),
}

/// A response that is no success.
#[derive(Debug, Clone)]
pub struct RefusalReading {
    /// The refusal, as `Display` and as `Debug` print it.
    pub shown: String,
    /// What was read.
    pub refusal: PlatformRefusal,
    /// Whether its code is one that Adobe documents.
    pub is_documented: bool,
    /// What is known of the request's effect, by what it was to do.
    pub effects: Vec<(Operation, RequestEffect)>,
}

type Reader = fn(&Response, &str) -> Result<Reading, UnreadableResponse>;

/// Every reader, by the family of calls it belongs to.
const READERS: &[(&str, Reader)] = &[
    ("token", token),
    ("base-connections", listed::<BaseConnection>),
    ("base-connections", one::<BaseConnection>),
    ("base-connections", |response, _| {
        flow_service::parse_created::<crate::BaseConnectionId>(response).map(|made| created(&made))
    }),
    ("base-connections", |response, _| {
        connections::parse_test(response).map(plain)
    }),
    ("source-connections", listed::<SourceConnection>),
    ("source-connections", one::<SourceConnection>),
    ("target-connections", listed::<TargetConnection>),
    ("target-connections", one::<TargetConnection>),
    ("flows", listed::<Flow>),
    ("flows", one::<Flow>),
    ("flows", |response, _| {
        flow_service::parse_created::<FlowId>(response).map(|made| created(&made))
    }),
    ("runs", listed::<FlowRun>),
    ("runs", one::<FlowRun>),
    ("specs", listed::<ConnectionSpec>),
    ("specs", listed::<FlowSpec>),
    ("specs", one::<ConnectionSpec>),
    ("specs", |response, _| {
        let spec = flow_service::parse_one::<ConnectionSpec>(response)?;
        Ok(plain(spec.row_filtering()))
    }),
    ("specs", one::<FlowSpec>),
    ("explore", |response, _| {
        explore::parse_root(response).map(plain)
    }),
    ("explore", |response, _| {
        let table = explore::parse_table(response)?;
        let tenant =
            crate::TenantId::parse("acme").map_err(|e| UnreadableResponse::shape(e.to_string()))?;
        let fields = schema_fields(&tenant, &table.columns);
        Ok(plain((table, fields)))
    }),
    ("catalog", |response, _| {
        catalog::parse_list(response, 0, PAGE).map(page)
    }),
    ("catalog", |response, _| {
        let id = DatasetId::parse("5ba9452f")
            .map_err(|error| UnreadableResponse::shape(error.to_string()))?;
        catalog::parse_one(response, &id).map(plain)
    }),
    ("catalog", |response, _| {
        catalog::parse_created(response).map(|made| created(&made))
    }),
    ("catalog", |response, _| {
        catalog::parse_deleted(response).map(plain)
    }),
    ("schema-registry", |response, _| {
        schema_registry::parse_list::<FieldGroup>(response).map(page)
    }),
    ("schema-registry", |response, _| {
        schema_registry::parse_list::<Schema>(response).map(page)
    }),
    ("schema-registry", |response, _| {
        schema_registry::parse_one::<Schema>(response).map(plain)
    }),
    ("schema-registry", |response, _| {
        schema_registry::parse_created::<crate::SchemaId>(response).map(|made| created(&made))
    }),
    ("schema-registry", |response, _| {
        let schema = schema_registry::parse_one::<Schema>(response)?;
        let field = schema.field("_acme.contact.name").map(FieldFamily::of);
        Ok(plain((field, schema.is_of_events())))
    }),
    ("schema-registry", |response, _| {
        identities::parse_list(response).map(page)
    }),
    ("schema-registry", |response, _| {
        identities::parse_one(response).map(plain)
    }),
    ("schema-registry", |response, _| {
        identities::parse_created(response).map(|made| created(&made))
    }),
    ("schema-registry", |response, _| {
        schema_registry::parse_tenant(response).map(plain)
    }),
    ("data-prep", |response, _| {
        data_prep::parse_list(response, 0, PAGE).map(page)
    }),
    ("data-prep", |response, _| {
        data_prep::parse_validation(response).map(plain)
    }),
    ("data-prep", |response, _| {
        data_prep::parse_created(response).map(|made| created(&made))
    }),
    // A sandbox's name goes into a header, and only after a check of its own.
    ("sandboxes", |response, _| {
        sandboxes::parse_list(response, 0, PAGE).map(|page| plain(page.items))
    }),
];

/// The families of readers that [`read`] takes.
#[must_use]
pub fn families() -> Vec<&'static str> {
    let mut families: Vec<_> = READERS.iter().map(|(family, _)| *family).collect();
    families.dedup();
    families
}

/// Gives a response to each reader of a family. Its text has HTTP's form: status line, headers, an
/// empty line, body. Without a status line, the whole text is the body of a success. `secret` is
/// the client secret.
#[must_use]
pub fn read(family: &str, text: &[u8], secret: &str) -> Vec<Reading> {
    let response = response(text);
    READERS
        .iter()
        .filter(|(of, _)| *of == family)
        .map(|(_, reader)| {
            reader(&response, secret)
                .unwrap_or_else(|error| Reading::Unreadable(format!("{error}\n{error:?}")))
        })
        .collect()
}

/// Reads a response as a refusal, whatever its status is; `secret` is one that the request held.
#[must_use]
pub fn refused(text: &[u8], secret: &str) -> RefusalReading {
    let secrets = [SecretString::from(secret.to_owned())];
    let refusal = PlatformRefusal::read(&response(text), SystemTime::now(), &secrets);
    RefusalReading {
        shown: format!("{refusal}\n{refusal:?}"),
        is_documented: refusal.code.as_ref().is_some_and(is_documented),
        effects: [
            Operation::Read,
            Operation::Create,
            Operation::Update,
            Operation::Delete,
        ]
        .into_iter()
        .map(|operation| (operation, classify(operation, &refusal).effect))
        .collect(),
        refusal,
    }
}

/// The server's time in a response.
#[must_use]
pub fn date(text: &[u8]) -> Option<SystemTime> {
    response(text).date()
}

/// Follows a list through these pages; after the last comes the first again. Returns the number of
/// pages read and of entities found, or the printed error and the number of pages read.
///
/// # Errors
/// The list could not be followed to its end.
pub fn follow(family: &str, pages: &[&[u8]]) -> Result<(usize, usize), (usize, String)> {
    let flows = family != "catalog";
    let mut cursor: Option<String> = None;
    let mut read = 0;
    let mut found_flows: Pages<Flow> = Pages::new();
    let mut found_datasets = Pages::new();
    loop {
        let Some(text) = pages.get(read % pages.len().max(1)) else {
            return Ok((0, 0));
        };
        let response = response(text);
        read += 1;
        let next = if flows {
            flow_service::parse_list(&response, HOST).and_then(|page| found_flows.take(page))
        } else {
            catalog::parse_list(&response, offset(cursor.as_deref()), PAGE)
                .and_then(|page| found_datasets.take(page))
        };
        match next {
            Err(error) => return Err((read, format!("{error}\n{error:?}"))),
            Ok(None) => return Ok((read, found_flows.len() + found_datasets.len())),
            Ok(next) => cursor = next,
        }
    }
}

fn token(response: &Response, secret: &str) -> Result<Reading, UnreadableResponse> {
    let credentials = Credentials {
        client_id: "id".to_owned(),
        client_secret: secret.to_owned().into(),
        scopes: Vec::new(),
    };
    let grant = crate::ims::parse(response, SystemTime::UNIX_EPOCH, &credentials);
    Ok(match grant {
        // A grant has no `Debug`, as it holds the token.
        Ok(grant) => plain((grant.authorization, grant.life.min(Duration::MAX))),
        Err(end) => {
            let error = crate::error::PlatformError::of_token(end);
            Reading::Unreadable(format!("{}\n{error:?}", crate::Chain(&error)))
        }
    })
}

fn listed<E: Entity + Debug>(response: &Response, _: &str) -> Result<Reading, UnreadableResponse> {
    flow_service::parse_list::<E>(response, HOST).map(page)
}

fn one<E: Entity + Debug>(response: &Response, _: &str) -> Result<Reading, UnreadableResponse> {
    let entity = flow_service::parse_one::<E>(response)?;
    Ok(Reading::Read {
        ids: vec![asked(entity.id())],
        shown: format!("{entity:?}"),
    })
}

fn page<T: Debug>(page: Page<T>) -> Reading {
    Reading::Read {
        ids: page.items.iter().map(|(id, _)| asked(id)).collect(),
        shown: format!(
            "{:?}",
            page.items.iter().map(|(_, item)| item).collect::<Vec<_>>()
        ),
    }
}

fn created<I: Debug + std::fmt::Display>(made: &Created<I>) -> Reading {
    Reading::Read {
        ids: vec![asked(&made.id.to_string())],
        shown: format!("{made:?}"),
    }
}

fn plain(read: impl Debug) -> Reading {
    Reading::Read {
        ids: Vec::new(),
        shown: format!("{read:?}"),
    }
}

fn asked(id: &str) -> (String, String) {
    let request = Request::get(EntityKind::Flow, Service::Flow, "/flows/{id}").id(id);
    (id.to_owned(), request.target())
}

fn response(text: &[u8]) -> Response {
    let mut response = Response {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: Ok(Bytes::copy_from_slice(text)),
        received_at: Instant::now(),
    };
    let Some(rest) = text.strip_prefix(b"HTTP/1.1 ") else {
        return response;
    };
    let blank = rest.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = match blank {
        Some(at) => (&rest[..at], &rest[at + 2..]),
        None => (rest, &[][..]),
    };
    response.body = Ok(Bytes::copy_from_slice(body));
    let mut lines = head.split(|byte| *byte == b'\n');
    let status = lines.next().and_then(|line| line.get(..3));
    if let Some(Ok(status)) = status.map(StatusCode::from_bytes) {
        response.status = status;
    }
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers.append(name, value);
        }
    }
    response
}
