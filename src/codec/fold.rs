//! Names and addresses in the form in which they are counted: what one guesser could write in many
//! ways is one.

use std::net::{IpAddr, Ipv6Addr};

use unicode_normalization::UnicodeNormalization;

/// One form for all ways to write a name. Django makes names NFKC when they are made and typed into
/// forms, and a project may look them up without regard to case (e-mail addresses, a NOCASE column,
/// `iexact`, which is UPPER() in PostgreSQL): each spelling would be another handful of guesses at
/// one account. That two accounts which differ in case only share a counter is the lesser evil.
pub(crate) fn folded(name: &str) -> String {
    let cut = name.chars().take(LONGEST_NAME);
    // Lower case alone keeps ß and ſ apart from ss and s, upper case alone ẞ.
    let upper = cut.nfkc().flat_map(char::to_lowercase).flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase).nfkc().collect()
}

/// IPv6 by its first 64 bits: that is the least that a subscriber gets (RFC 6177 §2), so one client has
/// all of the rest to change between. An IPv4 address that a dual-stack socket shows as IPv6 is itself:
/// all of them are in one /64.
pub(crate) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// A name that is longer cannot be a user's (254 characters, of at most four before NFKC); those that
/// begin alike share a counter, so that the work is bounded.
const LONGEST_NAME: usize = 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_ipv6_network_of_64_bits_is_one_address_and_ipv4_in_ipv6_is_ipv4() {
        for (address, key) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::", "2001:db8:1:3::/64"),
            ("::1", "::/64"),
        ] {
            assert_eq!(network(address.parse().unwrap()), key);
        }
    }

    #[test]
    fn a_name_without_end_costs_no_more_than_a_long_one() {
        let long = "\u{fdfa}".repeat(100_000);
        assert_eq!(folded(&long), folded(&"\u{fdfa}".repeat(LONGEST_NAME)));
        // Decomposed as far as it goes, the longest name of a user is looked at whole.
        let longest: String = "\u{1fb7}".repeat(254).nfkd().collect();
        assert!(longest.chars().count() <= LONGEST_NAME);
    }

    proptest! {
        #[test]
        fn a_fold_is_the_same_for_every_form_of_a_name(name in "\\PC{0,20}") {
            let fold = folded(&name);
            prop_assert_eq!(&folded(&name.nfc().collect::<String>()), &fold);
            prop_assert_eq!(&folded(&name.nfd().collect::<String>()), &fold);
            prop_assert_eq!(&folded(&name.nfkc().collect::<String>()), &fold);
            prop_assert_eq!(&folded(&name.nfkd().collect::<String>()), &fold);
        }

        #[test]
        fn a_fold_is_the_same_in_every_case(name in "[\\p{Latin}\\p{Greek}\\p{Cyrillic}0-9@.+_-]{0,20}") {
            prop_assert_eq!(folded(&name.to_uppercase()), folded(&name));
            prop_assert_eq!(folded(&name.to_lowercase()), folded(&name));
        }
    }
}
