//! What a caller wants, in a form that the platform keeps for us.
//!
//! The marker is at the end of a description: a hash of the natural key, and for each
//! field of the request a short hash of its value, so that a later caller who wants
//! something else learns which fields differ. A secret is only in it as a hash under the
//! worker's own key. It also says which call created the resource, so that a call tells its own
//! creates from those of a second caller with the same intent.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::ResourceKind;

/// What an option's field begins with.
const OPTION: char = '?';

const OPENING: &str = "[aep-flow:v1 ";

/// How a marker of any version begins.
const ANY_VERSION: &str = "[aep-flow:v";

/// What one create is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    kind: ResourceKind,
    name: String,
    marker: Marker,
    /// Names of the fields that hold secrets.
    secrets: Vec<String>,
    /// Fields with hashes that earlier versions gave them for the same request.
    former: Vec<(String, String)>,
}

/// The part of a description that says which intent a resource was created for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    key: String,
    by: Option<String>,
    fields: Vec<(String, String)>,
}

impl Intent {
    /// An intent for a resource of `kind` called `name`, whose natural key also holds
    /// `scope`: organisation, sandbox, specification, whatever a name is unique within.
    pub fn new(kind: ResourceKind, scope: &[&str], name: &str) -> Self {
        let mut parts = vec![kind.as_str()];
        parts.extend_from_slice(scope);
        parts.push(name);
        Self {
            kind,
            name: name.to_owned(),
            marker: Marker {
                key: hash(&parts, 8),
                by: None,
                fields: Vec::new(),
            },
            secrets: Vec::new(),
            former: Vec::new(),
        }
    }

    /// Says which call this is: what all its attempts have in common and no other call has.
    #[must_use]
    pub fn by(mut self, call: &[&str]) -> Self {
        self.marker.by = Some(hash(call, 8));
        self
    }

    /// Adds one field of the request to the fingerprint. Order matters to nobody.
    #[must_use]
    pub fn field(mut self, field: &str, value: &str) -> Self {
        let hash = hash(&[self.kind.as_str(), field, value], 4);
        self.marker.fields.push((field.to_owned(), hash));
        self
    }

    /// Adds the value that an earlier version gave `field` for the same request. A resource that
    /// was created with it does not differ in that field.
    #[must_use]
    pub fn formerly(mut self, field: &str, value: &str) -> Self {
        let hash = hash(&[self.kind.as_str(), field, value], 4);
        self.former.push((field.to_owned(), hash));
        self
    }

    /// The fields in which an existing resource's request differs from this one.
    pub fn differences(&self, existing: &Marker) -> Vec<String> {
        let former = self.former.iter();
        let former: Vec<&str> = former
            .filter(|field| existing.fields.contains(field))
            .map(|(field, _)| field.as_str())
            .collect();
        let mut differing = self.marker.differences(existing);
        differing.retain(|field| !former.contains(&field.as_str()));
        differing
    }

    /// Adds a field that is part of the request only when it is asked for: a request that lacks
    /// it asks for something else, also one of a time when there was no such option.
    #[must_use]
    pub fn option(mut self, field: &'static str, value: &str) -> Self {
        let hash = hash(&[self.kind.as_str(), field, value], 4);
        self.marker.fields.push((format!("{OPTION}{field}"), hash));
        self
    }

    /// Adds a secret, hashed under the worker's `key`; without a key it is left out.
    ///
    /// A secret changes, and so does the key: a request that differs in secrets alone counts as
    /// the same, and the difference is reported.
    #[must_use]
    pub fn secret_field(mut self, field: &str, value: &[u8], key: Option<&[u8]>) -> Self {
        let mac = key.and_then(|key| Hmac::<Sha256>::new_from_slice(key).ok());
        if let Some(mut mac) = mac {
            mac.update(self.marker.key.as_bytes());
            mac.update(value);
            let digest = hex(&mac.finalize().into_bytes()[..4]);
            self.marker.fields.push((field.to_owned(), digest));
            self.secrets.push(field.to_owned());
        }
        self
    }

    /// Whether `field` holds a secret.
    pub fn is_secret(&self, field: &str) -> bool {
        self.secrets.iter().any(|secret| secret == field)
    }

    /// The kind of resource.
    pub fn kind(&self) -> ResourceKind {
        self.kind
    }

