//! The protocol as a pure function: what is known in, what to do next out.
//!
//! Knows no network and no clock; both come in as arguments, so that it can be tried
//! against every order of events without either. An attempt begins with [`begin`]; after
//! each thing that it did, [`step`] says what is next. The moves are drawn in
//! docs/decisions/0001-ensure-protocol.md.

#![warn(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use aep_flow_proto::v1::{OnExisting, Outcome};
use jiff::Timestamp;

use crate::{
    intent::{Intent, Marker},
    rules::{CLOCK_SKEW, Rules, Uniqueness},
};

/// What does not change in the course of a call, over all its attempts.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// What the caller wants.
    pub intent: &'a Intent,
    /// What to do about a resource of that name that this call did not create.
    pub on_existing: OnExisting,
    /// What to wait for.
    pub rules: Rules,
    /// When the server was asked for this call, by the server's clock; none for one that
    /// no server keeps.
    pub begun: Option<Timestamp>,
}

/// The time, by the two clocks that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Ours: what pauses are counted by.
    pub ours: Timestamp,
    /// The platform's: what `createdAt` is by.
    pub platforms: Timestamp,
    /// How long ago that was: what was created since then may be in a response as well.
    ago: Duration,
}

impl Now {
    /// This very moment, by both clocks.
    pub fn new(ours: Timestamp, platforms: Timestamp) -> Self {
        Self {
            ours,
            platforms,
            ago: Duration::ZERO,
        }
    }

    /// Both clocks as they were when ours showed `ours`. The platform's is best known after one
    /// of its responses.
    pub(crate) fn back_at(self, ours: Timestamp) -> Self {
        let passed = self.ours.duration_since(ours);
        Self {
            ours,
            platforms: self.platforms.checked_sub(passed).unwrap_or(self.platforms),
            ago: self.ago + Duration::try_from(passed).unwrap_or(Duration::ZERO),
        }
    }
}

/// What is known of the attempts before this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Past {
    /// There were none, or what the last one sent was refused or never left.
    Clean,
    /// A create may have been sent, at the latest at `since`; `looks` did not find its
    /// resource so far.
    Open {
        /// When the last create can have been sent.
        since: Timestamp,
        /// Looks since then.
        looks: u32,
    },
    /// Something had that name at `since`: a create was refused for it, while no list showed it
    /// yet, or a list showed it without its age. Nothing of this call is under way.
    Taken {
        /// When that was.
        since: Timestamp,
    },
    /// The response to a create gave `id`, and a second caller may have created another.
    Made {
        /// Adobe's id.
        id: String,
        /// When the response came.
        at: Timestamp,
    },
}

impl Past {
    /// Whether a create may have taken place that nobody has the id of.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    /// Whether it is the one that the response to a create of this call gave the id of.
    fn gave(&self, existing: &Existing) -> bool {
        matches!(self, Self::Made { id, .. } if *id == existing.id)
    }
}

/// An existing resource of the wanted name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    /// Adobe's id.
    pub id: String,
    /// Adobe's etag, empty where the kind has none.
    pub etag: String,
    /// When it was created, milliseconds of the Unix epoch by Adobe's clock; 0 if unknown.
    pub created_at: i64,
    /// The marker in it, if it has one.
    pub marker: Option<Marker>,
}

impl Existing {
    /// Whether it is known when it was created.
    fn has_known_age(&self) -> bool {
        self.created_at > 0
    }

    /// The smallest is taken: the oldest, and of equal age the one of the smallest id, so that
    /// every caller finds the same one. One of unknown age may be the youngest, so it comes last.
    pub fn rank(&self) -> (bool, i64, &str) {
        (!self.has_known_age(), self.created_at, &self.id)
    }

    /// Whether it carries a marker of the same natural key, so that it is one of ours.
    pub fn is_of(&self, intent: &Intent) -> bool {
        let marker = self.marker.as_ref();
        marker.is_some_and(|marker| marker.has_key_of(intent.marker()))
    }
}

/// Where an attempt is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// A look is under way.
    Looking {
        /// What came before it.
        past: Past,
    },
    /// A create is under way.
    Creating {
        /// What came before it.
        past: Past,
    },
    /// One resource is read by its id, which is fresher than a list.
    Confirming {
        /// What came before it.
        past: Past,
        /// What the look found.
        found: Vec<Existing>,
        /// Id of the one that is read.
        id: String,
    },
    /// Duplicates are being deleted, the last of `duplicates` now.
    Deleting {
        /// What came before it.
        past: Past,
        /// How the attempt ends when that is done.
        end: End,
        /// Ids that are left to delete.
        duplicates: Vec<String>,
        /// Ids that are left alone, above all those that something uses.
        in_use: Vec<String>,
    },
    /// The attempt is over.
    Over,
}

