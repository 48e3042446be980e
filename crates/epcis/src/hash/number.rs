//! Numbers in the normal form, worked on as decimal digits.

/// At most this many significant digits come through a binary64 number unchanged (IEEE 754).
const BINARY64_DIGITS: usize = 15;

/// Significant digits that the 2026 reference keeps of a number with a fraction.
const FRACTION_DIGITS: usize = 28;

/// Exponents beyond this are no measurements; such a text stays as it is, so that three characters
/// cannot ask for a megabyte of zeros.
const EXPONENT_MAX: i32 = 400;

/// A decimal number: sign, digits without leading or trailing zeros, and the power of ten of the
/// last digit. Zero has no digits.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i32,
}

/// The legacy form: the number went through a binary64 number. None where the text is no number.
///
/// Up to 15 digits this changes nothing but the notation. Beyond, digits are lost in the nearest
/// binary64 number; reading and printing one is exactly defined (nearest even, shortest digits),
/// hence the same on every machine. This is the only place where a float is touched.
pub(super) fn legacy(text: &str) -> Option<String> {
    let number = Decimal::parse(text)?;
    if number.digits.is_empty() {
        return Some("0".to_owned());
    }
    let number = if number.digits.len() > BINARY64_DIGITS || number.exponent.abs() > 200 {
        number.through_binary64()?
    } else {
        number
    };
    if number.digits.is_empty() {
        return Some("0".to_owned());
    }
    let last = i32::try_from(number.digits.len()).ok()? + number.exponent;
    // A whole number is printed in full, from its binary64 value, whose digits may go on.
    if number.exponent >= 0 {
        return if last > 15 { number.binary64_in_full() } else { Some(number.plain()) };
    }
    // The first digit's power of ten decides about the notation.
    if last - 1 < -4 { Some(number.scientific('e', 2)) } else { Some(number.plain()) }
}

/// The form since 2026: exact decimals. None where the text is no number.
pub(super) fn exact(text: &str) -> Option<String> {
    let plain = text.replace('_', "");
    let number = Decimal::parse(&plain)?;
    let sign = if number.negative { "-" } else { "" };
    if number.digits.is_empty() {
        return Some(format!("{sign}0"));
    }
    if number.exponent >= 0 {
        // A whole number written with an exponent keeps one.
        let wrote_exponent = plain.contains(['e', 'E']);
        let number = if wrote_exponent { number.scientific('E', 1) } else { number.plain() };
        return Some(number);
    }
    Some(number.rounded(FRACTION_DIGITS).plain())
}

impl Decimal {
    /// Reads what the reference takes for a number: sign, digits with single underscores between
    /// them, one point, an exponent.
    fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (negative, rest) = match bytes.first()? {
            b'-' => (true, &bytes[1..]),
            b'+' => (false, &bytes[1..]),
            _ => (false, bytes),
        };
        let cut = rest.iter().position(|b| matches!(b, b'e' | b'E'));
        let (mantissa, power) = match cut {
            Some(at) => (&rest[..at], exponent(&rest[at + 1..])?),
            None => (rest, 0),
        };
        let point = mantissa.iter().position(|b| *b == b'.');
        let (whole, fraction) = match point {
            Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
            None => (mantissa, &mantissa[..0]),
        };
        let mut digits = digits(whole)?;
        let fraction = self::digits(fraction)?;
        if digits.is_empty() && fraction.is_empty() {
            return None;
        }
        digits += &fraction;
        let exponent = power - i32::try_from(fraction.len()).ok()?;
        (exponent.abs() <= EXPONENT_MAX).then(|| Decimal::normal(negative, &digits, exponent))
    }

    fn normal(negative: bool, digits: &str, exponent: i32) -> Self {
        let kept = digits.trim_end_matches('0');
        let dropped = i32::try_from(digits.len() - kept.len()).unwrap_or(0);
        let kept = kept.trim_start_matches('0');
        let exponent = if kept.is_empty() { 0 } else { exponent + dropped };
        Decimal { negative, digits: kept.to_owned(), exponent }
    }

    /// The shortest decimal that names the nearest binary64 number; none where there is none.
    fn through_binary64(&self) -> Option<Self> {
        let value: f64 = format!("{}e{}", self.digits, self.exponent).parse().ok()?;
        let shortest = if value.is_finite() { format!("{value:e}") } else { return None };
        Decimal::parse(&shortest).map(|number| Decimal { negative: self.negative, ..number })
    }

    /// Every digit of the nearest binary64 number, which is a whole one.
    fn binary64_in_full(&self) -> Option<String> {
        let value: f64 = format!("{}e{}", self.digits, self.exponent).parse().ok()?;
        let sign = if self.negative { "-" } else { "" };
        value.is_finite().then(|| format!("{sign}{value:.0}"))
    }

    /// Without exponent.
    fn plain(&self) -> String {
        let mut out = String::from(if self.negative { "-" } else { "" });
        let zeros = |out: &mut String, count: usize| out.extend(std::iter::repeat_n('0', count));
        let shift = usize::try_from(self.exponent.unsigned_abs()).unwrap_or(0);
        if self.exponent >= 0 {
            out += &self.digits;
            zeros(&mut out, shift);
        } else if shift >= self.digits.len() {
            out += "0.";
            zeros(&mut out, shift - self.digits.len());
            out += &self.digits;
        } else {
            let (whole, fraction) = self.digits.split_at(self.digits.len() - shift);
            out += whole;
            out.push('.');
            out += fraction;
        }
        out
    }

    /// With one digit before the point and an exponent of at least `width` digits.
    fn scientific(&self, letter: char, width: usize) -> String {
        let (first, rest) = self.digits.split_at(1);
        let power = self.exponent + i32::try_from(rest.len()).unwrap_or(0);
        let point = if rest.is_empty() { "" } else { "." };
        let sign = if self.negative { "-" } else { "" };
        let power_sign = if power < 0 { '-' } else { '+' };
        let power = power.unsigned_abs();
        format!("{sign}{first}{point}{rest}{letter}{power_sign}{power:0width$}")
    }

    /// At most so many significant digits, rounded half to even.
    fn rounded(self, limit: usize) -> Self {
        if self.digits.len() <= limit {
            return self;
        }
        let (kept, rest) = self.digits.split_at(limit);
        let odd = kept.ends_with(['1', '3', '5', '7', '9']);
        let tail = rest.trim_end_matches('0');
        let up = if tail == "5" { odd } else { tail >= "5" };
        let dropped = i32::try_from(rest.len()).unwrap_or(0);
        let mut digits = kept.to_owned().into_bytes();
        if up {
            let carry = digits.iter_mut().rev().all(|digit| {
                let nine = *digit == b'9';
                *digit = if nine { b'0' } else { *digit + 1 };
                nine
            });
            if carry {
                digits.insert(0, b'1');
            }
        }
        let digits = String::from_utf8_lossy(&digits).into_owned();
        Decimal::normal(self.negative, &digits, self.exponent + dropped)
    }
}

