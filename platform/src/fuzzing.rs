//! Every reader of answers, by name and without a connection: for the fuzz targets alone.
//!
//! Behind a feature that no crate but theirs enables (`cargo xtask tidy` looks), so it is no
//! part of what this crate offers.

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secrecy::SecretString;

use crate::answer::{Answer, Unreadable};
use crate::api::flow_service::{self, Created, Entity};
use crate::api::{
    catalog, connections, data_prep, explore, identities, sandboxes, schema_registry,
};
use crate::classify::{classify, is_documented};
use crate::ids::{DatasetId, FlowId};
use crate::kind::{Effect, Kind};
use crate::paging::{Page, Pages, offset};
use crate::refusal::Refusal;
use crate::request::{Request, Service};
use crate::settings::Credentials;
use crate::verdict::{Class, Next, Outcome};
use crate::{
    BaseConnection, ConnectionSpec, FieldFamily, FieldGroup, Flow, FlowRun, FlowSpec, Schema,
    SourceConnection, TargetConnection, schema_fields,
};

/// The host that a list's link may lead to.
pub const HOST: &str = "platform.adobe.io";

const PAGE: usize = 100;

/// What a reader made of an answer under a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Understood.
    Read {
        /// What was read, as `Debug` prints it.
        shown: String,
        /// The ids in it, each with the path of a request that asks for it.
        ids: Vec<(String, String)>,
    },
    /// Not understood: the error, as `Display` and as `Debug` print it.
    Unreadable(String),
}

/// What one refusal means for one effect.
#[derive(Debug, Clone)]
pub struct Meaning {
    /// What the request was to do.
    pub effect: Effect,
    /// What is known of it.
    pub outcome: Outcome,
    /// What helps.
    pub next: Next,
    /// What it is.
    pub class: Class,
}

/// An answer that is no success.
#[derive(Debug, Clone)]
pub struct Refused {
    /// It, as `Display` and as `Debug` print it.
    pub shown: String,
    /// What was read.
    pub refusal: Refusal,
    /// Whether its code is one that Adobe documents.
    pub is_documented: bool,
    /// By effect.
    pub meanings: Vec<Meaning>,
}

type Reader = fn(&Answer, &str) -> Result<Told, Unreadable>;

/// Every reader, by the family of calls it belongs to.
const READERS: &[(&str, Reader)] = &[
    ("token", token),
    ("base-connections", listed::<BaseConnection>),
    ("base-connections", one::<BaseConnection>),
    ("base-connections", |answer, _| {
        flow_service::parse_created::<crate::BaseConnectionId>(answer).map(|made| created(&made))
    }),
    ("base-connections", |answer, _| {
        connections::parse_test(answer).map(plain)
    }),
    ("source-connections", listed::<SourceConnection>),
    ("source-connections", one::<SourceConnection>),
    ("target-connections", listed::<TargetConnection>),
    ("target-connections", one::<TargetConnection>),
    ("flows", listed::<Flow>),
    ("flows", one::<Flow>),
    ("flows", |answer, _| {
        flow_service::parse_created::<FlowId>(answer).map(|made| created(&made))
    }),
    ("runs", listed::<FlowRun>),
    ("runs", one::<FlowRun>),
    ("specs", listed::<ConnectionSpec>),
    ("specs", listed::<FlowSpec>),
    ("specs", one::<ConnectionSpec>),
    ("specs", |answer, _| {
        let spec = flow_service::parse_one::<ConnectionSpec>(answer)?;
        Ok(plain(spec.row_filtering()))
    }),
    ("specs", one::<FlowSpec>),
    ("explore", |answer, _| {
        explore::parse_root(answer).map(plain)
    }),
    ("explore", |answer, _| {
        let table = explore::parse_table(answer)?;
        let tenant =
            crate::TenantId::parse("acme").map_err(|e| Unreadable::shape(e.to_string()))?;
        let fields = schema_fields(&tenant, &table.columns);
        Ok(plain((table, fields)))
    }),
    ("catalog", |answer, _| {
        catalog::parse_list(answer, 0, PAGE).map(page)
    }),
    ("catalog", |answer, _| {
        let id =
            DatasetId::parse("5ba9452f").map_err(|error| Unreadable::shape(error.to_string()))?;
        catalog::parse_one(answer, &id).map(plain)
    }),
    ("catalog", |answer, _| {
        catalog::parse_created(answer).map(|made| created(&made))
    }),
    ("catalog", |answer, _| {
        catalog::parse_deleted(answer).map(plain)
    }),
    ("schema-registry", |answer, _| {
        schema_registry::parse_list::<FieldGroup>(answer).map(page)
    }),
    ("schema-registry", |answer, _| {
        schema_registry::parse_list::<Schema>(answer).map(page)
    }),
    ("schema-registry", |answer, _| {
        schema_registry::parse_one::<Schema>(answer).map(plain)
    }),
    ("schema-registry", |answer, _| {
        schema_registry::parse_created::<crate::SchemaId>(answer).map(|made| created(&made))
    }),
    ("schema-registry", |answer, _| {
        let schema = schema_registry::parse_one::<Schema>(answer)?;
        let field = schema.field("_acme.contact.name").map(FieldFamily::of);
        Ok(plain((field, schema.is_of_events())))
    }),
    ("schema-registry", |answer, _| {
        identities::parse_list(answer).map(page)
    }),
    ("schema-registry", |answer, _| {
        identities::parse_one(answer).map(plain)
    }),
    ("schema-registry", |answer, _| {
        identities::parse_created(answer).map(|made| created(&made))
    }),
    ("schema-registry", |answer, _| {
        schema_registry::parse_tenant(answer).map(plain)
    }),
    ("data-prep", |answer, _| {
        data_prep::parse_list(answer, 0, PAGE).map(page)
    }),
    ("data-prep", |answer, _| {
        data_prep::parse_validation(answer).map(plain)
    }),
    ("data-prep", |answer, _| {
        data_prep::parse_created(answer).map(|made| created(&made))
    }),
    // Its names go into a header, and only after a check of their own.
    ("sandboxes", |answer, _| {
        sandboxes::parse_list(answer, 0, PAGE).map(|page| plain(page.items))
    }),
];