/// What an attempt has just seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// What the look found: everything of the wanted name.
    Found(Vec<Existing>),
    /// The look, the read by id or the deletion failed: what is known did not change.
    NotAnswered,
    /// The response to the create gave an id and an etag.
    Created {
        /// Adobe's id.
        id: String,
        /// Adobe's etag, empty where the kind has none.
        etag: String,
    },
    /// The create was refused, or nothing of it was sent.
    NotCreated,
    /// The create was refused since something has that name already.
    NameTaken,
    /// The create was sent, and no response says whether it took effect.
    Unanswered,
    /// The resource that was read by its id exists.
    Exists(Existing),
    /// There is no resource of that id, or no longer.
    Gone,
    /// A duplicate was left, since something uses it.
    InUse,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Do {
    /// Find everything of the wanted name.
    Look,
    /// Send the create, once.
    Create,
    /// Read the resource of this id.
    Read {
        /// Adobe's id.
        id: String,
    },
    /// Delete the resource of this id, unless something uses it.
    Delete {
        /// Adobe's id.
        id: String,
    },
    /// End the attempt.
    End(End),
}

/// How an attempt ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// This resource is the result.
    Answer {
        /// Adobe's id.
        id: String,
        /// Adobe's etag, empty where the kind has none.
        etag: String,
        /// Whether this call created it and got the response.
        outcome: Outcome,
        /// Secrets that differ, which is no reason to refuse it.
        differs: Vec<String>,
    },
    /// The failure at hand is the attempt's; the next one begins with this past.
    Fail(Past),
    /// Have the server begin the next attempt after a pause.
    LookAgain {
        /// What the next attempt knows.
        past: Past,
        /// Why.
        why: Why,
        /// The pause; none to leave it to the caller's retry policy.
        after: Option<Duration>,
    },
    /// Something of that name exists that is not ours, or that the caller does not want.
    Conflict {
        /// Its id, where it can be seen.
        id: Option<String>,
    },
    /// Ours exists, created from another request.
    Mismatch {
        /// Its id.
        id: String,
        /// Fields that differ.
        fields: Vec<String>,
    },
    /// Several of ours exist, and something uses the duplicates, or it isn't known which is the
    /// oldest.
    Undecided {
        /// Their ids, the oldest first.
        ids: Vec<String>,
    },
}

/// Why an attempt looks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A create of this attempt got no response.
    Unanswered,
    /// A create of an earlier attempt may still take effect.
    Quiet {
        /// Looks so far that did not find it.
        looks: u32,
    },
    /// What was created or found is so young that an older one may be missing from the list.
    Young,
    /// Something has the title, and no list shows it yet.
    NameTaken,
    /// What this call created is gone, and nothing exists in its place.
    Vanished,
}

/// The first move of an attempt.
pub fn begin(past: Past) -> (State, Do) {
    (State::Looking { past }, Do::Look)
}

/// The next move of an attempt that is in `state` and has `seen` something.
pub fn step(call: &Call<'_>, now: Now, state: State, seen: Seen) -> (State, Do) {
    match (state, seen) {
        (State::Looking { past }, Seen::Found(found)) => judge(call, now, past, found),
        (State::Creating { past }, Seen::Created { id, etag }) => made(call, now, past, id, etag),
        (State::Creating { .. }, Seen::NotCreated) => end(End::Fail(Past::Clean)),
        // Refused again after all lists have caught up: the title belongs to something that
        // these credentials cannot see.
        (
            State::Creating {
                past: Past::Taken { .. },
            },
            Seen::NameTaken,
        ) => end(End::Conflict { id: None }),
        // Somebody was faster, and the list lags behind.
        (State::Creating { .. }, Seen::NameTaken) => {
            let past = Past::Taken { since: now.ours };
            look_again(past, Why::NameTaken, None)
        }
        (State::Creating { .. }, Seen::Unanswered) => look_again(open(now), Why::Unanswered, None),
        (State::Confirming { past, found, id }, Seen::Exists(existing)) => {
            confirmed(call, now, past, found, &id, existing)
        }
        (State::Confirming { past, found, id }, Seen::Gone) => gone(call, now, past, found, &id),
        (
            State::Deleting {
                past,
                end,
                mut duplicates,
                mut in_use,
            },
            seen @ (Seen::Gone | Seen::InUse),
        ) => {
            let duplicate = duplicates.pop();
            if seen == Seen::InUse {
                in_use.extend(duplicate);
            }
            delete(past, end, duplicates, in_use)
        }
        (
            State::Looking { past } | State::Confirming { past, .. } | State::Deleting { past, .. },
            Seen::NotAnswered,
        ) => end(End::Fail(past)),
        // The driver asks for one thing at a time, so these cannot come; were one to,
        // looking after a whole silence is always safe.
        (_, _) => look_again(open(now), Why::Unanswered, None),
    }
}

