//! Edits that turn a realistic input into a hostile one.
//!
//! Random bytes never get past the first brace, so a seed is edited: values of its JSON are
//! replaced, moved or nested, bytes are changed, the rest is cut off. `proptest` shrinks the list
//! of edits, so a failure is reported with the fewest edits that cause it.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::oracle::CANARY;

/// One change of an input.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Replaces a value by another one.
    Replace(Index, Hostile),
    /// Removes a value.
    Remove(Index),
    /// Replaces a value by a copy of another.
    Copy(Index, Index),
    /// Gives an object a field of that name.
    Add(Index, String, Hostile),
    /// Repeats the elements of a list.
    Multiply(Index, u8),
    /// Changes one byte.
    Byte(Index, u8),
    /// Inserts a text.
    Insert(Index, &'static str),
    /// Cuts the rest off.
    Cut(Index),
    /// Repeats a part.
    Repeat(Index, Index, u8),
    /// Continues with the rest of another seed.
    Splice(Index, Index),
}

/// Values that readers tend not to expect.
#[derive(Debug, Clone)]
pub enum Hostile {
    /// One of a few that are known to be awkward.
    Known(Index),
    /// Some text.
    Text(String),
    /// Some number.
    Number(i64),
    /// A list in a list in a list.
    Deep(u8),
    /// A long text.
    Long(u16),
}

const TEXTS: [&str; 24] = [
    "",
    " ",
    CANARY,
    "..",
    "../../x",
    "a/b?c#d",
    "%2e%2e%2f",
    "\u{0}",
    "\r\nx: y",
    "\u{202e}\u{feff}é😀",
    "\"\\\u{1b}[31m",
    "https://platform.adobe.io/data/foundation/flowservice/flows?continuationToken=a",
    "https://platform.adobe.io@evil.example/flows?continuationToken=a",
    "//evil.example/flows?continuationToken=a",
    "/flows?continuationToken=%ff",
    "localhost",
    "127.0.0.1",
    "0x7f.1",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[aep-flow:v1 k=0123456789abcdef]",
    "[aep-flow:v2 k=0123456789abcdef]",
    "9999-12-31T23:59:60Z",
    "-1",
];

impl Hostile {
    fn value(&self) -> Value {
        match self {
            Self::Known(index) => {
                let others = [
                    Value::Null,
                    json!(true),
                    json!(0),
                    json!(-1),
                    json!(i64::MIN),
                    json!(u64::MAX),
                    json!(1e308),
                    json!(0.5),
                    json!([]),
                    json!({}),
                    json!([null, [], {}]),
                    json!({"env": CANARY}),
                ];
                match index.index(TEXTS.len() + others.len()) {
                    text if text < TEXTS.len() => json!(TEXTS[text]),
                    other => others[other - TEXTS.len()].clone(),
                }
            }
            Self::Text(text) => json!(text),
            Self::Number(number) => json!(number),
            Self::Deep(depth) => (0..*depth).fold(Value::Null, |inner, _| json!([inner])),
            Self::Long(length) => json!("n".repeat(usize::from(*length))),
        }
    }
}