/// The families of readers that [`read`] takes.
#[must_use]
pub fn families() -> Vec<&'static str> {
    let mut families: Vec<_> = READERS.iter().map(|(family, _)| *family).collect();
    families.dedup();
    families
}

/// Gives an answer to each reader of a family. Its text is that of HTTP: status line, headers,
/// an empty line, body; without a status line all of it is the body of a success. `secret` is the
/// one of the credentials.
#[must_use]
pub fn read(family: &str, text: &[u8], secret: &str) -> Vec<Told> {
    let answer = answer(text);
    READERS
        .iter()
        .filter(|(of, _)| *of == family)
        .map(|(_, reader)| {
            reader(&answer, secret)
                .unwrap_or_else(|error| Told::Unreadable(format!("{error}\n{error:?}")))
        })
        .collect()
}

/// Reads an answer as a refusal, whatever its status is; `secret` is one that the request held.
#[must_use]
pub fn refused(text: &[u8], secret: &str) -> Refused {
    let secrets = [SecretString::from(secret.to_owned())];
    let refusal = Refusal::read(&answer(text), SystemTime::now(), &secrets);
    Refused {
        shown: format!("{refusal}\n{refusal:?}"),
        is_documented: refusal.code.as_ref().is_some_and(is_documented),
        meanings: [Effect::Read, Effect::Create, Effect::Update, Effect::Delete]
            .into_iter()
            .map(|effect| {
                let verdict = classify(effect, &refusal);
                Meaning {
                    effect,
                    outcome: verdict.outcome,
                    next: verdict.next,
                    class: verdict.class,
                }
            })
            .collect(),
        refusal,
    }
}

/// The server's time in an answer.
#[must_use]
pub fn date(text: &[u8]) -> Option<SystemTime> {
    answer(text).date()
}

/// Follows a list through these pages, again from the first when they end. Gives how many pages
/// were read and how many entries found, or the error as it is printed, with the pages read.
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
        let answer = answer(text);
        read += 1;
        let next = if flows {
            flow_service::parse_list(&answer, HOST).and_then(|page| found_flows.take(page))
        } else {
            catalog::parse_list(&answer, offset(cursor.as_deref()), PAGE)
                .and_then(|page| found_datasets.take(page))
        };
        match next {
            Err(error) => return Err((read, format!("{error}\n{error:?}"))),
            Ok(None) => return Ok((read, found_flows.len() + found_datasets.len())),
            Ok(next) => cursor = next,
        }
    }
}

fn token(answer: &Answer, secret: &str) -> Result<Told, Unreadable> {
    let credentials = Credentials {
        client_id: "id".to_owned(),
        client_secret: secret.to_owned().into(),
        scopes: Vec::new(),
    };
    let grant = crate::ims::parse(answer, SystemTime::UNIX_EPOCH, &credentials);
    Ok(match grant {
        // A grant has no `Debug`; how long it lives is all that may be told.
        Ok(grant) => plain((grant.authorization, grant.life.min(Duration::MAX))),
        Err(end) => {
            let error = crate::error::PlatformError::of_token(end);
            Told::Unreadable(format!("{}\n{error:?}", crate::Chain(&error)))
        }
    })
}

fn listed<E: Entity + Debug>(answer: &Answer, _: &str) -> Result<Told, Unreadable> {
    flow_service::parse_list::<E>(answer, HOST).map(page)
}

fn one<E: Entity + Debug>(answer: &Answer, _: &str) -> Result<Told, Unreadable> {
    let entity = flow_service::parse_one::<E>(answer)?;
    Ok(Told::Read {
        ids: vec![asked(entity.id())],
        shown: format!("{entity:?}"),
    })
}

fn page<T: Debug>(page: Page<T>) -> Told {
    Told::Read {
        ids: page.items.iter().map(|(id, _)| asked(id)).collect(),
        shown: format!(
            "{:?}",
            page.items.iter().map(|(_, item)| item).collect::<Vec<_>>()
        ),
    }
}

fn created<I: Debug + std::fmt::Display>(made: &Created<I>) -> Told {
    Told::Read {
        ids: vec![asked(&made.id.to_string())],
        shown: format!("{made:?}"),
    }
}

fn plain(read: impl Debug) -> Told {
    Told::Read {
        ids: Vec::new(),
        shown: format!("{read:?}"),
    }
}

fn asked(id: &str) -> (String, String) {
    let request = Request::get(Kind::Flow, Service::Flow, "/flows/{id}").id(id);
    (id.to_owned(), request.target())
}

fn answer(text: &[u8]) -> Answer {
    let mut answer = Answer {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: Ok(Bytes::copy_from_slice(text)),
        received_at: Instant::now(),
    };
    let Some(rest) = text.strip_prefix(b"HTTP/1.1 ") else {
        return answer;
    };
    let blank = rest.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = match blank {
        Some(at) => (&rest[..at], &rest[at + 2..]),
        None => (rest, &[][..]),
    };
    answer.body = Ok(Bytes::copy_from_slice(body));
    let mut lines = head.split(|byte| *byte == b'\n');
    let status = lines.next().and_then(|line| line.get(..3));
    if let Some(Ok(status)) = status.map(StatusCode::from_bytes) {
        answer.status = status;
    }
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            answer.headers.append(name, value);
        }
    }
    answer
}
