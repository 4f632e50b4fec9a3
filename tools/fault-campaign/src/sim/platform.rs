//! The other side: what exists there, and what its lists show of it.

use aep_flow_ensure::{Deletion, Existing, Marker, ResourceKind, Uniqueness};

use crate::{dice::Dice, scenario::Lags, scenario::Millis};

/// The Unix time, in milliseconds, at which virtual time is 0.
pub const EPOCH: Millis = 1_790_000_000_000;

/// Who made a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// The caller of that number.
    Caller(usize),
    /// A run that ended before.
    Earlier,
    /// Somebody, by hand.
    Hand,
}

/// A resource, existing or gone.
#[derive(Debug, Clone)]
pub struct Thing {
    /// Its id.
    pub id: String,
    /// Who made it.
    pub maker: Maker,
    /// From which request.
    pub body: u8,
    /// Its description.
    pub description: String,
    /// When it took effect.
    pub made: Millis,
    /// When it went.
    pub deleted: Option<Millis>,
    /// Whether it was somebody's hand that deleted it.
    pub deleted_by_hand: bool,
    /// Whether something uses it.
    pub used: bool,
    /// Whether a hand put it there.
    pub used_by_hand: bool,
    /// Whether our credentials cannot see it.
    pub hidden: bool,
    shown: Millis,
    hides: Millis,
}

impl Thing {
    /// Whether it exists.
    pub fn exists(&self) -> bool {
        self.deleted.is_none()
    }

    /// Whether it has our marker.
    pub fn is_ours(&self) -> bool {
        self.maker != Maker::Hand
    }
}

/// The name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameTaken;

/// A platform on which everything has the one name that the callers want.
#[derive(Debug)]
pub struct Platform {
    /// Kind of all that is on it.
    pub kind: ResourceKind,
    /// All that ever existed there, in the order of creation.
    pub things: Vec<Thing>,
    /// How far its clock is ahead.
    pub clock: Millis,
    /// Looks that showed something which was gone.
    pub ghosts_shown: u64,
    lags: Lags,
    longest_lag: Millis,
    deletions: usize,
    dice: Dice,
}

impl Platform {
    /// An empty one whose lists lag so.
    pub fn new(
        kind: ResourceKind,
        lags: Lags,
        longest_lag: Millis,
        clock: Millis,
        seed: u64,
    ) -> Self {
        Self {
            kind,
            things: Vec::new(),
            clock,
            ghosts_shown: 0,
            lags,
            longest_lag,
            deletions: 0,
            dice: Dice::new(seed ^ 0x91A7_F023),
        }
    }

    /// An id that nothing has.
    pub fn new_id(&mut self) -> String {
        format!("{:08x}", self.dice.next() >> 32)
    }

    /// A create takes effect.
    ///
    /// # Errors
    /// [`NameTaken`] where the platform keeps names single and one of that name exists.
    pub fn commit(
        &mut self,
        now: Millis,
        id: &str,
        maker: Maker,
        body: u8,
        description: &str,
    ) -> Result<&mut Thing, NameTaken> {
        let is_taken = self.things.iter().any(Thing::exists);
        if Uniqueness::of(self.kind) == Uniqueness::Refused && is_taken {
            return Err(NameTaken);
        }
        let lag = in_turn(&self.lags.made, self.things.len());
        let at = self.things.len();
        self.things.push(Thing {
            id: id.to_owned(),
            maker,
            body,
            description: description.to_owned(),
            made: now,
            deleted: None,
            deleted_by_hand: false,
            used: false,
            used_by_hand: false,
            hidden: false,
            shown: now + lag,
            hides: Millis::MAX,
        });
        Ok(&mut self.things[at])
    }

    /// Everything of the name that its lists show.
    pub fn list(&mut self, now: Millis) -> Vec<Existing> {
        let mut found = Vec::new();
        for at in 0..self.things.len() {
            if !self.shows(now, at) {
                continue;
            }
            let thing = &self.things[at];
            if !thing.exists() {
                self.ghosts_shown += 1;
            }
            found.push(self.existing(thing));
        }
        found
    }

    fn shows(&mut self, now: Millis, at: usize) -> bool {
        let thing = &self.things[at];
        if thing.hidden {
            return false;
        }
        if !self.lags.flicker {
            return thing.shown <= now && now < thing.hides;
        }
        let settles = thing.made + self.longest_lag;
        let gone = thing.deleted.map(|at| at + self.longest_lag);
        match gone {
            Some(gone) if now >= gone => false,
            Some(_) => self.dice.one_in(2),
            None => now >= settles || self.dice.one_in(2),
        }
    }

    /// The one of that id, as it is now.
    pub fn read(&self, id: &str) -> Option<Existing> {
        let mut things = self.things.iter();
        let thing = things.find(|each| each.id == id && each.exists())?;
        Some(self.existing(thing))
    }

    /// Deletes the one of that id, unless something uses it.
    pub fn delete(&mut self, now: Millis, id: &str) -> Deletion {
        let lag = in_turn(&self.lags.deleted, self.deletions);
        let mut things = self.things.iter_mut();
        let Some(thing) = things.find(|each| each.id == id && each.exists()) else {
            return Deletion::Gone;
        };
        if thing.used {
            return Deletion::InUse;
        }
        thing.deleted = Some(now);
        thing.hides = now + lag;
        self.deletions += 1;
        Deletion::Gone
    }

    fn existing(&self, thing: &Thing) -> Existing {
        let marker = Marker::find(&thing.description);
        Existing {
            id: thing.id.clone(),
            etag: String::new(),
            created_at: EPOCH + thing.made + self.clock,
            marker: match Uniqueness::of(self.kind) {
                // Its name holds the key and nothing else.
                Uniqueness::Kept => marker.map(|marker| marker.of_adopted()),
                Uniqueness::Refused | Uniqueness::Deleted | Uniqueness::Alike => marker,
            },
        }
    }
}

fn in_turn(values: &[Millis], number: usize) -> Millis {
    match values.len() {
        0 => 0,
        length => values[number % length],
    }
}
