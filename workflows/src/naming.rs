//! Names of the resources that an ingestion creates for one table.
//!
//! They are keys: a repeated ingestion finds by them what an earlier one created, so a change
//! here orphans everything that exists.

use aep_flow_proto::{v1::Table, validate::MAX_NAME_CHARS};

/// Name of everything that belongs to one table of one connection.
///
/// A name that would be too long keeps its beginning and ends in a hash of the whole.
pub(crate) fn resource_name(connection: &str, table: &str) -> String {
    // A name of letters, digits, spaces and hyphens can go into the platform's filters as it is.
    // With any other character, a look has to read the whole list.
    shorten(format!("{connection} - {table}"))
}

/// Name of the dataset and title of its schema.
pub(crate) fn dataset_name(connection: &str, table: &Table) -> String {
    if table.dataset.is_empty() {
        resource_name(connection, &table.table)
    } else {
        table.dataset.clone()
    }
}

fn shorten(name: String) -> String {
    // " fields" is appended for a field group's title, " - " and a hash for a mapping set's name.
    const LONGEST: usize = MAX_NAME_CHARS - 19;
    if name.chars().count() <= LONGEST {
        return name;
    }
    let hash = fnv1a(name.as_bytes());
    let kept: String = name.chars().take(LONGEST - 17).collect();
    format!("{}~{hash:016x}", kept.trim_end())
}

/// FNV-1a, 64 bits: stable for ever, which `std`'s hasher does not promise.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_stays_unique_and_short_enough() {
        let long = "ä".repeat(250);
        let first = resource_name(&long, "Contacts");
        let second = resource_name(&long, "Accounts");
        assert_ne!(first, second);
        assert!(first.chars().count() + 19 <= MAX_NAME_CHARS, "{first}");
        assert_eq!(resource_name("OSC", "Contacts"), "OSC - Contacts");
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
