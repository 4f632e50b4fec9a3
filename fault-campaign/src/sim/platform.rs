//! The other side: what stands there, and what its lists show of it.

use aep_flow_ensure::{Marker, ResourceKind, Standing, Swept, Uniqueness};

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

/// A resource, standing or gone.
#[derive(Debug, Clone)]
pub struct Thing {
    /// Its id.
    pub id: String,
    /// Who made it.
    pub maker: Maker,
    /// From which request.
    pub body: u8,
    /// What stands in its description.
    pub description: String,
    /// When it took effect.
    pub made: Millis,
    /// When it went.
    pub deleted: Option<Millis>,
    /// Whether it was somebody's hand that deleted it.
    pub deleted_by_hand: bool,
    /// Whether something stands on it.
    pub used: bool,
    /// Whether a hand put it there.
    pub used_by_hand: bool,
    /// Whether our credentials cannot see it.
    pub hidden: bool,
    shown: Millis,
    hides: Millis,
}

impl Thing {
    /// Whether it stands.
    pub fn stands(&self) -> bool {
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
    /// All that ever stood there, in the order of making.
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
    /// [`NameTaken`] where the platform keeps names single and one of that name stands.
    pub fn commit(
        &mut self,
        now: Millis,
        id: &str,
        maker: Maker,
        body: u8,
        description: &str,
    ) -> Result<&mut Thing, NameTaken> {
        let is_taken = self.things.iter().any(Thing::stands);
        if self.kind.uniqueness() == Uniqueness::Refused && is_taken {
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
    pub fn list(&mut self, now: Millis) -> Vec<Standing> {
        let mut found = Vec::new();
        for at in 0..self.things.len() {
            if !self.shows(now, at) {
                continue;
            }
            let thing = &self.things[at];
            if !thing.stands() {
                self.ghosts_shown += 1;
            }
            found.push(self.standing(thing));
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
    pub fn read(&self, id: &str) -> Option<Standing> {
        let mut things = self.things.iter();
        let thing = things.find(|each| each.id == id && each.stands())?;
        Some(self.standing(thing))
    }

    /// Deletes the one of that id, unless something stands on it.
    pub fn delete(&mut self, now: Millis, id: &str) -> Swept {
        let lag = in_turn(&self.lags.deleted, self.deletions);
        let mut things = self.things.iter_mut();
        let Some(thing) = things.find(|each| each.id == id && each.stands()) else {
            return Swept::Gone;
        };
        if thing.used {
            return Swept::InUse;
        }
        thing.deleted = Some(now);
        thing.hides = now + lag;
        self.deletions += 1;
        Swept::Gone
    }

    fn standing(&self, thing: &Thing) -> Standing {
        let marker = Marker::find(&thing.description);
        Standing {
            id: thing.id.clone(),
            etag: String::new(),
            created_at: EPOCH + thing.made + self.clock,
            marker: match self.kind.uniqueness() {
                // Its name holds the key and nothing else.
                Uniqueness::Kept => marker.map(|marker| marker.of_adopted()),
                Uniqueness::Refused | Uniqueness::Swept | Uniqueness::Alike => marker,
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
