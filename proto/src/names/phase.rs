//! Phases of an ingestion and of each of its tables.

/// Where an ingestion is, as its status and `AepPhase` have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The base connection is being created.
    Connecting,
    /// Its tables are worked on.
    Ingesting,
    /// It waits for a person, whatever else goes on.
    NeedsDecision,
    /// Everything exists.
    Done,
    /// It ended without all that was asked for.
    Failed,
}

impl Phase {
    /// Those that a running ingestion can be in.
    pub const RUNNING: [Self; 3] = [Self::Connecting, Self::Ingesting, Self::NeedsDecision];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Ingesting => "ingesting",
            Self::NeedsDecision => "needs decision",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// Where one table of an ingestion is, as the ingestion's status has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TablePhase {
    /// Nobody works on it yet.
    Waiting,
    /// Its columns are being read.
    Exploring,
    /// Its resources are being created.
    Creating,
    /// One of its steps waits for a person.
    NeedsDecision,
    /// Everything exists, and its dataflow has not run yet.
    WaitingForFirstRun,
    /// Everything exists.
    Done,
    /// It ended without all that was asked for.
    Failed,
}

impl TablePhase {
    const ALL: [Self; 7] = [
        Self::Waiting,
        Self::Exploring,
        Self::Creating,
        Self::NeedsDecision,
        Self::WaitingForFirstRun,
        Self::Done,
        Self::Failed,
    ];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Exploring => "exploring",
            Self::Creating => "creating",
            Self::NeedsDecision => "needs decision",
            Self::WaitingForFirstRun => "waiting for first run",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// The phase of that word; none for a word that a newer worker wrote.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_an_ingestion_stay() {
        let running = Phase::RUNNING.map(Phase::as_str);
        assert_eq!(running, ["connecting", "ingesting", "needs decision"]);
        let ended = [Phase::Done, Phase::Failed].map(Phase::as_str);
        assert_eq!(ended, ["done", "failed"]);
    }

    #[test]
    fn the_words_of_a_table_stay() {
        let words = [
            "waiting",
            "exploring",
            "creating",
            "needs decision",
            "waiting for first run",
            "done",
            "failed",
        ];
        assert_eq!(TablePhase::ALL.map(TablePhase::as_str), words);
        assert_eq!(words.map(TablePhase::parse), TablePhase::ALL.map(Some));
        assert_eq!(TablePhase::parse("replacing"), None);
    }
}
