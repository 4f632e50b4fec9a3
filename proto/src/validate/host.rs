//! The host of a source: its name, or the `https` URL of it.
//!
//! Adobe's tutorial calls the parameter the host URL of the instance, and shows
//! neither form; both are let through, and go out as they were written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::{findings::Findings, limits::Rules};
use crate::wording::shown;

const EXPECTED: &str = "a host name such as `acme.custhelp.com`, or `https://` and that name";

/// Longest name that the domain name system can hold, in characters.
const MAX_HOST_CHARS: usize = 253;

pub(super) fn host(findings: &mut Findings, field: &str, written: &str, rules: Rules) {
    if written.is_empty() {
        return findings.note(field, "nothing", EXPECTED);
    }
    let chars = written.chars().count();
    if chars > MAX_HOST_CHARS + "https://".len() {
        return findings.note(field, format!("{chars} characters"), EXPECTED);
    }
    if written
        .chars()
        .any(|each| each.is_control() || each.is_whitespace())
    {
        return findings.note(field, "a space or control character", EXPECTED);
    }
    let name = match written.split_once("://") {
        None => written,
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => rest,
        Some((scheme, _)) => {
            return findings.note(field, format!("the scheme `{}`", shown(scheme)), EXPECTED);
        }
    };
    // User information may hold a password, so nothing before an `@` is shown.
    if name.contains('@') {
        return findings.note(field, "user information before `@`", EXPECTED);
    }
    for (sign, what) in [
        ('/', "a path"),
        ('\\', "a path"),
        ('?', "a query"),
        ('#', "a fragment"),
    ] {
        if name.contains(sign) {
            return findings.note(field, what, EXPECTED);
        }
    }
    match Host::parse(name) {
        Ok(Host::Domain(domain)) if is_domain_name(&domain) => {
            if is_local_name(&domain) && !rules.allow_local_hosts {
                findings.note(field, "a loopback name", EXPECTED);
            }
        }
        Ok(Host::Ipv4(address)) => reachable(findings, field, IpAddr::V4(address), rules),
        Ok(Host::Ipv6(address)) => reachable(findings, field, IpAddr::V6(address), rules),
        Ok(Host::Domain(_)) | Err(_) => {
            findings.note(field, format!("`{}`", shown(name)), EXPECTED);
        }
    }
}

/// Checks the host of any source, which may have a port behind it.
pub fn source_host(findings: &mut Findings, field: &str, written: &str, rules: Rules) {
    match written.rsplit_once(':') {
        // In an IPv6 address, the last colon comes before a port only if the address is in
        // brackets.
        Some((name, port)) if is_port(port) && (name.ends_with(']') || !is_v6(written)) => {
            host(findings, field, name, rules);
        }
        _ => host(findings, field, written, rules),
    }
}

/// Checks the address of any source: a scheme, a host, and what may follow.
pub fn source_url(findings: &mut Findings, field: &str, written: &str, rules: Rules) {
    const EXPECTED: &str = "an address such as `https://acme.example.com`";
    // It may contain a secret, so it is not shown.
    let Ok(url) = Url::parse(written) else {
        return findings.note(field, "something that is no address", EXPECTED);
    };
    if !url.username().is_empty() || url.password().is_some() {
        return findings.note(field, "user information before `@`", EXPECTED);
    }
    match url.host_str() {
        None => findings.note(field, "an address without a host", EXPECTED),
        Some(name) => host(findings, field, name, rules),
    }
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_v6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

fn reachable(findings: &mut Findings, field: &str, address: IpAddr, rules: Rules) {
    if rules.allow_local_hosts {
        return;
    }
    let mapped = match address {
        IpAddr::V6(v6) => v4_within(v6).map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    let local = match mapped {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified(),
    };
    if local {
        findings.note(field, "a loopback or link-local address", EXPECTED);
    }
}

/// The IPv4 address that an IPv6 address leads to.
///
/// Source: RFC 4291, 2.5.5 (mapped, and compatible, of which `::` and `::1` are none), and
/// RFC 6052, 2.1 (through a translator), read 2026-11.
fn v4_within(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            Some(Ipv4Addr::new(a, b, c, d))
        }
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        _ => address.to_ipv4(),
    }
}

