//! Made-up identifiers that pass every check and belong to nobody.

/// Valid by its check letter, of an establishment that does not exist; there are enough for 100,000
/// children.
pub fn upn(number: u32, first_year: i32) -> Option<String> {
    const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
    if number >= 100_000 {
        return None;
    }
    let establishment = 9900 + number / 1000;
    let year = first_year.rem_euclid(100);
    let digits = format!("885{establishment:04}{year:02}{:03}", number % 1000);
    let sum: u32 = digits
        .bytes()
        .zip(2..)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    Some(format!("{}{digits}", char::from(LETTERS[(sum % 23) as usize])))
}

/// Of the range that is kept for tests, valid by its check digit; there are enough for 900,000 children.
pub fn nhs_number(number: u32) -> Option<String> {
    // Of ten neighbouring numbers of nine digits at most one has no check digit.
    let (ten, place) = (number / 9, number as usize % 9);
    if ten >= 100_000 {
        return None;
    }
    let mut candidates = (0..10).filter_map(|last| {
        let digits = format!("999{ten:05}{last}");
        match 11 - weighted_modulo_11(&digits) {
            11 => Some(format!("{digits}0")),
            10 => None,
            check => Some(format!("{digits}{check}")),
        }
    });
    candidates.nth(place)
}

/// Valid by its check digit, from the lowest numbers there are.
pub fn uln(number: u32) -> String {
    let mut candidates = (0..).filter_map(|step| {
        let digits = (100_000_004 + number * 20 + step).to_string();
        match weighted_modulo_11(&digits) {
            0 => None,
            remainder => Some(format!("{digits}{}", 10 - remainder)),
        }
    });
    candidates.next().unwrap_or_default()
}

fn weighted_modulo_11(nine_digits: &str) -> u32 {
    let digits = nine_digits.bytes().map(|digit| u32::from(digit - b'0'));
    digits
        .zip((2..=10).rev())
        .map(|(digit, weight): (u32, u32)| digit * weight)
        .sum::<u32>()
        % 11
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::casework::identifier::{is_nhs_number, is_uln, is_upn};

    #[test]
    fn numbers_are_valid_and_each_childs_own() {
        let mut seen = HashSet::new();
        for number in (0..3_000).chain(99_000..100_000) {
            let (upn, nhs_number) = (upn(number, 2019).unwrap(), nhs_number(number).unwrap());
            let uln = uln(number);
            assert!(is_upn(&upn), "{upn}");
            assert!(
                is_nhs_number(&nhs_number) && nhs_number.starts_with("999"),
                "{nhs_number}"
            );
            assert!(is_uln(&uln), "{uln}");
            assert!(
                seen.insert(upn) && seen.insert(nhs_number) && seen.insert(uln),
                "{number}"
            );
        }
    }

    #[test]
    fn children_beyond_the_numbers_there_are_have_none() {
        assert!(nhs_number(899_999).is_some_and(|last| is_nhs_number(&last)));
        assert_eq!(nhs_number(900_000), None);
        assert_eq!(upn(100_000, 2019), None);
    }
}
