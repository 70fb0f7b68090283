//! Identifiers of a child or young person and their check characters.

/// The alphabet of UPN check letters; it leaves out the letters that look like digits.
const UPN_LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";

/// Stands for a learner whose number is not yet known; it has no valid check digit.
const TEMPORARY_ULN: &str = "9999999999";

/// Whether a unique pupil number has its shape and its check letter.
///
/// Thirteen characters: the check letter, three digits of authority, four of establishment, two of
/// year and three of serial, of which the last may be a letter in a temporary number. The digits
/// after the check letter weigh 2 to 13; their sum modulo 23 names the letter.
pub fn is_upn(text: &str) -> bool {
    let characters = text.as_bytes();
    let [check, numbered @ ..] = characters else {
        return false;
    };
    if numbered.len() != 12 || !numbered[..11].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let value = |character: &u8| match character {
        b'0'..=b'9' => Some(u32::from(character - b'0')),
        letter => UPN_LETTERS
            .iter()
            .position(|known| known == letter)
            .map(|index| index as u32),
    };
    let weighted: Option<u32> = numbered
        .iter()
        .zip(2..)
        .map(|(character, weight)| value(character).map(|v| v * weight))
        .sum();
    weighted.is_some_and(|sum| UPN_LETTERS[(sum % 23) as usize] == *check)
}

/// Whether an NHS number has ten digits and its check digit.
///
/// The first nine weigh 10 to 2; the check is eleven less the sum modulo eleven, eleven counts as
/// nought, and ten means that no such number exists.
pub fn is_nhs_number(text: &str) -> bool {
    let Some((digits, check)) = ten_digits(text) else {
        return false;
    };
    match 11 - weighted_modulo_11(&digits) {
        11 => check == 0,
        10 => false,
        expected => check == expected,
    }
}

/// Whether a unique learner number has ten digits, no leading nought, and its check digit.
///
/// The first nine weigh 10 to 2; the check is ten less the sum modulo eleven, and a sum that
/// leaves nothing means that no such number exists. The temporary number of ten nines is valid.
pub fn is_uln(text: &str) -> bool {
    if text == TEMPORARY_ULN {
        return true;
    }
    let Some((digits, check)) = ten_digits(text) else {
        return false;
    };
    if digits[0] == 0 {
        return false;
    }
    match weighted_modulo_11(&digits) {
        0 => false,
        remainder => check == 10 - remainder,
    }
}

fn ten_digits(text: &str) -> Option<([u32; 9], u32)> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut digits = [0; 9];
    for (digit, byte) in digits.iter_mut().zip(bytes) {
        *digit = u32::from(byte - b'0');
    }
    Some((digits, u32::from(bytes[9] - b'0')))
}

fn weighted_modulo_11(digits: &[u32; 9]) -> u32 {
    digits
        .iter()
        .zip((2..=10).rev())
        .map(|(digit, weight): (&u32, u32)| digit * weight)
        .sum::<u32>()
        % 11
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upn_vectors() {
        for valid in ["A950000178301", "H243278544154", "D885200024001", "T885200024002"] {
            assert!(is_upn(valid), "{valid}");
        }
        for invalid in [
            "R247962919251",
            "a950000178301",
            "A95000017830",
            "A9500001783011",
            "A95000017830I",
            "",
            "é95000017830",
        ] {
            assert!(!is_upn(invalid), "{invalid}");
        }
    }

    #[test]
    fn a_temporary_upn_ends_in_a_letter() {
        let valid = "ABCDEFGHJKLMNPQRTUVWXYZ"
            .chars()
            .filter(|c| is_upn(&format!("{c}8852000240 1A").replace(' ', "")));
        assert_eq!(valid.count(), 1, "exactly one check letter fits");
    }

    #[test]
    fn nhs_number_vectors() {
        for valid in ["9434765919", "9990000018", "9990000026"] {
            assert!(is_nhs_number(valid), "{valid}");
        }
        assert!(
            !(0..10).any(|check| is_nhs_number(&format!("999000000{check}"))),
            "no digit fits"
        );
        assert!(!is_nhs_number("943 476 5919") && !is_nhs_number("9434765918"));
    }

    #[test]
    fn uln_vectors() {
        // The check digit of 100000004 is 7, so 1000000043 has sum remainder 7 and ends in 3.
        assert!(is_uln("1000000043"));
        assert!(is_uln("9999999999"));
        assert!(!is_uln("1000000063") && !is_uln("0000000043") && !is_uln("100000004"));
    }

    #[test]
    fn one_wrong_digit_is_always_noticed() {
        for (valid, check) in [
            ("9434765919", is_nhs_number as fn(&str) -> bool),
            ("1000000043", is_uln),
            ("H243278544154", is_upn),
        ] {
            for at in 1..valid.len() {
                for digit in b'0'..=b'9' {
                    let mut changed = valid.as_bytes().to_vec();
                    if changed[at] != digit && changed[at].is_ascii_digit() {
                        changed[at] = digit;
                        assert!(!check(std::str::from_utf8(&changed).unwrap()), "{valid} at {at}");
                    }
                }
            }
        }
    }
}
