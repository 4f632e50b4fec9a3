//! What was asked of the emulator, in order, without secrets.

use std::collections::VecDeque;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// One request. Its authorisation is never kept, and secrets in its body and query are masked.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalEntry {
    /// The number of the request, in the order of arrival, from 1.
    pub sequence: u64,
    /// When it arrived, in ms since 1970.
    pub time_ms: i64,
    /// The HTTP method.
    pub method: String,
    /// The route's template, such as `/data/foundation/flowservice/connections/{id}`.
    pub route: String,
    /// Path and query as sent.
    pub path: String,
    /// The `x-sandbox-name` sent.
    pub sandbox: Option<String>,
    /// The `traceparent` sent: the trace that the request is part of.
    pub traceparent: Option<String>,
    /// What the caller got.
    pub status: JournalStatus,
    /// Whether the state was changed by it. With a late commit: not yet; the commit has an entry of
    /// its own, of the same sequence number, whose `fault` is `committed`.
    pub changed: bool,
    /// The kind of the fault that was played, if any.
    pub fault: Option<String>,
    /// The JSON body sent, masked.
    pub body: Option<Value>,
}

/// What a caller got: a status, or a cut connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalStatus {
    /// An answer with this status.
    Answered(u16),
    /// No answer: the connection was cut.
    Dropped,
}

impl Serialize for JournalStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Answered(status) => serializer.serialize_u16(*status),
            Self::Dropped => serializer.serialize_str("dropped"),
        }
    }
}

/// The last requests.
#[derive(Debug)]
pub(crate) struct Journal {
    entries: VecDeque<JournalEntry>,
    next_sequence: u64,
    limit: usize,
}

impl Journal {
    /// An empty journal that forgets the oldest beyond `limit` entries.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            next_sequence: 1,
            limit,
        }
    }

    /// The number of a request that arrives now.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.next_sequence += 1;
        self.next_sequence - 1
    }

    /// Notes a request that is over.
    pub(crate) fn record(&mut self, entry: JournalEntry) {
        if self.entries.len() >= self.limit {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// All entries after this number, in order of arrival.
    pub(crate) fn since(&self, sequence: u64) -> Vec<JournalEntry> {
        let mut entries: Vec<_> = self
            .entries
            .iter()
            .filter(|entry| entry.sequence > sequence)
            .cloned()
            .collect();
        entries.sort_by_key(|entry| entry.sequence);
        entries
    }

    /// Forgets all entries; numbers go on.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sequence: u64) -> JournalEntry {
        JournalEntry {
            sequence,
            time_ms: 0,
            method: "GET".to_owned(),
            route: "/".to_owned(),
            path: "/".to_owned(),
            sandbox: None,
            traceparent: None,
            status: JournalStatus::Dropped,
            changed: false,
            fault: None,
            body: None,
        }
    }

    #[test]
    fn entries_come_in_order_of_arrival_and_the_oldest_go() {
        let mut journal = Journal::new(2);
        for sequence in [1, 3, 2] {
            journal.record(entry(sequence));
        }
        let seen: Vec<_> = journal
            .since(0)
            .iter()
            .map(|entry| entry.sequence)
            .collect();
        assert_eq!(seen, [2, 3]);
        assert_eq!(journal.since(2).len(), 1);
    }

    #[test]
    fn a_cut_connection_reads_dropped() {
        assert_eq!(serde_json::to_value(entry(1)).unwrap()["status"], "dropped");
    }
}
