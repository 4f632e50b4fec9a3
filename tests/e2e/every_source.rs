//! Every source and way of authentication of the catalogue, by bodies written from Adobe's
//! documents.

use std::collections::BTreeSet;

use aep_flow::catalog::Catalog;
use aep_flow::connection;
use aep_flow_proto::{read, v1::Connection, validate::Rules};
use aep_flow_testkit::World;
use aep_flow_testkit::world::emulator_config;
use futures::StreamExt as _;
use serde_json::{Value, json};

/// One way to authenticate, by its document: parameters as an input has them, and the body that
/// they give.
struct Way {
    name: String,
    source: String,
    auth: String,
    params: Value,
    body: Value,
}

fn ways() -> Vec<Way> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/base_connections"
    );
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let ways = files.into_iter().map(|file| {
        let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let text = |field: &str| written[field].as_str().unwrap().to_owned();
        Way {
            name: file.file_stem().unwrap().to_string_lossy().into_owned(),
            source: text("source"),
            auth: text("auth"),
            params: written["params"].clone(),
            body: written["body"].clone(),
        }
    });
    ways.collect()
}

impl Way {
    fn connection(&self, params: &Value) -> Value {
        json!({"name": self.name, "source": self.source, "auth": self.auth, "params": params,
               "acknowledgeDeprecation": true})
    }

    /// What the catalogue says to it: the fields that it refuses.
    fn refused(&self, catalog: &Catalog, params: &Value) -> Vec<String> {
        let input = self.connection(params).to_string();
        let input: Connection = read::from_json(input.as_bytes()).unwrap();
        let violations = match connection::check(catalog, &input, Rules::default()) {
            Ok(checked) => checked.found_by_catalogue(),
            Err(violations) => violations,
        };
        assert!(
            !format!("{violations:?}").contains("hunter2"),
            "{violations:?}"
        );
        violations.into_iter().map(|each| each.field).collect()
    }
}

#[test]
fn the_documents_and_the_catalogue_know_the_same_ways() {
    let catalog = Catalog::built_in();
    let served = catalog.iter().filter_map(|source| {
        let tabular = source.served().ok()?;
        let ways = tabular.auth.iter();
        Some(ways.map(|auth| (source.name.clone(), auth.spec_name.clone())))
    });
    let served: BTreeSet<_> = served.flatten().collect();
    let documented = ways().into_iter().map(|way| (way.source, way.auth));
    assert_eq!(documented.collect::<BTreeSet<_>>(), served);
    let sources: BTreeSet<_> = served.iter().map(|(source, _)| source).collect();
    assert_eq!(sources.len(), 38);
}

#[test]
fn each_parameter_of_each_way_is_held_to_what_it_is() {
    let catalog = Catalog::built_in();
    for way in ways() {
        assert_eq!(way.refused(&catalog, &way.params), [""; 0], "{}", way.name);
        let source = catalog.source(&way.source).unwrap();
        let auth = source.served().unwrap().auth(&way.auth).unwrap();
        let mut refusals = 1;
        for param in &auth.params {
            let field = format!("params.{}", param.name);
            let mut without = way.params.clone();
            without.as_object_mut().unwrap().remove(&param.name);
            let expected: &[String] = if param.optional {
                &[]
            } else {
                std::slice::from_ref(&field)
            };
            assert_eq!(way.refused(&catalog, &without), expected, "{}", way.name);
            refusals += expected.len() + usize::from(param.secret);
            if param.secret {
                let mut literal = way.params.clone();
                literal[&param.name] = "hunter2".into();
                assert_eq!(way.refused(&catalog, &literal), [field], "{}", way.name);
            }
        }
        let mut unknown = way.params.clone();
        unknown["no such parameter"] = "hunter2".into();
        let field = "params.no such parameter";
        assert_eq!(way.refused(&catalog, &unknown), [field], "{}", way.name);
        eprintln!(
            "{:<27} {:<42} {refusals} wrong inputs refused",
            way.source, way.auth
        );
    }
}

#[tokio::test]
async fn each_way_makes_the_documented_body_and_opens_its_source() {
    let mut config = emulator_config();
    config.lists.page_size = 100;
    let world = World::with(config).await;
    let worker = world.worker();
    let secrets = world.folder().join("secrets");
    let ways = ways();
    let made = futures::stream::iter(&ways).map(|way| {
        let mut params = way.params.clone();
        for (name, value) in params.as_object_mut().unwrap() {
            if value.is_object() {
                let secret = way.body["auth"]["params"][name].as_str().unwrap();
                let file = format!("{}.{name}", way.name);
                std::fs::write(secrets.join(&file), secret).unwrap();
                *value = json!({"file": file});
            }
        }
        // Only the base connection is created, and its tables are listed.
        let tables = json!([{"match": "no such table"}]);
        let input = json!({"connection": way.connection(&params), "tables": tables});
        let world = &world;
        async move { (way, world.ingest_source(&input).await.unwrap_err()) }
    });
    let made: Vec<_> = made.buffer_unordered(8).collect().await;
    let journal = world.emulator.journal();
    for (way, failed) in made {
        assert_eq!(
            failed.details["field"], "tables[0].match",
            "{}: {failed:?}",
            way.name
        );
        let sent: Vec<&Value> = journal
            .iter()
            .filter(|entry| entry.method == "POST" && entry.route.ends_with("/connections"))
            .filter_map(|entry| entry.body.as_ref())
            .filter(|body| body["name"] == way.name.as_str())
            .collect();
        assert_eq!(sent.len(), 1, "{}", way.name);
        let mut sent = sent[0].clone();
        let body = sent.as_object_mut().unwrap();
        body.remove("description");
        body["name"] = way.body["name"].clone();
        for (name, value) in &way.params.as_object().unwrap().clone() {
            // The journal hides it; that it was right, the source has shown.
            if value.is_object() {
                assert_ne!(
                    sent["auth"]["params"][name],
                    Value::Null,
                    "{} {name}",
                    way.name
                );
                sent["auth"]["params"][name] = way.body["auth"]["params"][name].clone();
            }
        }
        assert_eq!(sent, way.body, "{}", way.name);
        eprintln!(
            "{:<27} {:<42} body as documented, source explored",
            way.source, way.auth
        );
    }
    world.end(worker).await;
}
