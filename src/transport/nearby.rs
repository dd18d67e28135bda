//! Which hosts stand in the user's own house or network, so that what goes there
//! in the clear does not cross the internet. Pure: names are judged as they are
//! written, and nobody is asked what they stand for.

use std::net::{IpAddr, Ipv4Addr};

/// Names that are given out within a house or network only: by multicast DNS,
/// by routers, and by the registries that keep them free for that.
const LOCAL_ENDINGS: [&str; 5] = ["local", "localhost", "lan", "internal", "home.arpa"];

/// Whether `host`, in lower case and as a URL has it, can't be on the internet.
pub(super) fn is_nearby(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => is_nearby_v4(address),
        Ok(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(mapped) => is_nearby_v4(mapped),
            None => {
                address.is_loopback()
                    || address.is_unspecified()
                    || address.is_unique_local()
                    || address.is_unicast_link_local()
            }
        },
        Err(_) => is_local_name(bare.trim_end_matches('.')),
    }
}

fn is_nearby_v4(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_unspecified() || address.is_private() || address.is_link_local()
}

/// A name of one word is looked up in the network's own domain.
fn is_local_name(name: &str) -> bool {
    let ends_so = |ending: &str| name.strip_suffix(ending).is_some_and(|rest| rest.ends_with('.'));
    !name.contains('.') || LOCAL_ENDINGS.into_iter().any(ends_so)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_house_is_told_from_what_is_on_the_internet() {
        for near in [
            "localhost",
            "hub",
            "hub.",
            "hub.local",
            "hub.local.",
            "a.b.lan",
            "hub.home.arpa",
            "x.internal",
            "x.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.178.20",
            "169.254.1.1",
            "[::1]",
            "[::]",
            "[fd00::1]",
            "[fe80::1]",
            "[::ffff:192.168.0.1]",
        ] {
            assert!(is_nearby(near), "{near}");
        }
        for far in [
            "example.com",
            "local.example.com",
            "mylocal.com",
            "hub.xlocal",
            "home.arpa.com",
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.1.1",
            "100.64.0.1",
            "[2001:db8::1]",
            "[::ffff:8.8.8.8]",
            "[fec0::1]",
        ] {
            assert!(!is_nearby(far), "{far}");
        }
    }
}
