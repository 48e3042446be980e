//! Check digits (GS1 General Specifications 7.9.1) and check character pairs (7.9.5).

use super::charset;

/// The check digit of a key written without it: modulo 10, weights 3 and 1 from the right
/// (GS1 General Specifications 7.9.1). `None` when `digits` is empty or holds a non-digit.
pub fn check_digit(digits: &str) -> Option<u8> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Taken modulo 10 at each step, so that no length of input can overflow.
    let sum = digits.bytes().rev().enumerate().fold(0u8, |sum, (place, byte)| {
        let weight = if place % 2 == 0 { 3 } else { 1 };
        (sum + (byte - b'0') * weight) % 10
    });
    Some((10 - sum) % 10)
}

/// Whether the last digit of `key` is the check digit of the digits before it. False for anything
/// but two or more digits.
pub fn valid_check_digit(key: &str) -> bool {
    let Some(last) = key.bytes().last().filter(u8::is_ascii_digit) else {
        return false;
    };
    check_digit(&key[..key.len() - 1]) == Some(last - b'0')
}

/// Weights of the check character pair, applied from the right.
const PAIR_WEIGHTS: [u32; 23] =
    [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83];
/// The 32 characters that a check character pair is written with.
const PAIR_CHARACTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// The check character pair of an alphanumeric key written without it, as a Global Model Number
/// has one (GS1 General Specifications 7.9.5). `None` when `text` is empty, longer than 23
/// characters or holds a character outside set 82.
pub fn check_pair(text: &str) -> Option<String> {
    if text.is_empty() || text.len() > PAIR_WEIGHTS.len() {
        return None;
    }
    let mut sum = 0;
    for (byte, weight) in text.bytes().rev().zip(PAIR_WEIGHTS) {
        sum += charset::value_in_82(byte)? * weight;
    }
    let pair = sum % 1021;
    let letter = |index: u32| char::from(PAIR_CHARACTERS[(index & 31) as usize]);
    Some([letter(pair >> 5), letter(pair)].iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example_of_the_general_specifications_gets_its_check_digit() {
        assert_eq!(check_digit("37610425002123456"), Some(9));
        assert_eq!(check_digit("629104150021"), Some(3));
        assert!(valid_check_digit("6291041500213"));
        assert!(!valid_check_digit("6291041500214"));
    }

    #[test]
    fn a_sum_that_is_a_multiple_of_ten_gives_zero() {
        assert_eq!(check_digit("0000000000000"), Some(0));
        assert_eq!(check_digit("401234598765"), Some(2));
        assert_eq!(check_digit("40123459876540000"), Some(0));
    }

    #[test]
    fn what_is_not_digits_has_no_check_digit() {
        assert_eq!(check_digit(""), None);
        assert_eq!(check_digit("12a"), None);
        assert!(!valid_check_digit("7"));
        assert!(!valid_check_digit(""));
        assert!(!valid_check_digit("1é"));
    }

    #[test]
    fn the_worked_example_of_a_model_number_gets_its_check_characters() {
        assert_eq!(check_pair("1987654Ad4X4bL5ttr2310c").as_deref(), Some("2K"));
        assert_eq!(check_pair(""), None);
        assert_eq!(check_pair("a b"), None);
    }
}