    /// The resource's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The marker of a resource that is created for this intent.
    pub fn marker(&self) -> &Marker {
        &self.marker
    }

    /// `description` with the marker behind it, as a create sends it.
    pub fn described(&self, description: &str) -> String {
        if description.is_empty() {
            self.marker.to_string()
        } else {
            format!("{description} {}", self.marker)
        }
    }
}

impl Marker {
    /// The last marker in `text`, if it is one of this version.
    ///
    /// The platform may trim or lengthen a description, so the marker is searched for, and
    /// what does not read as one in full is none. The last one wins: it is behind a marker that
    /// somebody copied, or that a newer version replaced.
    pub fn find(text: &str) -> Option<Self> {
        let rest = text[text.rfind(ANY_VERSION)?..].strip_prefix(OPENING)?;
        Self::read(&rest[..rest.find(']')?])
    }

    /// The text between a marker's opening and its end.
    fn read(inside: &str) -> Option<Self> {
        let mut words = inside.split(' ').peekable();
        let key = words.next()?.strip_prefix("k=")?;
        let by = words
            .next_if(|word| word.starts_with("by="))
            .map(|word| &word["by=".len()..]);
        if by.is_some_and(|by| !is_hash(by, 16)) {
            return None;
        }
        let fields = words
            .map(|word| {
                let (field, hash) = word.split_once('=')?;
                is_hash(hash, 8).then(|| (field.to_owned(), hash.to_owned()))
            })
            .collect::<Option<Vec<_>>>()?;
        is_hash(key, 16).then(|| Self {
            key: key.to_owned(),
            by: by.map(str::to_owned),
            fields,
        })
    }

    /// The marker of a resource that somebody created by hand and gave to us: nothing is known
    /// of the request, so it never differs in a field.
    #[must_use]
    pub fn of_adopted(&self) -> Self {
        Self {
            by: None,
            fields: Vec::new(),
            ..self.clone()
        }
    }

    /// `text` without the markers in it, as somebody wrote it. What only begins like one,
    /// or is cut off, may be somebody's words and stays.
    pub fn strip(text: &str) -> String {
        let mut kept = text.to_owned();
        let mut before = kept.len();
        while let Some(start) = kept[..before].rfind(OPENING) {
            let inside = start + OPENING.len();
            let end = kept[inside..].find(']').map(|length| inside + length);
            match end.filter(|end| Self::read(&kept[inside..*end]).is_some()) {
                Some(end) => {
                    kept.replace_range(start..=end, "");
                    // What stood on its two sides may read as another one now.
                    before = kept.len();
                }
                None => before = start,
            }
        }
        kept.trim().to_owned()
    }

    /// The marker of a resource of which only the key is kept: 16 hexadecimal digits.
    pub fn of_key(key: &str) -> Option<Self> {
        is_hash(key, 16).then(|| Self {
            key: key.to_owned(),
            by: None,
            fields: Vec::new(),
        })
    }

    /// Hash of the natural key, 16 hexadecimal digits.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether both are of the same natural key.
    pub fn has_key_of(&self, other: &Self) -> bool {
        self.key == other.key
    }

    /// Whether the same call created both. A marker without a call names nobody.
    pub fn is_by_maker_of(&self, other: &Self) -> bool {
        self.by.is_some() && self.by == other.by
    }

    /// Whether it says which call created the resource.
    pub fn names_its_maker(&self) -> bool {
        self.by.is_some()
    }

    /// The fields in which the two differ. A field that either lacks says nothing, for it was not
    /// part of the request at that time; an option that either lacks is a difference. Of what
    /// somebody created by hand nothing is known.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        if self.fields.is_empty() || other.fields.is_empty() {
            return Vec::new();
        }
        let theirs = |field: &str| {
            let mut fields = other.fields.iter();
            fields.find_map(|(theirs, hash)| (theirs == field).then_some(hash))
        };
        let ours = self.fields.iter();
        let differing = ours.filter(|(field, hash)| match theirs(field) {
            Some(other) => other != hash,
            None => field.starts_with(OPTION),
        });
        let is_ours = |field: &str| self.fields.iter().any(|(ours, _)| ours == field);
        let more = other.fields.iter();
        let more = more.filter(|(field, _)| field.starts_with(OPTION) && !is_ours(field));
        differing
            .chain(more)
            .map(|(field, _)| field.trim_start_matches(OPTION).to_owned())
            .collect()
    }
}

