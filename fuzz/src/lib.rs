//! Hostile input for everything that reads what others wrote: the platform's answers, a
//! caller's payloads, a person's configuration, descriptions that anybody may edit.
//!
//! A target is one function over bytes in `targets/`, with a folder of the same name in
//! `corpus/`. It fails by a panic, for it says with assertions what must hold beyond not
//! crashing: no error repeats a secret or grows with its input, what was accepted can be
//! written and read again, an id stays within its place in a path.
//!
//! Two engines feed the targets: `run` draws edits of the corpus on any machine, libFuzzer
//! follows coverage (`cargo xtask fuzz`). `docs/fuzzing.md` says how to add a target.

pub mod corpus;
pub mod edits;
pub mod run;
pub mod targets;

mod oracle;

pub use oracle::CANARY;
