//! Takes the secrets of a request out of a text that may repeat them.

use std::borrow::Cow;

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::request::encode;

/// What a message shows in place of a secret.
pub(crate) const REMOVED: &str = "[removed]";

/// The text without these secrets. Each secret is found as it is, and as a body or an address
/// carries it: in JSON, in JSON within JSON, percent-encoded, and form-encoded.
pub(crate) fn without<'a>(text: &'a str, secrets: &[SecretString]) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    for secret in secrets {
        let secret = secret.expose_secret();
        // One or two characters are in every sentence, so they reveal nothing.
        if secret.len() <= 2 {
            continue;
        }
        for form in forms(secret) {
            if text.contains(form.as_str()) {
                text = Cow::Owned(text.replace(form.as_str(), REMOVED));
            }
        }
    }
    text
}

/// The longest forms come first, as a shorter one may be part of a longer one.
fn forms(secret: &str) -> [Zeroizing<String>; 5] {
    let json = in_json(secret);
    let percent = Zeroizing::new(encode(secret));
    let form = Zeroizing::new(percent.replace("%20", "+"));
    [
        in_json(&json),
        json,
        percent,
        form,
        Zeroizing::new(secret.to_owned()),
    ]
}

fn in_json(text: &str) -> Zeroizing<String> {
    let quoted = Zeroizing::new(serde_json::Value::from(text).to_string());
    Zeroizing::new(quoted[1..quoted.len() - 1].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "correct \"horse\" \\ battery/50% & ü";

    fn check(text: &str) -> String {
        without(text, &[SECRET.to_owned().into()]).into_owned()
    }

    #[test]
    fn a_secret_is_found_in_each_of_its_forms() {
        let json = serde_json::json!({"password": SECRET}).to_string();
        let twice = serde_json::json!({"message": json}).to_string();
        for text in [
            format!("refused: {SECRET}"),
            json,
            twice,
            "a=correct%20%22horse%22%20%5C%20battery%2F50%25%20%26%20%C3%BC".to_owned(),
            "a=correct+%22horse%22+%5C+battery%2F50%25+%26+%C3%BC&b=c".to_owned(),
        ] {
            let shown = check(&text);
            assert!(shown.contains(REMOVED), "{shown}");
            for part in ["horse", "battery"] {
                assert!(!shown.contains(part), "{shown}");
            }
        }
    }

    #[test]
    fn what_holds_no_secret_is_left_as_it_is() {
        assert_eq!(check("correct horse"), "correct horse");
        assert_eq!(without("a b", &["b".to_owned().into()]), "a b");
    }
}