impl std::fmt::Display for Marker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{OPENING}k={}", self.key)?;
        if let Some(by) = &self.by {
            write!(formatter, " by={by}")?;
        }
        for (field, hash) in &self.fields {
            write!(formatter, " {field}={hash}")?;
        }
        formatter.write_str("]")
    }
}

fn is_hash(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|each| matches!(each, b'0'..=b'9' | b'a'..=b'f'))
}

fn hash(parts: &[&str], bytes: usize) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        // The length in front keeps ("ab", "c") apart from ("a", "bc").
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hex(&hasher.finalize()[..bytes])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(host: &str) -> Intent {
        Intent::new(ResourceKind::BaseConnection, &["org", "prod"], "OSC")
            .field("host", host)
            .field("username", "svc")
            .secret_field("password", b"hunter2", Some(b"key"))
            .by(&["workflow", "run", "1"])
    }

    #[test]
    fn a_marker_is_found_again_in_what_the_platform_keeps() {
        let wanted = intent("a.example");
        for text in [
            wanted.described(""),
            wanted.described("Made for the EMEA team"),
            format!("  {}\n", wanted.described("x [aep-flow:v1 broken")),
            format!("{} edited by hand", wanted.described("x")),
        ] {
            assert_eq!(
                Marker::find(&text).as_ref(),
                Some(wanted.marker()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_only_looks_like_a_marker_is_none() {
        let whole = intent("a.example").described("x");
        for text in [
            "",
            "[aep-flow:v1 ]",
            "[aep-flow:v1 k=xyz]",
            "[aep-flow:v2 k=0123456789abcdef]",
            "[aep-flow:v1 k=0123456789abcdef host=12345]",
            "[aep-flow:v1 k=0123456789ABCDEF]",
            "[aep-flow:v1 k=0123456789abcdef by=0123]",
            "[aep-flow:v1 k=0123456789abcdef host=12345678 by=0123456789abcdef]",
            &whole[..whole.len() - 1],
        ] {
            assert_eq!(Marker::find(text), None, "{text}");
        }
    }

    #[test]
    fn a_call_knows_what_it_made() {
        let one = intent("a.example");
        let again = Intent::new(ResourceKind::BaseConnection, &["org", "prod"], "OSC")
            .by(&["workflow", "run", "1"]);
        assert!(one.marker().is_by_maker_of(again.marker()));
        let other = again.clone().by(&["workflow", "run", "2"]);
        assert!(!one.marker().is_by_maker_of(other.marker()));
        let nobody = one.marker().of_adopted();
        assert!(!nobody.is_by_maker_of(&nobody));
        assert!(nobody.has_key_of(one.marker()) && nobody.differences(one.marker()).is_empty());
    }

    #[test]
    fn what_somebody_wrote_is_kept_without_the_marker() {
        let described = intent("a.example").described("Made for EMEA");
        assert_eq!(Marker::strip(&described), "Made for EMEA");
        assert_eq!(
            Marker::strip(&format!("{described} by hand")),
            "Made for EMEA  by hand"
        );
        assert_eq!(Marker::strip("no marker [x]"), "no marker [x]");
        assert_eq!(
            Marker::strip("cut [aep-flow:v1 k=0"),
            "cut [aep-flow:v1 k=0"
        );
        // The opening alone does not make somebody's words a marker of ours.
        let text = "[aep-flow:v1 is what it writes, see the wiki] Owned by EMEA";
        assert_eq!(Marker::strip(text), text);
        assert_eq!(Marker::strip(&intent("a.example").described(text)), text);
        // One within another leaves none behind.
        let text = "[aep-flow:v1 [aep-flow:v1 k=0123456789abcdef]k=0123456789abcdef]";
        assert_eq!(Marker::strip(text), "");
    }

    #[test]
    fn an_older_marker_does_not_speak_for_what_stands_behind_it() {
        let whole = intent("a.example").described("x");
        for behind in [
            "[aep-flow:v2 k=0123456789abcdef alg=2]",
            "[aep-flow:v10 ",
            "[aep-flow:v1 k=01234567",
        ] {
            let text = format!("{whole} {behind}");
            assert_eq!(Marker::find(&text), None, "{text}");
        }
    }

    #[test]
    fn a_key_that_stands_alone_is_a_marker_of_nobody() {
        let whole = intent("a.example");
        let of_key = Marker::of_key(whole.marker().key());
        assert_eq!(of_key, Some(whole.marker().of_adopted()));
        assert_eq!(Marker::of_key("0123"), None);
    }

    #[test]
    fn the_key_is_the_name_in_its_scope() {
        let one = Intent::new(ResourceKind::Flow, &["org", "prod"], "x");
        let described = format!("[aep-flow:v1 k={}]", one.marker().key());
        assert_eq!(one.described(""), described);
        assert!(
            one.marker()
                .has_key_of(Intent::new(ResourceKind::Flow, &["org", "prod"], "x").marker())
        );
        for other in [
            Intent::new(ResourceKind::Flow, &["org", "dev"], "x"),
            Intent::new(ResourceKind::Schema, &["org", "prod"], "x"),
            Intent::new(ResourceKind::Flow, &["org", "prod"], "y"),
            Intent::new(ResourceKind::Flow, &["orgp", "rod"], "x"),
        ] {
            assert!(!one.marker().has_key_of(other.marker()));
        }
    }

    #[test]
    fn differing_fields_are_named_and_secrets_need_a_key() {
        let one = intent("a.example");
        assert_eq!(
            one.marker().differences(intent("b.example").marker()),
            ["host"]
        );
        let other = Intent::new(ResourceKind::BaseConnection, &["org", "prod"], "OSC")
            .field("host", "a.example")
            .secret_field("password", b"hunter3", Some(b"key"));
        assert_eq!(one.marker().differences(other.marker()), ["password"]);
        let keyless = Intent::new(ResourceKind::BaseConnection, &["org", "prod"], "OSC")
            .secret_field("password", b"hunter3", None);
        assert_eq!(one.marker().differences(keyless.marker()), [""; 0]);
        assert!(!one.described("").contains("hunter2"));
    }

    #[test]
    fn an_option_that_either_lacks_is_a_difference() {
        let plain = || Intent::new(ResourceKind::SourceConnection, &["org", "prod"], "OSC");
        let without = plain().field("table", "Contacts");
        let with = without.clone().option("filter", "a");
        let another = without.clone().option("filter", "b");
        for (one, other) in [(&with, &without), (&without, &with), (&with, &another)] {
            assert_eq!(one.marker().differences(other.marker()), ["filter"]);
        }
        assert_eq!(with.marker().differences(with.marker()), [""; 0]);
        let written = with.described("x");
        assert_eq!(Marker::find(&written).as_ref(), Some(with.marker()));
        // Nothing is known of what somebody created by hand.
        let by_hand = without.marker().of_adopted();
        assert_eq!(with.marker().differences(&by_hand), [""; 0]);
        assert_eq!(by_hand.differences(with.marker()), [""; 0]);
    }

    #[test]
    fn what_an_earlier_version_wrote_for_the_same_request_is_no_difference() {
        let plain = || Intent::new(ResourceKind::FieldGroup, &["org", "prod"], "OSC");
        let before = plain().field("fields", "text").field("title", "OSC");
        let now = plain().field("fields", "time").formerly("fields", "text");
        let now = now.field("title", "OSC");
        assert_eq!(now.differences(before.marker()), [""; 0]);
        assert_eq!(now.differences(now.marker()), [""; 0]);
        let another = plain().field("fields", "number").field("title", "X");
        assert_eq!(now.differences(another.marker()), ["fields", "title"]);
        // It says nothing of other fields, and is not part of what is written.
        let other_title = plain().field("fields", "text").field("title", "X");
        assert_eq!(now.differences(other_title.marker()), ["title"]);
        assert_eq!(before.differences(now.marker()), ["fields"]);
    }

    #[test]
    fn a_secret_cannot_be_guessed_without_the_workers_key() {
        let hashed = |key: &[u8]| {
            let intent = Intent::new(ResourceKind::BaseConnection, &["org", "prod"], "OSC");
            intent.secret_field("password", b"hunter2", Some(key))
        };
        let one = hashed(b"key");
        assert_eq!(one, hashed(b"key"));
        let other = hashed(b"another key");
        assert_eq!(one.marker().differences(other.marker()), ["password"]);
    }
}
