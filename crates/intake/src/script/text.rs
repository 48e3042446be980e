//! Functions on text and on decimals kept as text.

use rust_decimal::{Decimal, RoundingStrategy};
use vrl::value::Value;

use super::functions::{Gives, ONE, ONE_TWO, Pure, THREE, TWO, TWO_THREE};
use super::value::{list, text};
use crate::limits;

const fn row(
    name: &'static str,
    parameters: &'static [vrl::compiler::Parameter],
    gives: Gives,
    usage: &'static str,
    run: fn(Vec<Value>) -> Value,
) -> Pure {
    Pure { name, usage, parameters, gives, run }
}

fn at(values: &[Value], index: usize) -> String {
    values.get(index).map(text).unwrap_or_default()
}

/// Text that a program builds is bounded, so that doubling in a loop ends early.
fn bounded(text: String) -> Value {
    if text.len() > limits::TEXT_BYTES_MAX { Value::Null } else { Value::from(text) }
}

fn or_null(text: Option<String>) -> Value {
    text.map_or(Value::Null, Value::from)
}

/// A decimal in plain notation; scientific notation has lost digits and is no number here.
fn decimal(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+'));
    if plain { text.parse().ok() } else { None }
}

fn decimals(value: Value) -> Vec<Decimal> {
    list(value).iter().filter_map(|item| decimal(&text(item))).collect()
}

fn calculated(values: &[Value], with: fn(Decimal, Decimal) -> Option<Decimal>) -> Value {
    let (Some(a), Some(b)) = (decimal(&at(values, 0)), decimal(&at(values, 1))) else {
        return Value::Null;
    };
    or_null(with(a, b).map(|d| d.normalize().to_string()))
}

fn mean(values: Vec<Value>) -> Value {
    let scale = at(&values, 1).parse().unwrap_or(2_u32).min(12);
    let numbers = decimals(values.into_iter().next().unwrap_or(Value::Null));
    let total = numbers.iter().try_fold(Decimal::ZERO, |sum, n| sum.checked_add(*n));
    let mean = total.and_then(|total| total.checked_div(Decimal::from(numbers.len())));
    let rounded = mean.map(|mean| {
        mean.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero).normalize()
    });
    or_null(rounded.map(|d| d.to_string()))
}

fn replaced(values: Vec<Value>) -> Value {
    let (from, with) = (at(&values, 1), at(&values, 2));
    let text = at(&values, 0);
    if from.is_empty() {
        return Value::from(text);
    }
    let grown = text.len().saturating_mul(with.len().max(1));
    if grown > limits::TEXT_BYTES_MAX { Value::Null } else { bounded(text.replace(&from, &with)) }
}

/// Characters `from` up to `to` (not included), counted from 0; to the end without `to`.
fn sliced(values: Vec<Value>) -> Value {
    let from = at(&values, 1).parse().unwrap_or(0_usize);
    let to = at(&values, 2).parse().unwrap_or(usize::MAX);
    let count = to.saturating_sub(from);
    Value::from(at(&values, 0).chars().skip(from).take(count).collect::<String>())
}

fn padded(values: Vec<Value>) -> Value {
    let width = at(&values, 1).parse().unwrap_or(0_usize).min(64);
    let fill = at(&values, 2).chars().next().unwrap_or('0');
    let text = at(&values, 0);
    let missing = width.saturating_sub(text.chars().count());
    Value::from(std::iter::repeat_n(fill, missing).collect::<String>() + &text)
}

fn split(values: Vec<Value>) -> Value {
    let by = at(&values, 1);
    let text = at(&values, 0);
    if by.is_empty() {
        return Value::Array(vec![Value::from(text)]);
    }
    Value::Array(text.split(&by).map(Value::from).collect())
}

fn joined(values: Vec<Value>) -> Value {
    let by = at(&values, 1);
    let items = list(values.into_iter().next().unwrap_or(Value::Null));
    let parts: Vec<String> = items.iter().map(text).filter(|part| !part.is_empty()).collect();
    bounded(parts.join(&by))
}

