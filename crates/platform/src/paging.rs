//! Reads a list to its end, even if its pages change meanwhile. This module knows no HTTP.
//!
//! No document promises that pages stay the same while others write. So an entity may appear twice,
//! and counts once. Source: "Sort and filter responses in the Flow Service API" and the Catalog and
//! Data Prep guides, read 2026-11.

use std::collections::HashSet;

use crate::kind::EntityKind;
use crate::observe;
use crate::response::UnreadableResponse;

/// More pages than any sandbox has. A longer list counts as endless.
const MAX_PAGES: usize = 1000;

/// The smallest default page size of a service that counts by offset: Catalog's.
const SMALLEST_PAGE: usize = 20;

/// One page.
pub(crate) struct Page<T> {
    /// The entities, each with its id.
    pub(crate) items: Vec<(String, T)>,
    /// How many entries the page had besides them, which can't be read.
    pub(crate) skipped: usize,
    pub(crate) next: NextPage,
}

impl<T> Page<T> {
    /// A page of these entries, each read with `read`.
    pub(crate) fn of<E>(
        kind: EntityKind,
        entries: impl IntoIterator<Item = E>,
        next: NextPage,
        read: impl Fn(E) -> Result<(String, T), UnreadableResponse>,
    ) -> Self {
        let (items, skipped) = readable(kind, entries, read);
        Self {
            items,
            skipped,
            next,
        }
    }
}

/// The entries of a list that `read` can read, and how many it can't. Those are skipped and
/// counted: Adobe's lists have entries that are `null` or without an id, and one such entry must
/// not hide all others.
pub(crate) fn readable<E, T>(
    kind: EntityKind,
    entries: impl IntoIterator<Item = E>,
    read: impl Fn(E) -> Result<T, UnreadableResponse>,
) -> (Vec<T>, usize) {
    let mut items = Vec::new();
    let mut skipped = 0;
    for entry in entries {
        match read(entry) {
            Ok(item) => items.push(item),
            Err(_) => skipped += 1,
        }
    }
    if skipped > 0 {
        observe::entries_skipped(kind, skipped);
    }
    (items, skipped)
}

/// Whether there is a next page, and how to request it.
pub(crate) enum NextPage {
    /// The cursor of the next page; `None` on the last page.
    Cursor(Option<String>),
    /// The service counts by offset, and the next page begins behind this one. A page that is not
    /// full does not end the list, as a service may return fewer entries than requested. A page
    /// shorter than any service's smallest page does.
    Offset { start: usize, limit: usize },
}

/// The pages so far.
pub(crate) struct Pages<T> {
    items: Vec<T>,
    ids: HashSet<String>,
    cursors: HashSet<String>,
    count: usize,
}

impl<T> Pages<T> {
    pub(crate) fn new() -> Self {
        Self {
            items: Vec::new(),
            ids: HashSet::new(),
            cursors: HashSet::new(),
            count: 0,
        }
    }

    /// Adds a page; returns the cursor of the next one, or `None` at the end.
    pub(crate) fn take(&mut self, page: Page<T>) -> Result<Option<String>, UnreadableResponse> {
        self.count += 1;
        let readable = page.items.len();
        let received = readable + page.skipped;
        let before = self.items.len();
        for (id, item) in page.items {
            if self.ids.insert(id) {
                self.items.push(item);
            }
        }
        let next = match page.next {
            NextPage::Cursor(next) => next,
            NextPage::Offset { limit, .. } if received < limit.min(SMALLEST_PAGE) => None,
            NextPage::Offset { start, limit } => {
                if self.items.len() == before && readable > 0 {
                    // Nothing new: a service that ignores `start` returns its first page for ever.
                    // If that page is not full, it is the whole list.
                    if received >= limit {
                        return Err(UnreadableResponse::PagesRepeat);
                    }
                    None
                } else {
                    Some(start.saturating_add(received).to_string())
                }
            }
        };
        if let Some(cursor) = &next {
            if !self.cursors.insert(cursor.clone()) {
                return Err(UnreadableResponse::PagesRepeat);
            }
            if self.count >= MAX_PAGES {
                return Err(UnreadableResponse::TooManyPages { pages: self.count });
            }
        }
        Ok(next)
    }

    /// How many entities there are so far.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn into_items(self) -> Vec<T> {
        self.items
    }
}

