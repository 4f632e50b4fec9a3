//! The boards as Grafana reads them.

use std::collections::BTreeSet;

use super::deploy::{boards, list, text};

/// Grafana's name for an id; a board's is part of its address.
const UIDS: [&str; 3] = ["aep-flow-aep", "aep-flow-ingestions", "aep-flow-worker"];

#[test]
fn boards_keep_their_addresses_and_lead_to_each_other() {
    let boards = boards();
    let uids: Vec<&str> = boards.iter().map(|board| text(board, "uid")).collect();
    assert_eq!(uids, UIDS);
    for board in &boards {
        let title = text(board, "title");
        assert!(board["id"].is_null(), "{title} has an id of one database");
        assert_eq!(text(board, "refresh"), "10s", "{title}");
        let linked: BTreeSet<&str> = list(board, "links")
            .iter()
            .filter_map(|link| text(link, "url").strip_prefix("/d/"))
            .collect();
        let others = UIDS.into_iter().filter(|uid| *uid != text(board, "uid"));
        assert_eq!(linked, others.collect(), "{title}");
    }
}

#[test]
fn a_panel_says_what_it_shows_and_what_to_do() {
    for board in &boards() {
        let mut ids = BTreeSet::new();
        for panel in list(board, "panels") {
            let place = format!("{} / {}", text(board, "title"), text(panel, "title"));
            assert!(!text(panel, "title").is_empty(), "{place}");
            assert!(text(panel, "description").len() > 40, "{place}");
            let unit = text(&panel["fieldConfig"]["defaults"], "unit");
            assert!(!unit.is_empty(), "{place}");
            assert_eq!(list(panel, "links").len(), 1, "{place}");
            assert!(!list(panel, "targets").is_empty(), "{place}");
            assert_eq!(
                text(&panel["datasource"], "uid"),
                "${datasource}",
                "{place}"
            );
            assert!(ids.insert(panel["id"].as_u64()), "{place}: its id is taken");
        }
    }
}

#[test]
fn panels_do_not_cover_each_other() {
    for board in &boards() {
        let mut taken = BTreeSet::new();
        for panel in list(board, "panels") {
            let place = |field: &str| panel["gridPos"][field].as_u64().unwrap();
            let (x, y) = (place("x"), place("y"));
            assert!(x + place("w") <= 24, "{}", panel["title"]);
            for cell in (x..x + place("w")).flat_map(|x| (y..y + place("h")).map(move |y| (x, y))) {
                assert!(
                    taken.insert(cell),
                    "{} / {}",
                    board["title"],
                    panel["title"]
                );
            }
        }
    }
}