/// The next move, given everything of the wanted name that the lists show.
fn judge(call: &Call<'_>, now: Now, past: Past, found: Vec<Existing>) -> (State, Do) {
    judge_left(call, now, past, found, false)
}

/// The same for what is left of that, where some of it turned out to be gone.
fn judge_left(
    call: &Call<'_>,
    now: Now,
    past: Past,
    found: Vec<Existing>,
    has_ghosts: bool,
) -> (State, Do) {
    if let Past::Made { id, .. } = &past
        && found.iter().all(|each| each.id != *id)
    {
        let id = id.clone();
        return read(past, found, id);
    }
    let candidate = candidate(call, &past, &found).cloned();
    if let Past::Open { since, looks } = past
        && may_turn_up(call, &found, candidate.as_ref())
        && !has_been_silent(call.rules, now, since, looks + 1)
    {
        let looks = looks + 1;
        return look_again(
            Past::Open { since, looks },
            Why::Quiet { looks },
            Some(call.rules.pause()),
        );
    }
    let Some(candidate) = candidate else {
        let lag = milliseconds(call.rules.list_lag);
        return match past {
            Past::Taken { since } if now.ours.as_millisecond() < since.as_millisecond() + lag => {
                look_again(past, Why::NameTaken, Some(call.rules.list_lag))
            }
            Past::Clean | Past::Open { .. } | Past::Taken { .. } | Past::Made { .. } => {
                (State::Creating { past }, Do::Create)
            }
        };
    };
    if let Some(after) = until_old_enough(call, now, &past, &candidate) {
        let past = if past == Past::Clean && !candidate.has_known_age() {
            // The next look would know no more of its age, but that it existed now.
            Past::Taken { since: now.ours }
        } else {
            past
        };
        return look_again(past, Why::Young, Some(after));
    }
    match &past {
        // The response gave that id, so there is nothing to confirm; unless duplicates are to be
        // deleted for it, since somebody may have deleted it meanwhile, or another
        // existed, which it may have been deleted for.
        Past::Made { id, .. } if *id == candidate.id && found.len() == 1 && !has_ghosts => {
            conclude(call, past, &found, &candidate)
        }
        Past::Clean | Past::Open { .. } | Past::Taken { .. } | Past::Made { .. } => {
            read(past, found, candidate.id)
        }
    }
}

/// Whether a create of an earlier attempt may still turn up beside what was found.
fn may_turn_up(call: &Call<'_>, found: &[Existing], candidate: Option<&Existing>) -> bool {
    let Some(candidate) = candidate else {
        return true;
    };
    if Uniqueness::of(call.intent.kind()) != Uniqueness::Deleted || call.rules.sole_caller {
        // The platform refuses it, or nothing could be done about it, or what was found
        // can only be it.
        return false;
    }
    let marker = call.intent.marker();
    let is_here = found.iter().filter_map(|each| each.marker.as_ref());
    if is_here
        .filter(|each| each.has_key_of(marker))
        .any(|each| each.is_by_maker_of(marker))
    {
        return false;
    }
    // One that was in every list before this call began was found by the look that goes before
    // each create, so none was sent.
    let existed_before = call.begun.is_some_and(|begun| {
        let shown = candidate.created_at + milliseconds(call.rules.list_lag + CLOCK_SKEW);
        candidate.has_known_age() && shown < begun.as_millisecond()
    });
    !existed_before
}

fn has_been_silent(rules: Rules, now: Now, since: Timestamp, looks: u32) -> bool {
    let silent = Duration::try_from(now.ours.duration_since(since)).unwrap_or(Duration::ZERO);
    silent >= rules.silence() && looks >= rules.looks
}

