//! The targets, each with its name. The folder of the same name in `corpus/` holds its seeds.

mod answers;
mod codec;
mod columns;
mod config;
mod connection;
mod dial;
mod host;
mod ingest;
mod input;
mod marker;
mod memory;
mod paging;
mod payload;
mod refusals;
mod schedule;
mod source_file;

/// One target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder in `corpus/`.
    pub name: &'static str,
    /// Fails by a panic.
    pub run: fn(&[u8]),
}

impl std::fmt::Debug for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

macro_rules! targets {
    ($($name:literal => $run:expr,)+) => {
        /// All of them.
        pub const TARGETS: &[Target] = &[$(Target { name: $name, run: $run }),+];
    };
}

targets! {
    // Answers of the platform, by the calls they belong to.
    "token" => |input| answers::check("token", input),
    "base-connections" => |input| answers::check("base-connections", input),
    "source-connections" => |input| answers::check("source-connections", input),
    "target-connections" => |input| answers::check("target-connections", input),
    "flows" => |input| answers::check("flows", input),
    "runs" => |input| answers::check("runs", input),
    "specs" => |input| answers::check("specs", input),
    "explore" => |input| answers::check("explore", input),
    "catalog" => |input| answers::check("catalog", input),
    "schema-registry" => |input| answers::check("schema-registry", input),
    "data-prep" => |input| answers::check("data-prep", input),
    "sandboxes" => |input| answers::check("sandboxes", input),
    "refusals" => refusals::check,
    "paging" => paging::check,
    // What callers send.
    "payload" => payload::check,
    "codec" => codec::check,
    "ingest" => ingest::check,
    "connection" => connection::check,
    "schedule" => schedule::check,
    "columns" => columns::check,
    // What is kept in places that others can write to.
    "marker" => marker::check,
    "memory" => memory::check,
    // What a person writes.
    "config" => config::check,
    "dial" => dial::check,
    "source-file" => source_file::check,
}

/// The target of that name.
#[must_use]
pub fn named(name: &str) -> Option<Target> {
    TARGETS.iter().copied().find(|target| target.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reader_of_answers_has_a_target() {
        for family in aep_platform::fuzzing::families() {
            assert!(named(family).is_some(), "{family}");
        }
    }
}
