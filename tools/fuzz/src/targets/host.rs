//! A host that the validation let through, read a second time by the URL standard.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Fails for a host that leads to this machine or to a link.
#[track_caller]
pub(super) fn assert_leads_away(host: &str) {
    let address = if host.contains("://") {
        host.to_owned()
    } else {
        format!("https://{host}")
    };
    let url = Url::parse(&address).unwrap_or_else(|error| panic!("no URL: {error}"));
    assert_eq!(url.scheme(), "https");
    assert!(url.username().is_empty() && url.password().is_none());
    assert_eq!((url.path(), url.query(), url.fragment()), ("/", None, None));
    match url.host().expect("an https URL has one") {
        Host::Domain(domain) => {
            let domain = domain.trim_end_matches('.');
            assert!(domain != "localhost" && !domain.ends_with(".localhost"));
        }
        Host::Ipv4(address) => assert_is_elsewhere(address.into()),
        Host::Ipv6(address) => assert_is_elsewhere(address.into()),
    }
}

fn assert_is_elsewhere(address: IpAddr) {
    let v4 = match address {
        IpAddr::V4(v4) => Some(v4),
        IpAddr::V6(v6) => {
            let is_local = v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local();
            assert!(!is_local, "{v6} is near");
            v4_within(v6)
        }
    };
    if let Some(v4) = v4 {
        let is_local = v4.is_loopback() || v4.is_unspecified() || v4.is_link_local();
        assert!(!is_local, "{address} is near");
    }
}

/// The IPv4 address within an IPv6 address. Source: RFC 4291 (mapped, compatible), RFC 6052
/// (NAT64), read 2026-11.
fn v4_within(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let octets = address.octets();
    let last = Ipv4Addr::new(octets[12], octets[13], octets[14], octets[15]);
    match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(last),
        _ => None,
    }
}
