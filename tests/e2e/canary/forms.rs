//! The forms in which a secret may have been written down, and the search for all of them.

use std::collections::{BTreeMap, HashSet};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A secret that is searched for, by its name.
#[derive(Debug, Clone)]
pub(crate) struct Secret {
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

/// A secret that was found in a place, and in which form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub(crate) secret: &'static str,
    pub(crate) form: &'static str,
}

/// Searches for many secrets in many forms at once.
pub(crate) struct Search {
    searcher: AhoCorasick,
    sought: Vec<Hit>,
}

impl Search {
    pub(crate) fn new(secrets: &[Secret]) -> Self {
        let mut sought = Vec::new();
        let mut needles = Vec::new();
        for secret in secrets {
            let mut known = HashSet::new();
            for (form, needle) in forms(&secret.value) {
                // What has nothing to escape is alike in most.
                if !known.insert(needle.clone()) {
                    continue;
                }
                sought.push(Hit {
                    secret: secret.name,
                    form,
                });
                needles.push(needle);
            }
        }
        Self {
            searcher: AhoCorasick::new(needles).unwrap(),
            sought,
        }
    }

    /// Where each was found. Those within others count too.
    pub(crate) fn hits(&self, text: &[u8]) -> BTreeMap<Hit, Vec<usize>> {
        let mut hits = BTreeMap::<_, Vec<usize>>::new();
        for found in self.searcher.find_overlapping_iter(text) {
            let hit = self.sought[found.pattern().as_usize()].clone();
            hits.entry(hit).or_default().push(found.start());
        }
        hits
    }
}

/// Names of all forms, in the order of the table.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = forms("a \"b\"").into_iter().map(|(name, _)| name).collect();
    names.dedup();
    names
}

fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let once = in_json(secret);
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let units = secret.encode_utf16();
    let escapes: String = units.map(|unit| format!("\\u{unit:04x}")).collect();
    let mut forms = vec![
        ("plain", secret.to_owned()),
        ("JSON", once.clone()),
        ("JSON in JSON", in_json(&once)),
        ("JSON escapes", escapes),
        ("percent", percent.clone()),
        ("form", percent.replace("%20", "+")),
        // As `Debug` of Rust, Go and Python prints a text.
        ("debug", secret.escape_debug().to_string()),
        ("hex", hex.to_uppercase()),
        ("hex", hex),
        ("reversed", secret.chars().rev().collect()),
    ];
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        // Within something longer it begins at one of three places of a group.
        for before in 0..3 {
            let bytes = [&vec![0; before][..], secret.as_bytes()].concat();
            let text = engine.encode(bytes);
            let (from, to) = ([0, 2, 3][before], text.len() - 2);
            forms.push(("base64", text[from..to].to_owned()));
        }
    }
    forms
}

fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[test]
fn every_form_is_found_where_it_stands() {
    let secret = "two words \"q\" 'r' \\ 50%&ü/+";
    let secrets = [Secret {
        name: "one",
        value: secret.to_owned(),
    }];
    let search = Search::new(&secrets);
    let json = serde_json::json!({ "password": secret }).to_string();
    let basic = STANDARD_NO_PAD.encode(format!("svc_aep:{secret}"));
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_secret", secret)
        .finish();
    for (form, text) in [
        ("plain", format!("login of svc with {secret} failed")),
        (
            "JSON in JSON",
            serde_json::json!({ "sent": json }).to_string(),
        ),
        ("JSON", json),
        ("debug", secret.escape_debug().to_string()),
        ("base64", format!("authorization: Basic {basic}")),
        ("form", form.replace("%2A", "*")),
        (
            "hex",
            secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
        ),
        ("reversed", secret.chars().rev().collect()),
    ] {
        let hits = search.hits(text.as_bytes());
        assert!(hits.keys().any(|hit| hit.form == form), "{form}: {hits:?}");
    }
    assert!(search.hits(b"two words and others").is_empty());
}
