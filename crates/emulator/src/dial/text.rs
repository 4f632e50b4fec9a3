//! Reads rules as a person writes them: YAML or JSON, one rule or a list of them.

use serde::Deserialize as _;
use serde_json::Value;

use super::rule::Rule;

/// Why a text can't be read as rules.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The text is neither YAML nor JSON.
    #[error("the rules are neither YAML nor JSON")]
    Unreadable(#[source] serde_saphyr::Error),
    /// One of the rules is not valid.
    #[error("rule {number} is not valid")]
    Invalid {
        /// Which one, counted from 1.
        number: usize,
        /// Why.
        #[source]
        cause: serde_json::Error,
    },
}

/// Reads one rule or a list of rules from YAML or JSON.
///
/// ```
/// let rules = aep_emulator::read_rules("
/// - method: POST
///   route: /connections
///   nth: [1]
///   action: {kind: refuse, as: rateLimited, retryAfter: 12}
/// ")?;
/// assert_eq!(rules[0].action.kind(), "refuse");
/// # Ok::<(), aep_emulator::RulesError>(())
/// ```
///
/// # Errors
///
/// [`RulesError`] says what is wrong, and in which rule.
pub fn read_rules(text: &str) -> Result<Vec<Rule>, RulesError> {
    // JSON is tried first. YAML includes JSON except for tabs, and JSON may be indented with tabs.
    let read: Value = match serde_json::from_str(text) {
        Ok(read) => read,
        Err(_) => serde_saphyr::from_str(text).map_err(RulesError::Unreadable)?,
    };
    let rules = match read {
        Value::Array(rules) => rules,
        // A file whose rules are all commented out.
        Value::Null => Vec::new(),
        rule => vec![rule],
    };
    (1..)
        .zip(rules)
        .map(|(number, rule)| {
            Rule::deserialize(rule).map_err(|cause| RulesError::Invalid { number, cause })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json_say_the_same() {
        let yaml =
            "- route: /flows\n  count: 2\n  action: {kind: reset, at: afterBody, applied: true}\n";
        let json = "[\n\t{\"route\": \"/flows\", \"count\": 2,\n\t\"action\": {\"kind\": \"reset\", \"at\": \"afterBody\", \"applied\": true}}\n]";
        assert_eq!(read_rules(yaml).unwrap(), read_rules(json).unwrap());
        let one = "route: /flows\ncount: 2\naction: {kind: reset, at: afterBody, applied: true}\n";
        assert_eq!(read_rules(one).unwrap(), read_rules(yaml).unwrap());
        assert_eq!(read_rules("# none yet\n").unwrap(), []);
    }

    #[test]
    fn an_error_names_the_rule() {
        let error = read_rules("- action: {kind: pass}\n- action: {kind: explode}\n").unwrap_err();
        assert!(error.to_string().starts_with("rule 2 "), "{error}");
        let error = read_rules("- action: {kind: [").unwrap_err();
        assert!(matches!(error, RulesError::Unreadable(_)), "{error}");
    }
}
