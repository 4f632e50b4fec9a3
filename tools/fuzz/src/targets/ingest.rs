//! The whole input of an ingestion: strict reading, then validation.

use aep_flow_proto::{
    read,
    v1::IngestOracleServiceCloudInput,
    validate::{self, Rules},
};

use super::host::assert_leads_away;
use super::input::{assert_fit_violation, has_only_secret_canaries, to_json};
use crate::oracle::assert_fit;

pub(super) fn check(input: &[u8]) {
    let secret = has_only_secret_canaries(input);
    let message: IngestOracleServiceCloudInput = match read::from_json(input) {
        Ok(message) => message,
        Err(error) => return assert_fit(&format!("{error}\n{error:?}"), secret),
    };
    let rules = Rules::default();
    let checked = validate::ingest(&message, rules);
    assert_eq!(checked, validate::ingest(&message, rules), "checked twice");
    match checked {
        Err(violations) => {
            assert!(!violations.is_empty(), "refused for nothing");
            violations
                .iter()
                .for_each(|each| assert_fit_violation(each, secret));
        }
        Ok(()) => {
            let json = to_json(&message).expect("what is valid can be written");
            let again = read::from_json(&json);
            assert_eq!(again.as_ref(), Ok(&message), "JSON round trip");
            let connection = message.connection.as_ref().expect("demanded");
            assert_leads_away(&connection.host);
        }
    }
}
