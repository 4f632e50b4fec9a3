//! Ids, etags and request ids in the forms that Adobe's services use.
//!
//! All of them come from one seeded stream. An operation that runs twice with the same seed creates
//! the same ids. So a create can respond now and take effect later.

use uuid::Builder;

/// A stream of ids.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    state: u64,
    promised_ms: Option<i64>,
}

impl Ids {
    /// The stream of this seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self {
            state: seed,
            promised_ms: None,
        }
    }

    /// The same stream, but with this time in its etags. A late commit has sent them to the caller
    /// already.
    pub(crate) fn promised(seed: u64, promised_ms: i64) -> Self {
        Self {
            promised_ms: Some(promised_ms),
            ..Self::seeded(seed)
        }
    }

    /// A seed that no other request has.
    pub(crate) fn fresh_seed() -> u64 {
        uuid::Uuid::new_v4().as_u64_pair().0
    }

    /// A lower-case UUID with dashes.
    pub(crate) fn next_uuid(&mut self) -> String {
        let (high, low) = (self.next_u64(), self.next_u64());
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_be_bytes());
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// This number of hexadecimal digits.
    pub(crate) fn next_hex(&mut self, digits: usize) -> String {
        let mut text = String::new();
        while text.len() < digits {
            text.push_str(&format!("{:016x}", self.next_u64()));
        }
        text.truncate(digits);
        text
    }

    /// An etag of Flow Service, including its own quotes. Its last group begins with the time.
    pub(crate) fn next_etag(&mut self, now_ms: i64) -> String {
        let time_ms = self.promised_ms.unwrap_or(now_ms);
        let seconds = time_ms.div_euclid(1000) & 0xffff_ffff;
        format!("\"{}-0000-0200-0000-{seconds:08x}0000\"", self.next_hex(8))
    }

    fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }
}

/// The finaliser of SplitMix64: spreads a counter over all 64 bits.
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_stream() {
        let (mut one, mut two) = (Ids::seeded(7), Ids::seeded(7));
        assert_eq!(one.next_uuid(), two.next_uuid());
        assert_eq!(one.next_etag(0), two.next_etag(0));
        assert_ne!(one.next_uuid(), Ids::seeded(8).next_uuid());
    }

    #[test]
    fn forms_are_those_of_the_services() {
        let mut ids = Ids::seeded(1);
        assert_eq!(ids.next_uuid().len(), 36);
        assert_eq!(ids.next_hex(24).len(), 24);
        let etag = ids.next_etag(1_581_470_399_000);
        assert!(
            etag.starts_with('"') && etag.ends_with("-5e4352bf0000\""),
            "{etag}"
        );
    }
}
