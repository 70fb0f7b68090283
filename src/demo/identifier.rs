//! Made-up identifiers that pass every check and belong to nobody.

/// Valid by its check letter, of an establishment that does not exist.
pub fn upn(number: u32, first_year: i32) -> String {
    const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
    let establishment = 9900 + number / 1000 % 100;
    let year = first_year.rem_euclid(100);
    let digits = format!("885{establishment:04}{year:02}{:03}", number % 1000);
    let sum: u32 = digits
        .bytes()
        .zip(2..)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    format!("{}{digits}", char::from(LETTERS[(sum % 23) as usize]))
}

/// Of the range that is kept for tests, valid by its check digit.
pub fn nhs_number(number: u32) -> String {
    let mut candidates = (0..).filter_map(|step| {
        // Some nine digits have no check digit; twenty places each are enough to step over them.
        let digits = format!("999{:06}", (number * 20 + step) % 1_000_000);
        match 11 - weighted_modulo_11(&digits) {
            11 => Some(format!("{digits}0")),
            10 => None,
            check => Some(format!("{digits}{check}")),
        }
    });
    candidates.next().unwrap_or_default()
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
        for number in (0..3_000).chain(49_000..50_000) {
            let (upn, nhs_number, uln) = (upn(number, 2019), nhs_number(number), uln(number));
            assert!(is_upn(&upn), "{upn}");
            assert!(
                is_nhs_number(&nhs_number) && nhs_number.starts_with("999"),
                "{nhs_number}"
            );
            assert!(is_uln(&uln), "{uln}");
            assert!(seen.insert(upn) && seen.insert(nhs_number), "{number}");
        }
    }
}
