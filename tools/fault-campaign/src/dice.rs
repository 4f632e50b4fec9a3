//! Draws that are the same for the same seed, on every machine and in every version.

/// A source of draws (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Draws that follow from `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Those of case number `number` of a campaign.
    pub fn of_case(seed: u64, number: u64) -> Self {
        let mut dice = Self(seed);
        let start = dice.next();
        Self(start ^ number.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    /// The next draw.
    #[expect(
        clippy::should_implement_trait,
        reason = "it never ends, so it is no iterator"
    )]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.abs_diff(low).saturating_add(1);
        low.saturating_add_unsigned(self.next() % width)
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }

    /// One of them.
    ///
    /// # Panics
    /// If there is none.
    pub fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        let at = usize::try_from(self.next() % choices.len() as u64).unwrap_or_default();
        choices[at].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_the_seed_alone() {
        let draws = |seed, number| {
            let mut dice = Dice::of_case(seed, number);
            [dice.next(), dice.next()]
        };
        assert_eq!(draws(1, 7), draws(1, 7));
        assert_ne!(draws(1, 7), draws(1, 8));
        assert_ne!(draws(1, 7), draws(2, 7));
        let mut dice = Dice::new(3);
        for _ in 0..1000 {
            assert!((-2..=2).contains(&dice.between(-2, 2)));
        }
    }
}
