//! The runbook has an entry for whatever may wake somebody, and its commands are real.

use std::collections::BTreeSet;
use std::process::Command;

use aep_flow_proto::names::FailureType;

use super::deploy::{alerts, boards, list, read, text};

const RUNBOOK: &str = "docs/runbook.md";

/// Where the links of boards and alerts lead.
const ADDRESS: &str = "https://github.com/aep-flow/aep-flow/blob/main/docs/runbook.md";

/// A heading as the last part of a link to it.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|char| char.is_alphanumeric() || " -_".contains(*char))
        .map(|char| if char == ' ' { '-' } else { char })
        .collect()
}

/// The headings of the runbook, and the text under each.
fn entries() -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> = Vec::new();
    let mut is_code = false;
    for line in read(RUNBOOK).lines() {
        is_code ^= line.trim_start().starts_with("```");
        match line.strip_prefix('#').filter(|_| !is_code) {
            Some(heading) => {
                let heading = heading.trim_start_matches('#').trim();
                entries.push((heading.to_owned(), String::new()));
            }
            None => {
                let (_, under) = entries.last_mut().unwrap();
                under.push_str(line);
                under.push('\n');
            }
        }
    }
    entries
}

fn anchors() -> BTreeSet<String> {
    let entries = entries();
    let anchors: BTreeSet<String> = entries.iter().map(|(heading, _)| anchor(heading)).collect();
    assert_eq!(anchors.len(), entries.len(), "two headings are the same");
    anchors
}

#[test]
fn every_failure_type_and_every_alert_has_its_entry() {
    let entries = entries();
    let alerts = alerts();
    let alerts = alerts.iter().map(|alert| alert.name.as_str());
    let types = FailureType::ALL;
    for name in types.iter().map(FailureType::as_str).chain(alerts) {
        let (_, entry) = entries
            .iter()
            .find(|(heading, _)| heading == name)
            .unwrap_or_else(|| panic!("{RUNBOOK} has no entry `{name}`"));
        for part in ["**Means:** ", "**Look:** ", "**Do:**"] {
            assert!(entry.contains(part), "`{name}` of {RUNBOOK} has no {part}");
        }
    }
}

#[test]
fn an_alert_leads_to_its_entry() {
    for alert in alerts() {
        let expected = format!("{ADDRESS}#{}", anchor(&alert.name));
        assert_eq!(alert.annotations.runbook_url, expected, "{}", alert.name);
    }
}

#[test]
fn every_link_into_the_runbook_leads_somewhere() {
    let anchors = anchors();
    let mut links: Vec<(String, String)> = Vec::new();
    for board in &boards() {
        let title = text(board, "title");
        for link in list(board, "links") {
            links.push((title.to_owned(), text(link, "url").to_owned()));
        }
        for panel in list(board, "panels") {
            for link in list(panel, "links") {
                let place = format!("{title} / {}", text(panel, "title"));
                links.push((place, text(link, "url").to_owned()));
            }
        }
    }
    for within in read(RUNBOOK).split("](#").skip(1) {
        let (anchor, _) = within.split_once(')').unwrap();
        links.push((RUNBOOK.to_owned(), format!("{ADDRESS}#{anchor}")));
    }
    for (place, link) in links.iter().filter(|(_, link)| !link.starts_with("/d/")) {
        let rest = link.strip_prefix(ADDRESS);
        let rest = rest.unwrap_or_else(|| panic!("{place} leads to {link}"));
        let is_there = rest.is_empty() || anchors.contains(rest.trim_start_matches('#'));
        assert!(is_there, "{place} leads to {link}, which is not there");
    }
}

/// The commands of the runbook that begin with this word: of its blocks, and within its lines.
fn commands(program: &str) -> BTreeSet<String> {
    let runbook = read(RUNBOOK);
    let mut commands = BTreeSet::new();
    for part in runbook.split('`').flat_map(str::lines) {
        let part = part.trim().split('#').next().unwrap_or_default().trim();
        if part
            .strip_prefix(program)
            .is_some_and(|rest| rest.starts_with(' '))
        {
            commands.insert(part.to_owned());
        }
    }
    assert!(
        !commands.is_empty(),
        "{RUNBOOK} has no command of {program}"
    );
    commands
}

/// The command's help, and the options that the runbook gives it.
fn help_of<'a>(program: &str, command: &'a str) -> (String, Vec<&'a str>) {
    let words = command.split(' ').skip(1);
    let is_name = |word: &&str| {
        word.chars()
            .all(|char| char.is_ascii_lowercase() || char == '-')
    };
    let names = words
        .clone()
        .take_while(|word| is_name(word) && !word.starts_with('-'));
    let output = Command::new(program)
        .args(names)
        .arg("--help")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "there is no `{command}`: {output:?}"
    );
    let help = String::from_utf8(output.stdout).unwrap();
    (help, words.filter(|word| word.starts_with("--")).collect())
}

#[test]
fn its_commands_are_real() {
    for command in commands("aep-flow") {
        let (help, options) = help_of(env!("CARGO_BIN_EXE_aep-flow"), &command);
        for option in options {
            assert!(help.contains(option), "`{command}`: there is no {option}");
        }
    }
}

#[tokio::test]
async fn its_commands_of_temporal_are_real() {
    let program = aep_flow_testkit::server::binary().await;
    for command in commands("temporal") {
        let (help, options) = help_of(program.to_str().unwrap(), &command);
        for option in options {
            assert!(help.contains(option), "`{command}`: there is no {option}");
        }
    }
}