/// The offset at which a page begins.
pub(crate) fn offset(cursor: Option<&str>) -> usize {
    cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(ids: &[&str], next: NextPage) -> Page<String> {
        Page {
            items: ids
                .iter()
                .map(|id| ((*id).to_owned(), (*id).to_owned()))
                .collect(),
            skipped: 0,
            next,
        }
    }

    #[test]
    fn entries_that_cant_be_read_count_as_entries_of_the_page() {
        let read = |entry: Option<&str>| {
            let id = entry.ok_or_else(|| UnreadableResponse::shape("it is null"))?;
            Ok((id.to_owned(), id.to_owned()))
        };
        let page = |entries: &[Option<&'static str>], start| {
            let next = NextPage::Offset { start, limit: 2 };
            Page::of(EntityKind::Flow, entries.iter().copied(), next, read)
        };
        let mut pages = Pages::new();
        for (entries, start, next) in [
            ([Some("a"), None].as_slice(), 0, Some("2")),
            ([None, None].as_slice(), 2, Some("4")),
            ([Some("b")].as_slice(), 4, None),
        ] {
            let taken = pages.take(page(entries, start));
            assert_eq!(taken, Ok(next.map(str::to_owned)), "from {start}");
        }
        assert_eq!(pages.into_items(), ["a", "b"]);
    }

    fn cursor(text: &str) -> NextPage {
        NextPage::Cursor(Some(text.to_owned()))
    }

    #[test]
    fn an_entity_that_comes_twice_counts_once_and_an_empty_page_is_no_end() {
        let mut pages = Pages::new();
        assert_eq!(
            pages.take(page(&["a", "b"], cursor("1"))),
            Ok(Some("1".to_owned()))
        );
        assert_eq!(pages.take(page(&[], cursor("2"))), Ok(Some("2".to_owned())));
        assert_eq!(
            pages.take(page(&["b", "c"], NextPage::Cursor(None))),
            Ok(None)
        );
        assert_eq!(pages.into_items(), ["a", "b", "c"]);
    }

    #[test]
    fn a_cursor_that_comes_back_is_an_error() {
        let mut pages = Pages::new();
        pages.take(page(&["a"], cursor("1"))).unwrap();
        pages.take(page(&["b"], cursor("2"))).unwrap();
        assert_eq!(
            pages.take(page(&["c"], cursor("1"))),
            Err(UnreadableResponse::PagesRepeat)
        );
    }

    #[test]
    fn a_list_without_end_is_an_error() {
        let mut pages = Pages::new();
        let last = (0..MAX_PAGES)
            .map(|n| pages.take(page(&[], cursor(&n.to_string()))))
            .last();
        assert_eq!(
            last,
            Some(Err(UnreadableResponse::TooManyPages { pages: MAX_PAGES }))
        );
    }

    #[test]
    fn counting_goes_on_until_a_page_that_is_shorter_than_any_is() {
        let many: Vec<String> = (0..50).map(|number| number.to_string()).collect();
        let ids = |range: std::ops::Range<usize>| -> Vec<&str> {
            many[range].iter().map(String::as_str).collect()
        };
        let offset = |start| NextPage::Offset { start, limit: 100 };
        let mut pages = Pages::new();
        for (range, next) in [(0..20, Some("20")), (20..45, Some("45")), (45..50, None)] {
            let taken = pages.take(page(&ids(range.clone()), offset(range.start)));
            assert_eq!(taken, Ok(next.map(str::to_owned)), "{range:?}");
        }
        assert_eq!(pages.into_items().len(), 50);
        let asked_for_two = NextPage::Offset { start: 0, limit: 2 };
        let taken = Pages::new().take(page(&["a", "b"], asked_for_two));
        assert_eq!(taken, Ok(Some("2".to_owned())));
    }

    #[test]
    fn a_service_that_ignores_start_is_noticed() {
        let mut pages = Pages::new();
        let offset = |start| NextPage::Offset { start, limit: 2 };
        pages.take(page(&["a", "b"], offset(0))).unwrap();
        assert_eq!(
            pages.take(page(&["a", "b"], offset(2))),
            Err(UnreadableResponse::PagesRepeat)
        );
        let mut pages = Pages::new();
        let many: Vec<String> = (0..30).map(|number| number.to_string()).collect();
        let ids: Vec<&str> = many.iter().map(String::as_str).collect();
        let offset = |start| NextPage::Offset { start, limit: 50 };
        pages.take(page(&ids, offset(0))).unwrap();
        assert_eq!(pages.take(page(&ids, offset(30))), Ok(None));
    }
}
