//! The connection alone, and above all its host: a host that passes leads neither to the loopback
//! nor to a link.

use aep_flow_proto::{
    read,
    v1::OracleServiceCloudConnection,
    validate::{self, Findings, Rules},
};

use super::host::assert_leads_away;
use super::input::{assert_fit_violation, has_only_secret_canaries};
use crate::oracle::assert_fit;

pub(super) fn check(input: &[u8]) {
    let secret = has_only_secret_canaries(input);
    let connection: OracleServiceCloudConnection = match read::from_json(input) {
        Ok(connection) => connection,
        Err(error) => return assert_fit(&error.to_string(), secret),
    };
    let mut findings = Findings::default();
    validate::connection(&mut findings, "", &connection, Rules::default());
    match findings.into_result() {
        Err(violations) => {
            violations
                .iter()
                .for_each(|each| assert_fit_violation(each, secret));
            if violations.iter().all(|each| each.field != "host") {
                assert_leads_away(&connection.host);
            }
        }
        Ok(()) => {
            assert_leads_away(&connection.host);
            assert!(connection.password.is_some(), "no password");
        }
    }
}