fn is_local_name(domain: &str) -> bool {
    let domain = domain.trim_end_matches('.');
    domain == "localhost" || domain.ends_with(".localhost")
}

fn is_domain_name(domain: &str) -> bool {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    domain.len() <= MAX_HOST_CHARS
        && domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|each| each.is_ascii_alphanumeric() || each == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_any_source_is_held_to_the_same() {
        type Check = fn(&mut Findings, &str, &str, Rules);
        let cases: [(Check, &str, bool); 14] = [
            (source_host, "db.example.com", true),
            (source_host, "db.example.com:5432", true),
            (source_host, "https://db.example.com:443", true),
            (source_host, "[2001:db8::1]:443", true),
            (source_host, "db.example.com:0", false),
            (source_host, "localhost:5432", false),
            (source_host, "[::1]:443", false),
            (source_host, "127.0.0.1:5432", false),
            (source_url, "https://acme.example.com/api?x=1", true),
            (source_url, "http://acme.example.com:8080", true),
            (source_url, "acme.example.com", false),
            (source_url, "https://u:p@acme.example.com", false),
            (source_url, "https://[::ffff:127.0.0.1]/", false),
            (source_url, "https://169.254.169.254/latest", false),
        ];
        for (check, written, is_good) in cases {
            let mut findings = Findings::default();
            check(&mut findings, "host", written, Rules::default());
            assert_eq!(findings.into_result().is_ok(), is_good, "{written}");
        }
    }

    fn found(written: &str) -> Option<String> {
        let mut findings = Findings::default();
        host(&mut findings, "host", written, Rules::default());
        findings.into_result().err().map(|all| all[0].found.clone())
    }

    #[test]
    fn both_documented_forms_pass() {
        for good in [
            "acme.custhelp.com",
            "https://acme.custhelp.com",
            "HTTPS://acme.custhelp.com",
            "acme--tst1.custhelp.com",
            "münchen.example",
            "192.0.2.7",
            "[2001:db8::7]",
        ] {
            assert_eq!(found(good), None, "{good}");
        }
    }

    #[test]
    fn everything_else_is_refused_by_name() {
        let long = "a".repeat(300);
        for (bad, expected) in [
            ("", "nothing"),
            ("http://acme.custhelp.com", "the scheme `http`"),
            ("ftp://acme.custhelp.com", "the scheme `ftp`"),
            ("https://acme.custhelp.com/services", "a path"),
            ("acme.custhelp.com/", "a path"),
            ("acme.custhelp.com?x=1", "a query"),
            ("acme.custhelp.com#x", "a fragment"),
            (
                "https://user:hunter2@acme.custhelp.com",
                "user information before `@`",
            ),
            ("acme custhelp.com", "a space or control character"),
            ("acme.custhelp.com\n", "a space or control character"),
            ("acme\u{7}.custhelp.com", "a space or control character"),
            ("localhost", "a loopback name"),
            ("api.localhost.", "a loopback name"),
            ("127.0.0.1", "a loopback or link-local address"),
            ("0x7f.1", "a loopback or link-local address"),
            ("2130706433", "a loopback or link-local address"),
            ("[::1]", "a loopback or link-local address"),
            ("[::ffff:127.0.0.1]", "a loopback or link-local address"),
            ("[::127.0.0.1]", "a loopback or link-local address"),
            (
                "[64:ff9b::169.254.169.254]",
                "a loopback or link-local address",
            ),
            ("169.254.169.254", "a loopback or link-local address"),
            ("[fe80::1]", "a loopback or link-local address"),
            ("0.0.0.0", "a loopback or link-local address"),
            ("-acme.custhelp.com", "`-acme.custhelp.com`"),
            ("acme..com", "`acme..com`"),
            ("acme.custhelp.com:8443", "`acme.custhelp.com:8443`"),
            (long.as_str(), "300 characters"),
        ] {
            assert_eq!(found(bad).as_deref(), Some(expected), "{bad}");
        }
    }

    #[test]
    fn a_local_host_passes_where_configuration_allows_it() {
        let mut findings = Findings::default();
        let rules = Rules {
            allow_local_hosts: true,
        };
        host(&mut findings, "host", "127.0.0.1", rules);
        host(&mut findings, "host", "localhost", rules);
        assert_eq!(findings.into_result(), Ok(()));
    }
}
