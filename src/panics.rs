//! Reports where a panic happened, without its message.
//!
//! The message of a panic may contain any value, such as one that could not be parsed: it may hold a
//! secret or a row of a source. Only a message that is a literal of the program is shown.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::future::Future;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, PanicHookInfo};

use futures::FutureExt as _;

thread_local! {
    /// Where this thread panicked last.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Replaces the standard hook, which prints the whole message of a panic.
pub fn hide_payloads() {
    std::panic::set_hook(Box::new(report));
}

fn report(panic: &PanicHookInfo<'_>) {
    let place = panic
        .location()
        .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    LAST.with(|last| *last.borrow_mut() = Some(place.clone()));
    let said = literal(panic.payload())
        .unwrap_or("its message is not shown, because it may contain a value");
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("without a name");
    // Only names of functions and lines.
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace);
    if tracing::dispatcher::has_been_set() {
        tracing::error!(
            thread,
            place,
            backtrace = backtrace.map(tracing::field::display),
            "panicked: {said}"
        );
    } else {
        let backtrace = backtrace.map_or_else(String::new, |trace| format!("\n{trace}"));
        let line = format!("thread '{thread}' panicked at {place}: {said}{backtrace}");
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }
}

/// The message, if it is a literal of the program.
fn literal(payload: &(dyn std::any::Any + Send)) -> Option<&'static str> {
    payload.downcast_ref::<&'static str>().copied()
}

/// The output of `work`, or where it panicked, if that is known. Drops the panic's message.
pub async fn caught<F: Future>(work: F) -> Result<F::Output, Option<String>> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(output) => Ok(output),
        Err(_) => Err(LAST.with(|last| last.borrow_mut().take())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_text_of_the_program_itself_is_shown() {
        let value = std::hint::black_box("s3cret");
        let said = |work: fn(&str)| {
            let panic = std::panic::catch_unwind(|| work(value)).unwrap_err();
            literal(&*panic)
        };
        assert_eq!(
            said(|_| panic!("the lock is broken")),
            Some("the lock is broken")
        );
        assert_eq!(said(|value| panic!("`{value}` is no number")), None);
        assert_eq!(said(|value| std::panic::panic_any(value.to_owned())), None);
        assert_eq!(said(|value| drop(value.parse::<url::Url>().unwrap())), None);
    }

    #[tokio::test]
    async fn what_is_caught_has_nothing_of_the_panic() {
        let caught = caught(async { panic!("{}", std::hint::black_box("s3cret")) }).await;
        let shown = format!("{caught:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
