//! Text keys that sort as the decimal numbers do that they stand for, exactly and without a float.

/// Decimal exponents beyond this are not keyed: no amount of goods needs them.
const EXPONENT_MAX: i32 = 400;
/// Digits beyond this are not keyed.
const DIGITS_MAX: usize = 64;

/// The sort key of a decimal number (`12`, `-0.50`, `1.5e3`); none if the text is no number or out
/// of bounds. Numbers that are equal have equal keys, whatever their lexemes.
///
/// Layout: `1` for zero; for a positive number `2`, the exponent + 500 in three digits, the
/// significant digits without trailing zeros; for a negative one `0`, both in nines' complement,
/// and `~`, which sorts after every digit.
pub(crate) fn decimal_key(text: &str) -> Option<String> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], unsigned[at + 1..].parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    if whole.len() > DIGITS_MAX || fraction.len() > DIGITS_MAX {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Some("1".to_owned());
    }
    let leading = i32::try_from(digits.len() - significant.len()).ok()?;
    let magnitude = i32::try_from(whole.len()).ok()?.checked_sub(leading)?.checked_add(exponent)?;
    if magnitude.abs() > EXPONENT_MAX {
        return None;
    }
    let body = format!("{:03}{}", magnitude + 500, significant.trim_end_matches('0'));
    Some(if negative {
        let complement: String =
            body.bytes().map(|digit| char::from(b'0' + (b'9' - digit))).collect();
        format!("0{complement}~")
    } else {
        format!("2{body}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lexemes_of_one_number_have_one_key() {
        for (one, other) in [("1", "1.00"), ("0", "-0.0"), ("1.5e3", "1500"), ("0.05", "5E-2")] {
            assert_eq!(decimal_key(one), decimal_key(other), "{one} {other}");
            assert!(decimal_key(one).is_some());
        }
    }

    #[test]
    fn what_is_no_number_has_no_key() {
        for text in ["", "-", "abc", "1.2.3", "1e", "1e999", "NaN", ".5", "１"] {
            assert_eq!(decimal_key(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn keys_sort_as_the_numbers_do(
            a in -10_000_000_i64..10_000_000, a_scale in 0_u32..6,
            b in -10_000_000_i64..10_000_000, b_scale in 0_u32..6,
        ) {
            let one = rust_decimal::Decimal::new(a, a_scale);
            let other = rust_decimal::Decimal::new(b, b_scale);
            let (key, other_key) =
                (decimal_key(&one.to_string()).unwrap(), decimal_key(&other.to_string()).unwrap());
            prop_assert_eq!(key.cmp(&other_key), one.cmp(&other));
        }
    }
}
