//! Generates the tables of `docs/sources.md`, and fails if they are stale.

use std::fmt::Write as _;

use super::entry::Source;
use super::{Catalog, file};
use crate::config::Environment;

const BEGIN: &str = "<!-- made by `UPDATE=1 cargo test --lib catalog` -->\n";
const END: &str = "<!-- end -->";

/// Every source with its ways of authentication, and those that are only known by name.
fn tables() -> String {
    let catalog = Catalog::built_in();
    let mut page =
        "\n| source | | authentication | rows filtered |\n|---|---|---|---|\n".to_owned();
    for source in catalog.iter() {
        let Ok(tabular) = source.served() else {
            continue;
        };
        let ways: Vec<String> = tabular
            .auth
            .iter()
            .map(|auth| match auth.deprecation {
                None => format!("`{}`", auth.spec_name),
                Some(_) => format!("`{}` (deprecated)", auth.spec_name),
            })
            .collect();
        let filter = match tabular.source_connection.row_filter {
            Some(true) => "yes",
            Some(false) => "",
            None => "unknown",
        };
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {filter} |",
            source.name,
            title(source),
            ways.join(", ")
        );
    }
    page.push_str("\nKnown by name, and not served yet:\n\n| source | | gives |\n|---|---|---|\n");
    for source in catalog.iter().filter(|source| source.tabular.is_none()) {
        let gives = source.kind.in_a_word();
        let _ = writeln!(page, "| `{}` | {} | {gives} |", source.name, source.title);
    }
    page.push('\n');
    page
}

fn title(source: &Source) -> String {
    match &source.deprecation {
        None => source.title.clone(),
        Some(_) => format!("{}, **deprecated**", source.title),
    }
}

#[test]
fn the_tables_of_the_page_are_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sources.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (found, foot) = rest.split_once(END).unwrap();
    let wanted = tables();
    if Environment::of_process().get("UPDATE").is_some() {
        std::fs::write(path, format!("{head}{BEGIN}{wanted}{END}{foot}")).unwrap();
        return;
    }
    assert!(
        found == wanted,
        "docs/sources.md is stale; run `UPDATE=1 cargo test --lib catalog`"
    );
}

#[test]
fn the_file_that_the_page_shows_is_taken() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sources.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (shown, _) = rest.split_once("```").unwrap();
    let source = file::read("acme", shown).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(source.served().unwrap().auth("").unwrap().params[1].secret);
}
