//! Every kind of bad input, through a real workflow: its type, its field, and that nothing was created.

use std::time::Duration;

use aep_flow_testkit::platform::writes;
use aep_flow_testkit::{World, input, table};
use serde_json::{Value, json};

/// A bad input: what it is called here, how it comes from a good one, and the field to be named.
type Case = (&'static str, fn(&mut Value), &'static str);

fn recurring(start: &str) -> Value {
    json!({"startTime": start, "frequency": "HOUR", "interval": 1})
}

#[tokio::test]
async fn what_can_be_told_from_the_input_alone_is_refused_before_anything_is_sent() {
    let cases: &[Case] = &[
        (
            "no connection",
            |i| drop(i.as_object_mut().unwrap().remove("connection")),
            "connection",
        ),
        (
            "no host",
            |i| i["connection"]["host"] = Value::Null,
            "connection.host",
        ),
        (
            "an empty host",
            |i| i["connection"]["host"] = "".into(),
            "connection.host",
        ),
        (
            "no username",
            |i| i["connection"]["username"] = Value::Null,
            "connection.username",
        ),
        (
            "an empty username",
            |i| i["connection"]["username"] = "".into(),
            "connection.username",
        ),
        (
            "no password",
            |i| i["connection"]["password"] = Value::Null,
            "connection.password",
        ),
        (
            "an empty password",
            |i| i["connection"]["password"] = json!({}),
            "connection.password",
        ),
        (
            "no name",
            |i| i["connection"]["name"] = Value::Null,
            "connection.name",
        ),
        (
            "an empty name",
            |i| i["connection"]["name"] = "".into(),
            "connection.name",
        ),
        (
            "a name of spaces",
            |i| i["connection"]["name"] = "   ".into(),
            "connection.name",
        ),
        (
            "a long name",
            |i| i["connection"]["name"] = "n".repeat(256).into(),
            "connection.name",
        ),
        (
            "a bell in the name",
            |i| i["connection"]["name"] = "a\u{7}b".into(),
            "connection.name",
        ),
        ("no tables", |i| i["tables"] = Value::Null, "tables"),
        (
            "an empty list of tables",
            |i| i["tables"] = json!([]),
            "tables",
        ),
        (
            "a literal password",
            |i| i["connection"]["password"] = "open-sesame".into(),
            "connection.password",
        ),
        (
            "http",
            |i| i["connection"]["host"] = "http://acme.custhelp.com".into(),
            "connection.host",
        ),
        (
            "a path",
            |i| i["connection"]["host"] = "acme.custhelp.com/x".into(),
            "connection.host",
        ),
        (
            "a query",
            |i| i["connection"]["host"] = "acme.custhelp.com?x".into(),
            "connection.host",
        ),
        (
            "user information",
            |i| i["connection"]["host"] = "https://me:open-sesame@acme.custhelp.com".into(),
            "connection.host",
        ),
        (
            "a space",
            |i| i["connection"]["host"] = "acme .custhelp.com".into(),
            "connection.host",
        ),
        (
            "a bell",
            |i| i["connection"]["host"] = "acme\u{7}.com".into(),
            "connection.host",
        ),
        (
            "300 characters",
            |i| i["connection"]["host"] = "h".repeat(300).into(),
            "connection.host",
        ),
        (
            "localhost",
            |i| i["connection"]["host"] = "localhost".into(),
            "connection.host",
        ),
        (
            "a loopback address",
            |i| i["connection"]["host"] = "127.0.0.1".into(),
            "connection.host",
        ),
        (
            "a link-local address",
            |i| i["connection"]["host"] = "https://169.254.169.254".into(),
            "connection.host",
        ),
        (
            "a table twice",
            |i| i["tables"] = json!([table("Contacts"), table("Contacts")]),
            "tables[1].table",
        ),
        (
            "15 minutes undercut",
            |i| {
                i["tables"][0]["schedule"] = json!({"frequency": "MINUTE", "interval": 14});
                i["tables"][0]["deltaColumn"] = "updatedTime".into();
            },
            "tables[0].schedule.interval",
        ),
        (
            "an interval of nothing",
            |i| {
                i["tables"][0]["schedule"] = json!({"frequency": "DAY", "interval": 0});
                i["tables"][0]["deltaColumn"] = "updatedTime".into();
            },
            "tables[0].schedule.interval",
        ),
        (
            "an unknown frequency",
            |i| i["tables"][0]["schedule"] = json!({"frequency": "FORTNIGHT"}),
            "tables[0].schedule.frequency",
        ),
        (
            "a start time that is none",
            |i| i["tables"][0]["schedule"] = json!({"startTime": "tomorrow"}),
            "tables[0].schedule.startTime",
        ),
        (
            "a start time that has passed",
            |i| i["tables"][0]["schedule"] = json!({"startTime": "2020-01-01T00:00:00Z"}),
            "tables[0].schedule.startTime",
        ),
        (
            "recurring without a delta column",
            |i| i["tables"][0]["schedule"] = recurring("2036-01-01T00:00:00Z"),
            "tables[0].deltaColumn",
        ),
        (
            "once with an interval",
            |i| i["tables"][0]["schedule"] = json!({"frequency": "ONCE", "interval": 1}),
            "tables[0].schedule.interval",
        ),
        (
            "once with backfill",
            |i| i["tables"][0]["schedule"] = json!({"backfill": true}),
            "tables[0].schedule.backfill",
        ),
        (
            "once with a delta column",
            |i| i["tables"][0]["deltaColumn"] = "updatedTime".into(),
            "tables[0].deltaColumn",
        ),
        (
            "an unknown field",
            |i| i["waitForFirstRuns"] = true.into(),
            "waitForFirstRuns",
        ),
        (
            "an unknown field of a table",
            |i| i["tables"][0]["colunms"] = json!(["id"]),
            "tables[0].colunms",
        ),
        (
            "an unknown field of the connection",
            |i| i["connection"]["hostname"] = "x".into(),
            "connection.hostname",
        ),
        (
            "a wrong type",
            |i| i["waitForFirstRun"] = "yes".into(),
            "waitForFirstRun",
        ),
        (
            "a variable that is not set",
            |i| i["connection"]["password"] = json!({"env": "OSC_NOT_SET_ANYWHERE"}),
            "connection.password.env",
        ),
        (
            "a file that is not there",
            |i| i["connection"]["password"] = json!({"file": "osc/not-there"}),
            "connection.password.file",
        ),
        (
            "a file outside of the secrets folder",
            |i| i["connection"]["password"] = json!({"file": "../temporal.toml"}),
            "connection.password.file",
        ),
    ];
    let world = World::new().await;
    let worker = world.worker();
    let mut wrong = Vec::new();
    for (name, change, field) in cases {
        let mut input = input(&[table("Contacts")]);
        change(&mut input);
        let failed = world.ingest(&input).await.expect_err(name);
        let text = format!("{failed:?}");
        let is_right = failed.kind == "InvalidInput"
            && failed.is_non_retryable
            && failed.details["field"] == *field
            && failed.message.contains(field)
            && !failed.details["nextStep"]
                .as_str()
                .unwrap_or_default()
                .is_empty()
            && !text.contains("open-sesame");
        if !is_right {
            wrong.push(format!("{name}: {field} expected, found {text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(writes(&world.emulator), [""; 0]);
    world.end(worker).await;
}

#[tokio::test]
async fn what_only_the_source_can_tell_is_refused_with_the_names_that_exist() {
    type Case = (&'static str, fn(&mut Value), &'static str, &'static str);
    let cases: &[Case] = &[
        (
            "an unknown column",
            |i| i["tables"][0]["columns"] = json!(["id", "emails.adress"]),
            "tables[0].columns[1]",
            "emails.address",
        ),
        (
            "an unknown delta column",
            |i| {
                i["tables"][0]["deltaColumn"] = "updateTime".into();
                i["tables"][0]["schedule"] = recurring("2036-01-01T00:00:00Z");
            },
            "tables[0].deltaColumn",
            "updatedTime",
        ),
        (
            "an unknown source of a mapping",
            |i| {
                i["tables"][0]["mapping"] =
                    json!([{"source": "Id", "destination": "_tenant.contactId"}]);
            },
            "tables[0].mapping[0].source",
            "id",
        ),
        (
            "a delta column that has no order in time",
            |i| {
                i["tables"][0]["deltaColumn"] = "disabled".into();
                i["tables"][0]["schedule"] = recurring("2036-01-01T00:00:00Z");
            },
            "tables[0].deltaColumn",
            "date-time",
        ),
    ];
    let world = World::new().await;
    let worker = world.worker();
    for (name, change, field, expected) in cases {
        let mut input = input(&[table("Contacts")]);
        change(&mut input);
        let failed = world.ingest(&input).await.expect_err(name);
        assert_eq!(failed.kind, "InvalidInput", "{name}: {failed:?}");
        let table = &failed.details["failed"][0];
        assert_eq!(table["table"], "Contacts", "{name}: {failed:?}");
        assert_eq!(table["step"], "ExploreTable", "{name}: {failed:?}");
        let message = table["message"].as_str().unwrap();
        assert!(
            message.contains(field),
            "{name}: {field} is not in {message}"
        );
        assert!(
            message.contains(expected),
            "{name}: {expected} is not in {message}"
        );
    }
    // The connection is needed to ask the source; nothing uses it.
    assert_eq!(writes(&world.emulator), ["POST connections"]);
    world.end(worker).await;
}

#[tokio::test]
async fn a_deadline_that_ends_before_the_lists_have_caught_up_is_refused() {
    let world = World::new().await;
    let worker = world.worker_with(|config| config.ensure.list_lag = Duration::from_secs(30));
    let mut input = input(&[table("Contacts")]);
    input["stepDeadlineSeconds"] = 25.into();
    let failed = world.ingest(&input).await.unwrap_err();
    assert_eq!(failed.kind, "InvalidInput", "{failed:?}");
    assert_eq!(failed.details["field"], "stepDeadlineSeconds", "{failed:?}");
    let message = format!("{failed:?}");
    assert!(message.contains("found 25"), "{message}");
    assert!(message.contains("more than 32"), "{message}");
    assert!(writes(&world.emulator).is_empty());
    world.end(worker).await;
}
