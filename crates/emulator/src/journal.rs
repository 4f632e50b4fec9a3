//! The requests that the emulator received, in order, without secrets.

use std::collections::VecDeque;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// One request. The authorisation is never kept. Secrets in the body and the query are masked.
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
    /// The path and query that were sent.
    pub path: String,
    /// The `x-sandbox-name` that was sent.
    pub sandbox: Option<String>,
    /// The `traceparent` that was sent: the trace to which the request belongs.
    pub traceparent: Option<String>,
    /// What the caller got.
    pub status: JournalStatus,
    /// Whether the request changed the state. A late commit has not changed it yet: the commit gets
    /// an entry of its own with the same sequence number, and its `fault` is `committed`.
    pub changed: bool,
    /// The kind of the fault that was applied, if any.
    pub fault: Option<String>,
    /// The JSON body that was sent, masked.
    pub body: Option<Value>,
}

/// What a caller got: a status, or a cut connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalStatus {
    /// A response with this status.
    Answered(u16),
    /// No response: the connection was cut.
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

/// The latest requests.
#[derive(Debug)]
pub(crate) struct Journal {
    entries: VecDeque<JournalEntry>,
    next_sequence: u64,
    limit: usize,
}

impl Journal {
    /// An empty journal. Beyond `limit` entries it drops the oldest.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            next_sequence: 1,
            limit,
        }
    }

    /// Assigns the next number to a request that arrives.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.next_sequence += 1;
        self.next_sequence - 1
    }

    /// Records a request that is finished.
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

    /// Drops all entries. Their numbers are not used again.
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
