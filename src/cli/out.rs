//! Everything that is written to stdout and stderr, except logs.

use std::io::{IsTerminal as _, Write as _};

use clap::ValueEnum;
use comfy_table::{Table, presets};
use serde::Serialize;

use crate::config::Environment;

/// The format of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Output {
    // For people; may change with any version.
    #[default]
    Text,
    // For programs; fields are added, never renamed.
    Json,
}

/// Writes a line of the result.
pub(super) fn answer(text: &str) {
    let mut stdout = std::io::stdout().lock();
    // The reader may have closed the pipe (`| head`).
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

/// Writes the result as JSON.
pub(super) fn json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => answer(&text),
        Err(error) => note(&format!(
            "error: the result can't be written as JSON: {error}"
        )),
    }
}

/// Writes a line to stderr.
pub(super) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes a warning, which always names something to do.
pub(super) fn warning(text: &str) {
    note(&format!("{} {}", paint("warning:", "1;33"), plain(text)));
}

/// Whether stderr is a terminal, where lines can be overwritten.
pub(super) fn is_live() -> bool {
    std::io::stderr().is_terminal()
}

/// Colours a word on stderr if colours are on. The text must be clear without them.
pub(super) fn paint(text: &str, color: &str) -> String {
    if is_live() && Environment::wants_color() {
        format!("\u{1b}[{color}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// Colours a word on stdout if it is a terminal and colours are on.
pub(super) fn paint_answer(text: &str, color: &str) -> String {
    if std::io::stdout().is_terminal() && Environment::wants_color() {
        format!("\u{1b}[{color}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// A text from elsewhere, without the characters that control a terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|each| {
            let is_steering = each.is_control()
                // Marks that change the reading direction can disguise a line.
                || matches!(each, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if is_steering { ' ' } else { each }
        })
        .collect()
}

/// A header and the rows below it as one text, in columns as wide as they need.
pub(super) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    table_lines(header, rows).join("\n")
}

/// The same line by line; the header comes first.
pub(super) fn table_lines(
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    // Fitted to the terminal, an id could be broken in two, and could not be pasted.
    table.force_no_tty();
    table.set_header(header.iter().map(|name| plain(name)));
    for row in rows {
        table.add_row(row.iter().map(|cell| plain(cell)));
    }
    table
        .lines()
        .map(|line| {
            // The style sets a space before every cell, the first too.
            let line = line.strip_prefix(' ').unwrap_or(&line).trim_end();
            line.to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_aligned_columns_and_no_escapes() {
        let rows = [
            vec!["Contacts".to_owned(), "1".to_owned()],
            vec!["Übung\u{1b}[2J".to_owned(), "22".to_owned()],
        ];
        assert_eq!(
            table(&["TABLE", "ROWS"], rows),
            "TABLE      ROWS\nContacts   1\nÜbung [2J  22"
        );
    }
}
