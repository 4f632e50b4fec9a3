//! Lists whose pages lead in circles, elsewhere or nowhere. The pages follow each other, each after
//! a line `--- page`.

use aep_platform::fuzzing;

use crate::oracle::assert_fit;

/// How many pages of a list are read at most.
const MOST_PAGES: usize = 1000;

pub(super) fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let pages: Vec<&[u8]> = text
        .split("--- page\n")
        .map(str::as_bytes)
        .filter(|page| !page.is_empty())
        .take(8)
        .collect();
    for family in ["flows", "catalog"] {
        let read = match fuzzing::follow(family, &pages) {
            Ok((read, _)) => read,
            Err((read, error)) => {
                assert_fit(&error, false);
                read
            }
        };
        assert!(read <= MOST_PAGES, "{read} pages of one list");
    }
}
