//! `aep-flow sources`: one line per source.

use clap::Args;
use serde::Serialize;

use super::super::out::{self, Output};
use crate::catalog::Catalog;
use crate::catalog::entry::{Auth, Deprecation, Source, SourceKind};

#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Also those that are known by name but not served yet
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    sources: Vec<Line<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    name: &'a str,
    title: &'a str,
    kind: SourceKind,
    category: &'a str,
    served: bool,
    /// What the source is and why it isn't served.
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not_served: Option<&'static str>,
    /// `specName` of each way of authentication.
    auth: Vec<&'a str>,
    /// The removal of the source by Adobe.
    deprecation: Option<&'a Deprecation>,
}

pub(super) fn run(output: Output, catalog: &Catalog, selection: &Selection) {
    let sources = catalog
        .iter()
        .filter(|source| selection.all || source.tabular.is_some());
    match output {
        Output::Json => out::json(&Answer {
            sources: sources.map(line).collect(),
        }),
        Output::Text => show(sources.map(row)),
    }
}

fn line(source: &Source) -> Line<'_> {
    Line {
        name: &source.name,
        title: &source.title,
        kind: source.kind,
        category: &source.category,
        served: source.tabular.is_some(),
        why_not_served: (source.tabular.is_none()).then(|| source.kind.why_not_served()),
        auth: ways(source).map(|auth| auth.spec_name.as_str()).collect(),
        deprecation: source.deprecation.as_ref(),
    }
}

fn ways(source: &Source) -> impl Iterator<Item = &Auth> {
    source.tabular.iter().flat_map(|tabular| &tabular.auth)
}

fn row(source: &Source) -> Vec<String> {
    let ways: Vec<String> = ways(source)
        .map(|auth| match auth.deprecation {
            None => auth.spec_name.clone(),
            Some(_) => format!("{} (deprecated)", auth.spec_name),
        })
        .collect();
    let ways = match (source.kind, ways.join(", ")) {
        (SourceKind::Tabular, ways) => ways,
        (kind, _) => format!("not served: {}", kind.in_a_word()),
    };
    let deprecated = source.deprecation.as_ref().map(|deprecation| {
        deprecation
            .since
            .as_ref()
            .map_or_else(|| "yes".to_owned(), |month| format!("since {month}"))
    });
    vec![
        source.name.clone(),
        source.category.clone(),
        ways,
        deprecated.unwrap_or_default(),
    ]
}

/// The header is not part of the answer, so that `aep-flow sources | wc -l` counts sources.
fn show(rows: impl Iterator<Item = Vec<String>>) {
    let header = ["NAME", "CATEGORY", "AUTHENTICATION", "DEPRECATED"];
    match out::table_lines(&header, rows).as_slice() {
        [] | [_] => out::note("no sources"),
        [header, rows @ ..] => {
            out::note(header);
            out::answer(&rows.join("\n"));
        }
    }
}
