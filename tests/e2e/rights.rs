//! docs/rights.md names every call that an activity makes: what a worker is seen to do on real
//! ingestions is held against its table.

use std::collections::{BTreeMap, BTreeSet};

use aep_flow_testkit::watch::log;
use aep_flow_testkit::{World, input, table, within};
use serde_json::json;

const LOG: &str = "worker.log";

/// Lines of the HTTP client, which stand in the span of a request and so in an activity's.
const FILTER: &str = "info,hyper_util=trace,reqwest=trace";

type Calls = BTreeMap<String, BTreeSet<String>>;

/// The table of the page: the activity, and the calls in its second column.
fn documented() -> Calls {
    let page = include_str!("../../docs/rights.md");
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let activity = cells.next()?.trim_end_matches('`');
        let calls = cells.next()?.split('`').skip(1).step_by(2);
        Some((activity.to_owned(), calls.map(str::to_owned).collect()))
    });
    rows.collect()
}

fn seen(world: &World) -> Calls {
    let mut seen = Calls::new();
    for line in log(world, LOG) {
        let text = |field: &str| line[field].as_str().map(str::to_owned);
        if let (Some(activity), Some(method), Some(route)) = (
            text("activity"),
            text("http.request.method"),
            text("url.template"),
        ) {
            let route = route.trim_start_matches("/data/foundation").to_owned();
            let calls = seen.entry(activity).or_default();
            calls.insert(format!("{method} {route}"));
        }
    }
    seen
}

#[tokio::test]
async fn every_call_of_an_activity_is_in_the_table_of_rights() {
    let world = World::new().await;
    let mut worker = world.worker_process_with(
        &[
            ("AEP_FLOW_LOG_FILTER", FILTER),
            ("AEP_FLOW_START_MARGIN", "3s"),
        ],
        LOG,
    );
    let mut wanted = input(&[table("Contacts"), table("Incidents")]);
    wanted["waitForFirstRun"] = json!(true);
    world.ingest(&wanted).await.unwrap();
    // And again, when all of it exists.
    world.ingest(&wanted).await.unwrap();
    within("the worker's end", worker.terminate()).await;

    let documented = documented();
    let seen = seen(&world);
    let any = &documented["any"];
    for (activity, calls) in &seen {
        let listed = documented
            .get(activity)
            .unwrap_or_else(|| panic!("no row for {activity}"));
        let missing: Vec<_> = calls
            .difference(listed)
            .filter(|call| !any.contains(*call))
            .collect();
        assert!(
            missing.is_empty(),
            "docs/rights.md: {activity} also makes {missing:?}"
        );
    }
    // The log was read rightly: the create of each of them was seen.
    let creates = seen
        .values()
        .flatten()
        .filter(|call| call.starts_with("POST "))
        .count();
    assert!(creates >= 8, "{seen:#?}");
}
