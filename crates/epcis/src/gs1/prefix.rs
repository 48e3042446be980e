//! Lengths of GS1 company prefixes, which EPC URNs need and nothing in a key tells.
//!
//! The lengths are not what examples suggest: most read 9506000 as a prefix of seven digits, the
//! list of October 2026 gives that block eleven.

use std::sync::OnceLock;

/// Facts from GS1's list of company-prefix lengths (GCPFormatList, state of 2026-10-25; 170 843
/// prefixes), in our own encoding.
///
/// The 12-digit numbers are cut into runs of one length each, `0` for "not allocated or not usable
/// as a prefix". A run is one LEB128 number: ((distance from the last start, without its trailing
/// zeros) × 13 + how many zeros were cut off) × 8 + code of the length, where code 0 means no length
/// and code c means 5 + c digits. `tests/gs1_tables.rs` writes the file from the list.
const ENCODED: &[u8] = include_bytes!("prefixes.bin");

/// Digits that the list distinguishes.
const DIGITS: u32 = 12;

/// Start of a run in the upper bits, length of the prefixes in it in the lower four.
fn runs() -> &'static [u64] {
    static RUNS: OnceLock<Vec<u64>> = OnceLock::new();
    RUNS.get_or_init(|| decode(ENCODED))
}

fn decode(encoded: &[u8]) -> Vec<u64> {
    let mut runs = Vec::with_capacity(encoded.len() / 2);
    let (mut start, mut word, mut shift) = (0u64, 0u64, 0u32);
    for byte in encoded {
        word |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            let (code, rest) = (word & 7, word >> 3);
            start += rest / 13 * 10u64.pow((rest % 13) as u32);
            let length = if code == 0 { 0 } else { code + 5 };
            runs.push(start << 4 | length);
            (word, shift) = (0, 0);
        }
    }
    runs
}

/// Length of the GS1 company prefix that `key` begins with, from a list of October 2026. `key` is
/// the digits of a key from its company prefix on (for a GTIN-14 without its first digit); twelve
/// are looked at.
///
/// `None` when the prefix is not in the list, or when `key` is too short to tell.
pub fn prefix_length(key: &str) -> Option<u8> {
    let digits: &str = match key.bytes().position(|b| !b.is_ascii_digit()) {
        Some(end) => &key[..end],
        None => key,
    };
    let digits = &digits[..digits.len().min(DIGITS as usize)];
    let missing = DIGITS - digits.len() as u32;
    let first = digits.parse::<u64>().ok()? * 10u64.pow(missing);
    let last = first + 10u64.pow(missing) - 1;
    let runs = runs();
    // All keys that begin with these digits must lie in one run, else the length is undecided.
    let after = runs.partition_point(|run| run >> 4 <= first);
    if runs.get(after).is_some_and(|run| run >> 4 <= last) {
        return None;
    }
    let length = (runs.get(after.checked_sub(1)?)? & 15) as u8;
    (length > 0 && usize::from(length) <= digits.len()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_come_from_the_list() {
        assert_eq!(prefix_length("0614141123452"), Some(7));
        assert_eq!(prefix_length("9506000134352"), Some(11));
        assert_eq!(prefix_length("999999999999"), None);
        assert_eq!(prefix_length(""), None);
        assert_eq!(prefix_length("abc"), None);
        assert_eq!(prefix_length("95"), None);
    }
}
