//! The targets, each with its name. The folder of the same name in `corpus/` holds its seeds.

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
mod responses;
mod schedule;
mod source_file;

/// One target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder in `corpus/`.
    pub name: &'static str,
    /// The function over an input; it fails by a panic.
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
    // The platform's responses, by the calls they belong to.
    "token" => |input| responses::check("token", input),
    "base-connections" => |input| responses::check("base-connections", input),
    "source-connections" => |input| responses::check("source-connections", input),
    "target-connections" => |input| responses::check("target-connections", input),
    "flows" => |input| responses::check("flows", input),
    "runs" => |input| responses::check("runs", input),
    "specs" => |input| responses::check("specs", input),
    "explore" => |input| responses::check("explore", input),
    "catalog" => |input| responses::check("catalog", input),
    "schema-registry" => |input| responses::check("schema-registry", input),
    "data-prep" => |input| responses::check("data-prep", input),
    "sandboxes" => |input| responses::check("sandboxes", input),
    "refusals" => refusals::check,
    "paging" => paging::check,
    // What callers send.
    "payload" => payload::check,
    "codec" => codec::check,
    "ingest" => ingest::check,
    "connection" => connection::check,
    "schedule" => schedule::check,
    "columns" => columns::check,
    // What is stored where others can write.
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
    fn every_reader_of_responses_has_a_target() {
        for family in aep_platform::fuzzing::families() {
            assert!(named(family).is_some(), "{family}");
        }
    }
}