/// The functions of this file.
pub(super) const TABLE: &[Pure] = &[
    row("text", ONE, Gives::Text, "the text of a value; empty for null", |v| {
        Value::from(at(&v, 0))
    }),
    row("trim", ONE, Gives::Text, "without blanks around", |v| Value::from(at(&v, 0).trim())),
    row("trim_zeros", ONE, Gives::Text, "without leading zeros", |v| {
        let text = at(&v, 0);
        let rest = text.trim_start_matches('0');
        Value::from(if rest.is_empty() && !text.is_empty() { "0" } else { rest })
    }),
    row("upcase", ONE, Gives::Text, "in capitals", |v| Value::from(at(&v, 0).to_uppercase())),
    row("downcase", ONE, Gives::Text, "in small letters", |v| {
        Value::from(at(&v, 0).to_lowercase())
    }),
    row("contains", TWO, Gives::Boolean, "whether the text holds another", |v| {
        Value::Boolean(at(&v, 0).contains(&at(&v, 1)))
    }),
    row("starts_with", TWO, Gives::Boolean, "whether the text starts with another", |v| {
        Value::Boolean(at(&v, 0).starts_with(&at(&v, 1)))
    }),
    row("ends_with", TWO, Gives::Boolean, "whether the text ends with another", |v| {
        Value::Boolean(at(&v, 0).ends_with(&at(&v, 1)))
    }),
    row("replace", THREE, Gives::Text, "every occurrence replaced; no patterns", replaced),
    row("slice", TWO_THREE, Gives::Text, "characters from, up to and without to", sliced),
    row("pad_left", TWO_THREE, Gives::Text, "filled up on the left, with zeros by default", padded),
    row("split", TWO, Gives::List, "the parts between a separator", split),
    row("join", TWO, Gives::Text, "the parts that are not empty, with a separator", joined),
    row("is_digits", ONE, Gives::Boolean, "whether the text is digits only", |v| {
        let text = at(&v, 0);
        Value::Boolean(!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
    }),
    row("to_int", ONE, Gives::Any, "a whole number, or null", |v| {
        at(&v, 0).trim().parse::<i64>().map_or(Value::Null, Value::Integer)
    }),
    row("decimal", ONE, Gives::Any, "a decimal without needless zeros, as text, or null", |v| {
        or_null(decimal(&at(&v, 0)).map(|d| d.normalize().to_string()))
    }),
    row("add", TWO, Gives::Any, "the sum of two decimals, or null", |v| {
        calculated(&v, Decimal::checked_add)
    }),
    row("subtract", TWO, Gives::Any, "the difference of two decimals, or null", |v| {
        calculated(&v, Decimal::checked_sub)
    }),
    row("multiply", TWO, Gives::Any, "the product of two decimals, or null", |v| {
        calculated(&v, Decimal::checked_mul)
    }),
    row("is_negative", ONE, Gives::Boolean, "whether a decimal is below zero", |v| {
        Value::Boolean(decimal(&at(&v, 0)).is_some_and(|d| d < Decimal::ZERO))
    }),
    row("is_zero", ONE, Gives::Boolean, "whether a decimal is zero", |v| {
        Value::Boolean(decimal(&at(&v, 0)).is_some_and(|d| d.is_zero()))
    }),
    row("min", ONE, Gives::Any, "the least decimal of a list, or null", |mut v| {
        or_null(decimals(v.remove(0)).into_iter().min().map(|d| d.normalize().to_string()))
    }),
    row("max", ONE, Gives::Any, "the greatest decimal of a list, or null", |mut v| {
        or_null(decimals(v.remove(0)).into_iter().max().map(|d| d.normalize().to_string()))
    }),
    row("sum", ONE, Gives::Any, "the sum of a list of decimals, or null", |mut v| {
        let total = decimals(v.remove(0)).into_iter().try_fold(Decimal::ZERO, Decimal::checked_add);
        or_null(total.map(|d| d.normalize().to_string()))
    }),
    row("mean", ONE_TWO, Gives::Any, "the mean of a list, to 2 or the given decimals", mean),
];