/// Digits, with single underscores allowed between them.
fn digits(bytes: &[u8]) -> Option<String> {
    let mut out = String::with_capacity(bytes.len());
    for (i, byte) in bytes.iter().enumerate() {
        let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        match byte {
            b'0'..=b'9' => out.push(char::from(*byte)),
            b'_' if i > 0 && digit(i - 1) && digit(i + 1) => {}
            _ => return None,
        }
    }
    Some(out)
}

fn exponent(bytes: &[u8]) -> Option<i32> {
    let text = std::str::from_utf8(bytes).ok()?;
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|power: &i32| power.unsigned_abs() <= EXPONENT_MAX.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Expected values: what the published reference package 1.9.3 gives.
    #[test]
    fn the_legacy_form_is_that_of_a_binary64_number() {
        for (text, expected) in [
            ("12.50", "12.5"),
            ("0012", "12"),
            ("-0.0", "0"),
            ("+7", "7"),
            ("1e5", "100000"),
            ("1e22", "10000000000000000000000"),
            ("0.00001", "1e-05"),
            ("0.0001", "0.0001"),
            ("12345678901234567890", "12345678901234567168"),
            ("0.1234567890123456789", "0.12345678901234568"),
            ("2024_01", "202401"),
            (".5", "0.5"),
            ("5.", "5"),
            ("23.319941", "23.319941"),
            ("999999999999999999.9", "1000000000000000000"),
            ("9007199254740993", "9007199254740992"),
            ("1234567890123456.7", "1234567890123456.8"),
            ("1e16", "10000000000000000"),
            ("1e23", "99999999999999991611392"),
            ("4.9e-324", "5e-324"),
        ] {
            assert_eq!(legacy(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn the_form_since_2026_is_exact() {
        for (text, expected) in [
            ("12.50", "12.5"),
            ("0012", "12"),
            ("12345678901234567890", "12345678901234567890"),
            ("0.1234567890123456789", "0.1234567890123456789"),
            ("0.00001", "0.00001"),
            ("1e-7", "0.0000001"),
            ("1e5", "1E+5"),
            ("0.12345678901234567890123456785", "0.1234567890123456789012345678"),
        ] {
            assert_eq!(exact(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_stays() {
        for text in
            ["", "-", ".", "e5", "1e", "1.2.3", "nan", "inf", "0x10", "1__0", "1e99999", "a"]
        {
            assert_eq!(legacy(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn up_to_fifteen_digits_both_forms_agree(whole in 0_u32..1_000_000, part in 0_u32..10_000) {
            let text = format!("{whole}.{part:04}");
            prop_assert_eq!(legacy(&text), exact(&text));
        }

        #[test]
        fn a_normal_form_is_its_own(text in "[+-]?[0-9]{1,20}(\\.[0-9]{1,20})?") {
            let once = exact(&text).unwrap();
            prop_assert_eq!(exact(&once), Some(once.clone()));
            let once = legacy(&text).unwrap();
            prop_assert_eq!(legacy(&once), Some(once.clone()));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9eE._+-]{0,40}") {
            let _ = (legacy(&text), exact(&text));
        }
    }
}