/// How long until everything older than `candidate` is in the lists, so that it is known to
/// be the one that wins.
fn until_old_enough(
    call: &Call<'_>,
    now: Now,
    past: &Past,
    candidate: &Existing,
) -> Option<Duration> {
    if is_settled_at_once(call) || call.rules.sole_caller {
        return None;
    }
    if !candidate.has_known_age() {
        return until_surely_old_enough(call.rules, now, past);
    }
    let age = now.platforms.as_millisecond() - candidate.created_at;
    // Nothing is younger than new: what lies ahead is by another clock, or one that is read
    // to the second.
    let missing = milliseconds(call.rules.list_lag) - age.max(0);
    // A time that lies far ahead is no time to wait for. One that was created while the look was
    // under way lies as far ahead as the look took.
    let is_believable = -age <= milliseconds(CLOCK_SKEW + now.ago);
    // The platform's time is known to the second: after less the next look would read the same.
    let seconds = missing.unsigned_abs().div_ceil(1000);
    (missing > 0 && is_believable).then(|| Duration::from_secs(seconds))
}

/// The same for a candidate of unknown age, which may be as young as what is known allows.
fn until_surely_old_enough(rules: Rules, now: Now, past: &Past) -> Option<Duration> {
    if rules.list_lag.is_zero() {
        return None;
    }
    let (since, needed) = match past {
        Past::Clean => (now.ours, rules.settling()),
        // A look found it then.
        Past::Taken { since } => (*since, rules.settling()),
        // Whoever created another one did so before ours was in the lists.
        Past::Made { at, .. } => (*at, rules.list_lag + rules.settling()),
        // Ours took effect within the quiet period.
        Past::Open { since, .. } => (*since, rules.silence() + rules.settling()),
    };
    let waited = Duration::try_from(now.ours.duration_since(since)).unwrap_or(Duration::ZERO);
    needed
        .checked_sub(waited)
        .filter(|missing| !missing.is_zero())
}

/// Whether an older one that no list shows yet would change nothing: none can exist, or it would
/// be as good.
fn is_settled_at_once(call: &Call<'_>) -> bool {
    match Uniqueness::of(call.intent.kind()) {
        Uniqueness::Refused | Uniqueness::Alike => true,
        Uniqueness::Deleted | Uniqueness::Kept => false,
    }
}

fn made(call: &Call<'_>, now: Now, past: Past, id: String, etag: String) -> (State, Do) {
    let is_alone = call.rules.sole_caller && past == Past::Clean;
    if is_alone || is_settled_at_once(call) {
        return end(End::Answer {
            id,
            etag,
            outcome: Outcome::Created,
            differs: Vec::new(),
        });
    }
    let past = Past::Made { id, at: now.ours };
    if call.rules.list_lag.is_zero() {
        return (State::Looking { past }, Do::Look);
    }
    look_again(past, Why::Young, Some(call.rules.settling()))
}

fn confirmed(
    call: &Call<'_>,
    now: Now,
    past: Past,
    mut found: Vec<Existing>,
    id: &str,
    existing: Existing,
) -> (State, Do) {
    if found.iter().all(|each| each.id != id) {
        // The lists do not show what was created here; now its age is known as well.
        found.push(existing);
        return judge(call, now, past, found);
    }
    conclude(call, past, &found, &existing)
}

/// A list may show a resource for a while after it was deleted.
fn gone(call: &Call<'_>, now: Now, past: Past, mut found: Vec<Existing>, id: &str) -> (State, Do) {
    found.retain(|each| each.id != id);
    match past {
        Past::Made { id: made, .. } if made == id => {
            if found.is_empty() {
                // Deleted by hand, or for an older one that is not in the lists yet.
                look_again(open(now), Why::Vanished, None)
            } else {
                judge_left(call, now, Past::Clean, found, true)
            }
        }
        past @ (Past::Clean | Past::Open { .. } | Past::Taken { .. } | Past::Made { .. }) => {
            judge_left(call, now, past, found, true)
        }
    }
}

