//! Addresses and networks as a setting names them, such as `10.0.0.0/8, 192.0.2.7`.

use std::net::IpAddr;

use ipnet::IpNet;

/// Some addresses. None by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Reads addresses and networks with commas between them, or nothing where one is neither.
    pub fn parse(text: &str) -> Option<Networks> {
        let each = text.split(',').map(str::trim);
        each.map(|one| {
            let network = one.parse::<IpNet>().ok();
            network.or_else(|| one.parse::<IpAddr>().ok().map(IpNet::from))
        })
        .collect::<Option<Vec<IpNet>>>()
        .map(Networks)
    }

    /// An IPv4 address that is written as one of IPv6 is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_may_be_mixed() {
        let networks = Networks::parse("10.0.0.0/8, 192.0.2.7,2001:db8::/32").unwrap();
        for (address, expected) in [
            ("10.255.1.2", true),
            ("::ffff:10.1.2.3", true),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("2001:db8:1::9", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(networks.contains(address.parse().unwrap()), expected, "{address}");
        }
        for text in [
            "",
            "10.0.0.0/33",
            "proxy.internal",
            "10.0.0.1,",
            "10.0.0.0/8 192.0.2.7",
        ] {
            assert_eq!(Networks::parse(text), None, "{text}");
        }
    }
}
