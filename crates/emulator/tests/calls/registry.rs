//! Field groups and schemas.

use aep_emulator::{Config, ListBehaviour};
use reqwest::Method;
use serde_json::json;

use crate::support::*;

fn groups() -> String {
    format!("{REGISTRY}/tenant/fieldgroups")
}

fn schemas() -> String {
    format!("{REGISTRY}/tenant/schemas")
}

#[tokio::test]
async fn a_title_is_taken_once_across_both_kinds() {
    let aep = Aep::start().await;
    let group = aep.post(&groups(), &fieldgroup("taken", &["a"])).await;
    assert_eq!(group.status, 201);
    let id = group.body["$id"].as_str().unwrap();
    assert!(id.starts_with("https://ns.adobe.com/acme/mixins/"), "{id}");
    for (path, body) in [
        (groups(), fieldgroup("taken", &["a"])),
        (schemas(), schema("taken", id)),
    ] {
        let refused = aep.post(&path, &body).await;
        assert_eq!((refused.status, refused.code()), (400, "XDM-1521-400"));
        assert!(
            refused.body["report"]["detailed-message"]
                .as_str()
                .unwrap()
                .contains(id),
            "{refused:?}"
        );
    }
    let free = aep.post(&schemas(), &schema("free", id)).await;
    assert_eq!(free.status, 201, "{free:?}");
    assert_eq!(
        aep.post(&groups(), &fieldgroup("free", &["a"]))
            .await
            .code(),
        "XDM-1521-400"
    );
}