fn hostile() -> impl Strategy<Value = Hostile> {
    prop_oneof![
        6 => any::<Index>().prop_map(Hostile::Known),
        2 => any::<String>().prop_map(Hostile::Text),
        1 => any::<i64>().prop_map(Hostile::Number),
        1 => any::<u8>().prop_map(Hostile::Deep),
        1 => (0..20_000_u16).prop_map(Hostile::Long),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    let index = any::<Index>;
    prop_oneof![
        8 => (index(), hostile()).prop_map(|(at, value)| Edit::Replace(at, value)),
        2 => index().prop_map(Edit::Remove),
        2 => (index(), index()).prop_map(|(from, to)| Edit::Copy(from, to)),
        1 => (index(), "[a-zA-Z_$:]{0,40}", hostile())
            .prop_map(|(at, name, value)| Edit::Add(at, name, value)),
        1 => (index(), any::<u8>()).prop_map(|(at, times)| Edit::Multiply(at, times)),
        2 => (index(), any::<u8>()).prop_map(|(at, byte)| Edit::Byte(at, byte)),
        2 => (index(), proptest::sample::select(&TEXTS[..]))
            .prop_map(|(at, text)| Edit::Insert(at, text)),
        1 => index().prop_map(Edit::Cut),
        1 => (index(), index(), any::<u8>()).prop_map(|(from, to, times)| Edit::Repeat(from, to, times)),
        1 => (index(), index()).prop_map(|(seed, at)| Edit::Splice(seed, at)),
    ]
}

/// A seed and the edits of it.
pub fn plan() -> impl Strategy<Value = (Index, Vec<Edit>)> {
    (any::<Index>(), proptest::collection::vec(edit(), 1..6))
}

/// Applies a plan to these seeds.
#[must_use]
pub fn apply(seeds: &[&[u8]], (seed, edits): &(Index, Vec<Edit>)) -> Vec<u8> {
    let mut bytes = seed.get(seeds).to_vec();
    for edit in edits {
        bytes = edit.applied(bytes, seeds);
    }
    bytes
}

impl Edit {
    fn applied(&self, mut bytes: Vec<u8>, seeds: &[&[u8]]) -> Vec<u8> {
        let place = |index: &Index, bytes: &[u8]| index.index(bytes.len() + 1);
        match self {
            Self::Byte(at, byte) => {
                let at = place(at, &bytes);
                match bytes.get_mut(at) {
                    Some(old) => *old = *byte,
                    None => bytes.push(*byte),
                }
            }
            Self::Insert(at, text) => {
                let at = place(at, &bytes);
                bytes.splice(at..at, text.bytes());
            }
            Self::Cut(at) => bytes.truncate(place(at, &bytes)),
            Self::Repeat(from, to, times) => {
                let (from, to) = (place(from, &bytes), place(to, &bytes));
                let part = bytes[from.min(to)..from.max(to)].to_vec();
                let at = from.max(to);
                // Enough to exceed a limit, but only a few kilobytes.
                let times = usize::from(*times).min(20_000 / part.len().max(1));
                bytes.splice(at..at, part.repeat(times));
            }
            Self::Splice(seed, at) => {
                let other = seed.get(seeds);
                let at = place(at, &bytes);
                bytes.truncate(at);
                bytes.extend_from_slice(other.get(at..).unwrap_or_default());
            }
            Self::Replace(..)
            | Self::Remove(_)
            | Self::Copy(..)
            | Self::Add(..)
            | Self::Multiply(..) => {
                if let Some((head, mut root)) = json_within(&bytes) {
                    self.apply_to_json(&mut root);
                    let mut edited = head.to_vec();
                    edited.extend_from_slice(root.to_string().as_bytes());
                    return edited;
                }
            }
        }
        bytes
    }

    fn apply_to_json(&self, root: &mut Value) {
        let mut places = Vec::new();
        pointers(root, String::new(), &mut places);
        let at = |index: &Index| index.get(&places).clone();
        match self {
            Self::Replace(index, value) => put(root, &at(index), value.value()),
            Self::Copy(from, to) => {
                let value = root.pointer(&at(from)).cloned().unwrap_or_default();
                put(root, &at(to), value);
            }
            Self::Remove(index) => {
                let pointer = at(index);
                let Some((parent, name)) = pointer.rsplit_once('/') else {
                    return;
                };
                match root.pointer_mut(parent) {
                    Some(Value::Object(fields)) => {
                        fields.remove(&name.replace("~1", "/").replace("~0", "~"));
                    }
                    Some(Value::Array(values)) => {
                        if let Some(index) = name.parse().ok().filter(|at| *at < values.len()) {
                            values.remove(index);
                        }
                    }
                    _ => {}
                }
            }
            Self::Add(index, name, value) => {
                if let Some(Value::Object(fields)) = root.pointer_mut(&at(index)) {
                    fields.insert(name.clone(), value.value());
                }
            }
            Self::Multiply(index, times) => {
                if let Some(Value::Array(values)) = root.pointer_mut(&at(index)) {
                    let once = values.clone();
                    for _ in 0..(*times).min(30) {
                        values.extend(once.clone());
                    }
                }
            }
            Self::Byte(..)
            | Self::Insert(..)
            | Self::Cut(_)
            | Self::Repeat(..)
            | Self::Splice(..) => {}
        }
    }
}

fn put(root: &mut Value, pointer: &str, value: Value) {
    if let Some(place) = root.pointer_mut(pointer) {
        *place = value;
    }
}

/// The JSON at the end of an input, with or without a head before it.
fn json_within(bytes: &[u8]) -> Option<(&[u8], Value)> {
    let starts = std::iter::once(0)
        .chain(
            bytes
                .windows(2)
                .position(|pair| pair == b"\n\n")
                .map(|at| at + 2),
        )
        .chain(
            bytes
                .iter()
                .position(|byte| *byte == b'\n')
                .map(|at| at + 1),
        );
    starts
        .filter_map(|start| {
            let (head, body) = bytes.split_at(start);
            Some((head, serde_json::from_slice(body).ok()?))
        })
        .next()
}

fn pointers(value: &Value, pointer: String, places: &mut Vec<String>) {
    match value {
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                pointers(value, format!("{pointer}/{index}"), places);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers(value, format!("{pointer}/{name}"), places);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    places.push(pointer);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    #[test]
    fn most_edits_leave_json_and_change_it() {
        let seed: &[u8] = br#"HTTP/1.1 200

{"items":[{"id":"a","n":[1,2]}],"_links":{}}"#;
        let mut runner = TestRunner::deterministic();
        let (mut changed, mut readable) = (0, 0);
        for _ in 0..200 {
            let plan = plan().new_tree(&mut runner).unwrap().current();
            let edited = apply(&[seed], &plan);
            changed += u32::from(edited != seed);
            readable += u32::from(json_within(&edited).is_some());
        }
        assert!(changed > 180 && readable > 60, "{changed} {readable}");
    }
}