/// How the attempt ends, given the resource that wins, and what goes before that.
fn conclude(call: &Call<'_>, past: Past, found: &[Existing], winner: &Existing) -> (State, Do) {
    let verdict = verdict(call, &past, winner);
    // A call that is refused changes nothing of what others created.
    let is_refused = !matches!(verdict, End::Answer { .. });
    let (mut duplicates, mut undecided) = (Vec::new(), Vec::new());
    if Uniqueness::of(call.intent.kind()) == Uniqueness::Deleted && is_ours(call, &past, winner) {
        let others = found.iter().filter(|each| each.id != winner.id);
        let others = others.filter(|each| is_ours(call, &past, each));
        for other in others.filter(|each| !is_refused || is_of_call(call, &past, each)) {
            // Nothing is deleted that may be the oldest.
            if winner.has_known_age() && other.has_known_age() {
                duplicates.push(other.id.clone());
            } else {
                undecided.push(other.id.clone());
            }
        }
    }
    delete(past, verdict, duplicates, undecided)
}

/// Whether this very call created it.
fn is_of_call(call: &Call<'_>, past: &Past, existing: &Existing) -> bool {
    let marker = existing.marker.as_ref();
    let says_so = marker.is_some_and(|marker| marker.is_by_maker_of(call.intent.marker()));
    says_so || past.gave(existing)
}

/// Whether it carries a marker of the intent, or is the one that a response gave the id of, whatever
/// the platform made of its marker.
fn is_ours(call: &Call<'_>, past: &Past, existing: &Existing) -> bool {
    existing.is_of(call.intent) || past.gave(existing)
}

fn verdict(call: &Call<'_>, past: &Past, winner: &Existing) -> End {
    if past.gave(winner) {
        return answer(winner, Outcome::Created, Vec::new());
    }
    let takes_any = call.on_existing == OnExisting::AdoptAny;
    let conflict = || End::Conflict {
        id: Some(winner.id.clone()),
    };
    let Some(marker) = winner.marker.as_ref().filter(|_| winner.is_of(call.intent)) else {
        return if takes_any {
            answer(winner, Outcome::Adopted, Vec::new())
        } else {
            conflict()
        };
    };
    if call.on_existing == OnExisting::Fail && !is_own(call, past, marker) {
        return conflict();
    }
    let mut fields = call.intent.differences(marker);
    if !takes_any && fields.iter().any(|field| !call.intent.is_secret(field)) {
        return End::Mismatch {
            id: winner.id.clone(),
            fields,
        };
    }
    fields.retain(|field| call.intent.is_secret(field));
    answer(winner, Outcome::Adopted, fields)
}

/// Whether this call created it in an attempt whose response was lost.
fn is_own(call: &Call<'_>, past: &Past, marker: &Marker) -> bool {
    let is_silent =
        !marker.names_its_maker() && Uniqueness::of(call.intent.kind()) == Uniqueness::Kept;
    let has_sent = matches!(past, Past::Open { .. } | Past::Made { .. });
    marker.is_by_maker_of(call.intent.marker()) || (is_silent && has_sent)
}

fn delete(past: Past, verdict: End, duplicates: Vec<String>, in_use: Vec<String>) -> (State, Do) {
    if let Some(id) = duplicates.last().cloned() {
        let state = State::Deleting {
            past,
            end: verdict,
            duplicates,
            in_use,
        };
        return (state, Do::Delete { id });
    }
    if let End::Answer { id, .. } = &verdict
        && !in_use.is_empty()
    {
        let ids = std::iter::once(id.clone()).chain(in_use).collect();
        return end(End::Undecided { ids });
    }
    end(verdict)
}

/// The winner: the oldest of ours if there are any.
fn candidate<'a>(call: &Call<'_>, past: &Past, found: &'a [Existing]) -> Option<&'a Existing> {
    let oldest = |all: &mut dyn Iterator<Item = &'a Existing>| all.min_by_key(|each| each.rank());
    oldest(&mut found.iter().filter(|each| is_ours(call, past, each)))
        .or_else(|| oldest(&mut found.iter()))
}

fn answer(existing: &Existing, outcome: Outcome, differs: Vec<String>) -> End {
    End::Answer {
        id: existing.id.clone(),
        etag: existing.etag.clone(),
        outcome,
        differs,
    }
}

fn open(now: Now) -> Past {
    Past::Open {
        since: now.ours,
        looks: 0,
    }
}

fn read(past: Past, found: Vec<Existing>, id: String) -> (State, Do) {
    let state = State::Confirming {
        past,
        found,
        id: id.clone(),
    };
    (state, Do::Read { id })
}

fn look_again(past: Past, why: Why, after: Option<Duration>) -> (State, Do) {
    end(End::LookAgain { past, why, after })
}

fn end(end: End) -> (State, Do) {
    (State::Over, Do::End(end))
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
