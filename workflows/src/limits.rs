//! How long an attempt may take, and how much may be said about each table so that one payload
//! holds it, however many there are.

use std::time::Duration;

/// One attempt of a step reads every page of a look and sends one create. A platform that takes
/// longer than this has lost the request.
pub const START_TO_CLOSE: Duration = Duration::from_secs(180);

/// The field of an ingestion's input that limits a step.
pub const STEP_DEADLINE: &str = "stepDeadlineSeconds";

/// How soon the server notices that a worker crashed during a step. Higher: a later retry.
/// Lower: more heartbeats, which cost an action each.
pub(crate) const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(15);

/// The largest payload that is sent. Temporal's server takes 2 MiB, keys and encoding included.
pub const MAX_PAYLOAD_BYTES: usize = 1_900_000;

/// What one workflow task may send in all. Temporal's server takes messages of 4 MiB.
const MAX_TASK_BYTES: usize = 3_000_000;

/// Payloads up to this size are not counted, since one task does not send many of them.
const SMALL_BYTES: usize = 20_000;

/// Characters of the messages of all tables that failed: a quarter of a payload.
const ALL_MESSAGES_CHARS: usize = 400_000;

/// The least for one table, however many there are.
const MESSAGE_AT_LEAST: usize = 300;

/// Warnings of one ingestion that are given in full.
const MOST_WARNINGS: usize = 500;

/// What the current workflow task sends.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// The length of the history that the task saw.
    task: u32,
    bytes: usize,
}

impl Sent {
    /// Whether `bytes` more fit into what `task` sends; counts them if they do.
    pub(crate) fn has_room(&mut self, task: u32, bytes: usize) -> bool {
        if bytes <= SMALL_BYTES {
            return true;
        }
        if self.task != task {
            *self = Self { task, bytes: 0 };
        }
        let has_room = self.bytes + bytes <= MAX_TASK_BYTES;
        if has_room {
            self.bytes += bytes;
        }
        has_room
    }
}

/// How many characters of its failure's message each of so many tables keeps.
pub(crate) fn message_chars(tables: usize) -> usize {
    (ALL_MESSAGES_CHARS / tables.max(1)).max(MESSAGE_AT_LEAST)
}

/// The first characters of a text, with a mark if there were more.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// The first warnings, and how many more there were.
pub(crate) fn warnings(mut all: Vec<String>) -> Vec<String> {
    if let Some(more) = all
        .len()
        .checked_sub(MOST_WARNINGS)
        .filter(|more| *more > 0)
    {
        all.truncate(MOST_WARNINGS);
        all.push(format!("and {more} more warnings"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_a_thousand_tables_fit() {
        assert_eq!(message_chars(1_000), 400);
        assert_eq!(message_chars(1), 400_000);
        assert_eq!(cut("größer", 3), "grö…");
        assert_eq!(cut("größer", 6), "größer");
    }

    #[test]
    fn what_a_task_sends_fits_into_one_message() {
        let mut sent = Sent::default();
        assert!(sent.has_room(3, 1_900_000));
        assert!(!sent.has_room(3, 1_900_000));
        assert!(sent.has_room(3, 900_000));
        assert!(sent.has_room(3, SMALL_BYTES));
        assert!(sent.has_room(11, 1_900_000));
    }

    #[test]
    fn warnings_are_counted_beyond_what_is_read() {
        let all = warnings(vec!["w".to_owned(); 502]);
        assert_eq!(all.len(), 501);
        assert_eq!(all.last().unwrap(), "and 2 more warnings");
        assert_eq!(warnings(vec!["w".to_owned(); 500]).len(), 500);
    }
}