#[tokio::test]
async fn a_title_is_free_in_another_sandbox_and_after_a_deletion() {
    let mut aep = Aep::start().await;
    let id = aep.post(&groups(), &fieldgroup("title", &["a"])).await.body["meta:altId"].clone();
    let path = format!("{}/{}", groups(), id.as_str().unwrap());
    assert_eq!(aep.delete(&path).await.status, 204);
    assert_eq!(
        aep.post(&groups(), &fieldgroup("title", &["a"]))
            .await
            .status,
        201
    );
    aep.sandbox = "dev".to_owned();
    assert_eq!(
        aep.post(&groups(), &fieldgroup("title", &["a"]))
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn fields_must_be_below_the_tenant() {
    let aep = Aep::start().await;
    let mut body = fieldgroup("outside", &["a"]);
    body["definitions"]["customFields"]["properties"] = json!({"a": {"type": "string"}});
    let refused = aep.post(&groups(), &body).await;
    assert_eq!(refused.code(), "XDM-1020-400");
    assert_eq!(refused.body["title"], "Namespace validation error");
    let dotted = aep
        .post(&groups(), &fieldgroup("dotted", &["emails.address"]))
        .await;
    assert_eq!(dotted.code(), "XDM-1021-400");
    assert!(aep.emulator.resources("prod", "fieldgroups").is_empty());
}

#[tokio::test]
async fn a_schema_has_one_class_and_field_groups_that_exist() {
    let aep = Aep::start().await;
    let group = aep.post(&groups(), &fieldgroup("g", &["a"])).await.body["$id"]
        .as_str()
        .unwrap()
        .to_owned();
    let unknown = "https://ns.adobe.com/acme/mixins/00";
    for (references, code) in [
        (json!([{"$ref": group}]), "XDM-1018-400"),
        (
            json!([{"$ref": PROFILE}, {"$ref": "https://ns.adobe.com/xdm/context/experienceevent"}]),
            "XDM-1018-400",
        ),
        (
            json!([{"$ref": PROFILE}, {"$ref": unknown}]),
            "XDM-1013-404",
        ),
        (
            json!([{"$ref": "https://ns.adobe.com/xdm/context/experienceevent"}, {"$ref": group}]),
            "XDM-1018-400",
        ),
    ] {
        let mut body = schema("s", &group);
        body["allOf"] = references.clone();
        let refused = aep.post(&schemas(), &body).await;
        assert_eq!(refused.code(), code, "{references}: {refused:?}");
    }
    let mut nameless = schema("s", &group);
    nameless.as_object_mut().unwrap().remove("description");
    assert_eq!(aep.post(&schemas(), &nameless).await.code(), "XDM-1018-400");
}

#[tokio::test]
async fn a_schema_is_read_by_either_id_in_a_version() {
    let aep = Aep::start().await;
    let id = aep.schema("readable", &["a"]).await;
    let listed = aep
        .get_as(
            &format!("{}?property=title==readable", schemas()),
            "application/vnd.adobe.xed-id+json",
        )
        .await;
    let entry = &listed.body["results"][0];
    assert_eq!(entry["$id"], id);
    assert_eq!(entry.as_object().unwrap().len(), 4, "{entry}");
    let encoded: String = url_encoded(&id);
    for key in [encoded.as_str(), entry["meta:altId"].as_str().unwrap()] {
        let path = format!("{}/{key}", schemas());
        let raw = aep
            .get_as(&path, "application/vnd.adobe.xed+json; version=1")
            .await;
        assert_eq!(raw.body["allOf"][0]["$ref"], PROFILE, "{raw:?}");
        assert_eq!(raw.body["meta:class"], PROFILE);
        let full = aep.get_as(&path, XED_FULL).await;
        assert_eq!(
            full.body["properties"]["_acme"]["properties"]["a"]["type"], "string",
            "{full:?}"
        );
        assert_eq!(aep.get_as(&path, XED_LIST).await.code(), "XDM-1007-400");
        assert_eq!(aep.get(&path).await.code(), "XDM-1007-400");
    }
    assert_eq!(aep.get(&schemas()).await.code(), "XDM-1006-400");
    assert_eq!(
        aep.get_as(&schemas(), XED_FULL).await.code(),
        "XDM-1006-400"
    );
    assert_eq!(
        aep.get_as(&format!("{}/unknown", schemas()), XED_FULL)
            .await
            .code(),
        "XDM-1012-404"
    );
    assert_eq!(
        aep.delete(&format!("{}/{encoded}", schemas())).await.status,
        204
    );
    assert_eq!(
        aep.delete(&format!("{}/{encoded}", schemas())).await.status,
        404
    );
}

#[tokio::test]
async fn pages_go_on_from_the_last_title() {
    let lists = ListBehaviour {
        page_size: 2,
        ..ListBehaviour::default()
    };
    let aep = Aep::with(Config {
        lists,
        ..Config::default()
    })
    .await;
    for title in ["c", "a", "e", "b", "d"] {
        assert_eq!(
            aep.post(&groups(), &fieldgroup(title, &["x"])).await.status,
            201
        );
    }
    for (order, expected) in [("title", "abcde"), ("-title", "edcba")] {
        let (mut seen, mut start) = (String::new(), None::<String>);
        loop {
            let mut request = aep
                .request(Method::GET, &groups())
                .header("accept", XED_LIST);
            request = request.query(&[("orderby", order), ("limit", "100")]);
            if let Some(start) = &start {
                request = request.query(&[("start", start)]);
            }
            let page = send(request).await;
            for group in page.body["results"].as_array().unwrap() {
                seen.push_str(group["title"].as_str().unwrap());
            }
            match page.body["_page"]["next"].as_str() {
                Some(next) => start = Some(next.to_owned()),
                None => break,
            }
        }
        assert_eq!(seen, expected);
    }
    let refused = aep.get_as(&format!("{}?limit=1", groups()), XED_LIST).await;
    assert_eq!(refused.status, 400, "limit needs orderby");
    let beyond = aep
        .get_as(&format!("{}?orderby=title&limit=501", groups()), XED_LIST)
        .await;
    assert_eq!(beyond.status, 400);
}

#[tokio::test]
async fn a_schema_in_full_shows_every_field_with_its_type() {
    let aep = Aep::start().await;
    let event = "https://ns.adobe.com/xdm/context/experienceevent";
    let mut group = fieldgroup("typed fields", &[]);
    group["meta:intendedToExtend"] = json!([event]);
    group["definitions"]["customFields"]["properties"]["_acme"]["required"] = json!(["id"]);
    group["definitions"]["customFields"]["properties"]["_acme"]["properties"] = json!({
        "id": {"type": "string"},
        "count": {"type": "integer", "minimum": -2147483648_i64, "maximum": 2147483647},
        "big": {"type": "integer", "minimum": -9007199254740992_i64, "maximum": 9007199254740991_i64},
        "amount": {"type": "number"},
        "isOpen": {"type": "boolean"},
        "day": {"type": "string", "format": "date"},
        "changed": {"type": "string", "format": "date-time"},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
    });
    let group = aep.post(&groups(), &group).await;
    assert_eq!(group.status, 201, "{group:?}");
    let mut body = schema("typed", group.body["$id"].as_str().unwrap());
    body["allOf"][0]["$ref"] = json!(event);
    let created = aep.post(&schemas(), &body).await;
    let id = created.body["meta:altId"].as_str().unwrap();
    let full = aep
        .get_as(&format!("{}/{id}", schemas()), XED_FULL)
        .await
        .body;
    let own = &full["properties"]["_acme"]["properties"];
    let types: Vec<_> = [
        "id", "count", "big", "amount", "isOpen", "day", "changed", "lines",
    ]
    .iter()
    .map(|name| own[*name]["meta:xdmType"].as_str().unwrap())
    .collect();
    let expected = [
        "string",
        "int",
        "long",
        "number",
        "boolean",
        "date",
        "date-time",
        "array",
    ];
    assert_eq!(types, expected);
    assert_eq!(
        own["lines"]["items"]["properties"]["sku"]["meta:xdmType"],
        "string"
    );
    assert_eq!(full["properties"]["timestamp"]["meta:xdmType"], "date-time");
    assert_eq!(full["required"], json!(["_id", "timestamp"]));
    assert_eq!(full["properties"]["_acme"]["required"], json!(["id"]));
    assert_eq!(full["meta:class"], event);
}

#[tokio::test]
async fn a_field_must_have_a_type_of_xdm() {
    let aep = Aep::start().await;
    for field in [
        json!({"title": "no type"}),
        json!({"type": "String"}),
        json!({"type": "decimal"}),
        json!({"type": "string", "format": "timestamp"}),
        json!({"type": "array"}),
    ] {
        let mut body = fieldgroup("typed", &[]);
        body["definitions"]["customFields"]["properties"]["_acme"]["properties"]["a"] =
            field.clone();
        assert_eq!(
            aep.post(&groups(), &body).await.code(),
            "XDM-1024-400",
            "{field}"
        );
    }
}

fn url_encoded(text: &str) -> String {
    text.replace(':', "%3A").replace('/', "%2F")
}
