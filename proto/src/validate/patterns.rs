//! The tables that the entries of an ingestion select from those of the source.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;

use super::{
    findings::Findings,
    limits::{MAX_INPUT_BYTES, MAX_TABLES},
    tables::is_path,
};
use crate::{
    v1::{Table, Violation},
    wording::{nearest, shown},
};

/// Most paths that an error names when a pattern matches none.
const PATHS_SHOWN: usize = 20;

/// One table, and the place in the input of the entry that selects it.
#[derive(Debug, Clone, PartialEq)]
pub struct SelectedTable {
    /// From 0.
    pub place: usize,
    /// The entry, with the table's path instead of a pattern.
    pub table: Table,
}

/// Whether an entry is a pattern, so that the source's tables must be known.
#[must_use]
pub fn has_pattern(entries: &[Table]) -> bool {
    entries.iter().any(|entry| !entry.r#match.is_empty())
}

/// The entries that name a table, each with its place.
#[must_use]
pub fn named(entries: &[Table]) -> Vec<SelectedTable> {
    let entries = entries.iter().enumerate();
    entries
        .filter(|(_, entry)| entry.r#match.is_empty())
        .map(|(place, entry)| SelectedTable {
            place,
            table: entry.clone(),
        })
        .collect()
}

/// The tables that `entries` select, in their order; those of one pattern in the order of
/// `paths`, which are the source's.
///
/// # Errors
/// A pattern that matches no table, or one that another pattern matches, too; a path that cannot
/// be one; more tables or a longer list than one ingestion takes.
pub fn select_tables(
    entries: &[Table],
    paths: &[&str],
) -> Result<Vec<SelectedTable>, Vec<Violation>> {
    let mut findings = Findings::default();
    let own: BTreeSet<&str> = entries.iter().map(|entry| entry.table.as_str()).collect();
    let mut fitted: BTreeMap<&str, usize> = BTreeMap::new();
    let mut selected = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        if entry.r#match.is_empty() {
            let table = entry.clone();
            selected.push(SelectedTable { place, table });
            continue;
        }
        let field = format!("tables[{place}].match");
        let mut fits = false;
        for &path in paths {
            let is_left_out = || entry.except.iter().any(|except| glob(except, path));
            if !glob(&entry.r#match, path) || is_left_out() {
                continue;
            }
            fits = true;
            if own.contains(path) {
                continue;
            }
            if path.trim().is_empty() || !is_path(path) {
                let expected = "a pattern that leaves out what is no table's path";
                findings.note(&field, format!("`{}`", shown(path)), expected);
                continue;
            }
            if let Some(first) = fitted.insert(path, place) {
                // The source may list a table twice, which is no fault of the caller's.
                if first != place {
                    findings.note(
                        &field,
                        format!("`{}`, which tables[{first}].match fits too", shown(path)),
                        "each table once: leave it out of one of them by `except`",
                    );
                }
                continue;
            }
            let mut table = entry.clone();
            path.clone_into(&mut table.table);
            table.r#match.clear();
            table.except.clear();
            selected.push(SelectedTable { place, table });
        }
        if !fits {
            findings.note(
                field,
                format!("`{}`, which fits no table", shown(&entry.r#match)),
                format!("a pattern of {}", some(&entry.r#match, paths)),
            );
        }
    }
    if selected.is_empty() {
        let expected = "at least one table that has no entry of its own";
        findings.note("tables", "patterns that select no table", expected);
    }
    findings.at_most("tables", selected.len(), MAX_TABLES, "tables");
    let bytes: usize = selected.iter().map(|each| each.table.encoded_len()).sum();
    if bytes > MAX_INPUT_BYTES {
        findings.note(
            "tables",
            format!("{} tables in {bytes} bytes", selected.len()),
            format!("at most {MAX_INPUT_BYTES}: patterns that fit fewer tables"),
        );
    }
    findings.into_result().map(|()| selected)
}

/// Some of the source's tables, for a caller whose pattern matches none.
fn some(pattern: &str, paths: &[&str]) -> String {
    if paths.is_empty() {
        return "tables; but the source shows none to these credentials".to_owned();
    }
    let near = nearest(pattern, paths.iter().copied());
    let few = if near.is_empty() { paths } else { &near };
    let few: Vec<String> = few
        .iter()
        .take(PATHS_SHOWN)
        .map(|path| shown(path))
        .collect();
    format!(
        "tables such as {} (there are {})",
        few.join(", "),
        paths.len()
    )
}

/// Whether `path` matches `pattern`: `*` matches any characters, `?` matches one.
fn glob(pattern: &str, path: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let path: Vec<char> = path.chars().collect();
    let (mut at, mut of) = (0, 0);
    // The place of the last `*`, and how far it reaches so far. Earlier ones never need to reach
    // further, so no pattern takes long.
    let mut star: Option<(usize, usize)> = None;
    while of < path.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, of));
                at += 1;
            }
            Some(&each) if each == '?' || each == path[of] => {
                at += 1;
                of += 1;
            }
            _ => {
                let Some((from, reach)) = star else {
                    return false;
                };
                star = Some((from, reach + 1));
                at = from + 1;
                of = reach + 1;
            }
        }
    }
    pattern[at..].iter().all(|each| *each == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_as_a_person_reads_it() {
        for (pattern, path, expected) in [
            ("*", "crm_contacts", true),
            ("crm_*", "crm_contacts", true),
            ("crm_*", "crm_", true),
            ("crm_*", "acrm_contacts", false),
            ("CRM_*", "crm_contacts", false),
            ("crm_?", "crm_a", true),
            ("crm_?", "crm_", false),
            ("crm_?", "crm_ä", true),
            ("*_*_x", "a_b_c_x", true),
            ("*a*b", "aXbXa", false),
            ("crm", "crm_contacts", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(glob(pattern, path), expected, "{pattern} {path}");
        }
        let hostile = "*a".repeat(400);
        assert!(!glob(&hostile, &"a".repeat(399)));
    }

    const PATHS: [&str; 5] = ["crm_a", "crm_b", "crm_tmp_c", "erp_a", "crm_a"];

    fn named(table: &str) -> Table {
        Table {
            table: table.to_owned(),
            delta_column: "own".to_owned(),
            ..Table::default()
        }
    }

    fn matching(pattern: &str, except: &[&str]) -> Table {
        Table {
            r#match: pattern.to_owned(),
            except: except.iter().map(|&each| each.to_owned()).collect(),
            delta_column: "updated".to_owned(),
            ..Table::default()
        }
    }

    fn shown_as(entries: &[Table], paths: &[&str]) -> Vec<(usize, String, String)> {
        let selected = select_tables(entries, paths).unwrap().into_iter();
        selected
            .map(|each| {
                assert!(each.table.r#match.is_empty() && each.table.except.is_empty());
                (each.place, each.table.table, each.table.delta_column)
            })
            .collect()
    }

    fn refused(entries: &[Table], paths: &[&str]) -> Vec<(String, String)> {
        let violations = select_tables(entries, paths).unwrap_err().into_iter();
        violations
            .map(|each| (each.field, format!("{}; {}", each.found, each.expected)))
            .collect()
    }

    #[test]
    fn a_pattern_selects_what_has_no_entry_of_its_own() {
        let of = |place, table: &str, delta: &str| (place, table.to_owned(), delta.to_owned());
        assert_eq!(
            shown_as(&[matching("crm_*", &["crm_tmp_*"]), named("crm_b")], &PATHS),
            [of(0, "crm_a", "updated"), of(1, "crm_b", "own")]
        );
        // Whether a named one exists is asked when its columns are.
        assert_eq!(
            shown_as(&[named("gone"), matching("erp_?", &[])], &PATHS),
            [of(0, "gone", "own"), of(1, "erp_a", "updated")]
        );
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_shown_what_exists() {
        let found = refused(&[matching("CRM_*", &[])], &PATHS);
        assert_eq!(found[0].0, "tables[0].match");
        assert!(
            found[0].1.contains("`CRM_*`, which fits no table"),
            "{found:?}"
        );
        assert!(found[0].1.contains("crm_a"), "{found:?}");
        let found = refused(&[named("a"), matching("*", &["*"])], &PATHS);
        assert_eq!(found[0].0, "tables[1].match");
        let found = refused(&[matching("*", &[])], &[]);
        assert!(found[0].1.contains("shows none"), "{found:?}");
    }

    #[test]
    fn a_table_is_selected_once() {
        let found = refused(
            &[matching("crm_*", &["crm_tmp_*"]), matching("*_b", &[])],
            &PATHS,
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, "tables[1].match");
        assert!(
            found[0].1.contains("`crm_b`, which tables[0].match"),
            "{found:?}"
        );
    }

    #[test]
    fn an_ingestion_does_not_outgrow_its_limits_by_a_pattern() {
        let many: Vec<String> = (0..=MAX_TABLES).map(|each| format!("t{each}")).collect();
        let mut paths: Vec<&str> = many.iter().map(String::as_str).collect();
        let found = refused(&[matching("*", &[])], &paths);
        assert_eq!(found, [("tables".to_owned(), found[0].1.clone())]);
        assert!(found[0].1.contains("1001 tables"), "{found:?}");
        paths.pop();
        assert!(select_tables(&[matching("*", &[])], &paths).is_ok());
        let mut long = matching("*", &[]);
        long.columns = vec!["c".repeat(900); 2];
        let found = refused(&[long], &paths);
        assert!(found[0].1.contains("bytes"), "{found:?}");
        let found = refused(&[matching("*", &[])], &["a\u{7}"]);
        assert!(found[0].1.contains("no table's path"), "{found:?}");
    }
}
