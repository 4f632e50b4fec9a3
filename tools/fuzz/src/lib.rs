//! Hostile input for everything that reads foreign text: the platform's responses, a caller's
//! payloads, a person's configuration, descriptions that anybody may edit.
//!
//! A target is one function over bytes in `targets/`, with a folder of the same name in `corpus/`.
//! It fails by a panic. Its assertions say what must hold beyond not crashing: no error repeats a
//! secret or grows with its input, accepted input can be written and read again, an id stays within
//! its segment of a path.
//!
//! Two engines feed the targets: `run` draws edits of the corpus on any machine, and libFuzzer
//! follows coverage (`cargo xtask fuzz`). `docs/fuzzing.md` says how to add a target.

pub mod corpus;
pub mod edits;
pub mod run;
pub mod targets;

mod oracle;

pub use oracle::CANARY;
