//! One encoding: whatever writes the same content otherwise is refused, at every depth.

use super::tree::{self, Step};
use super::world::{self, Ledger, PROCESSOR, sign_anew};
use super::*;
use crate::cbor::Value;
use proptest::prelude::*;

/// How one item is written otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Style {
    /// The length or number in a wider form than needed.
    Wide,
    /// Without a length, ended by a break.
    Indefinite,
    /// The entries of a map in another order.
    Reordered,
    /// The first entry of a map twice.
    KeyTwice,
}

const STYLES: [Style; 4] = [Style::Wide, Style::Indefinite, Style::Reordered, Style::KeyTwice];

/// The head of an item, shortest or one size wider.
fn head(major: u8, n: u64, wide: bool, out: &mut Vec<u8>) {
    let shortest = [24, 1 << 8, 1 << 16, 1 << 32].iter().filter(|limit| n >= **limit).count();
    let size = (shortest + usize::from(wide)).min(4);
    let byte = match size {
        0 => n as u8,
        size => 23 + size as u8,
    };
    out.push(major << 5 | byte);
    if size > 0 {
        out.extend_from_slice(&n.to_be_bytes()[8 - (1 << (size - 1))..]);
    }
}

/// Writes an item, the `target`th in depth-first order in another style. Counts down; gives whether
/// the style could be used.
fn write(value: &Value, target: &mut isize, style: Style, out: &mut Vec<u8>) -> bool {
    let here = *target == 0;
    *target -= 1;
    let wide = here && style == Style::Wide;
    let open = here && style == Style::Indefinite;
    let mut used = wide;
    let string = |major: u8, bytes: &[u8], out: &mut Vec<u8>| {
        if open {
            out.push(major << 5 | 31);
            head(major, bytes.len() as u64, false, out);
            out.extend_from_slice(bytes);
            out.push(0xff);
        } else {
            head(major, bytes.len() as u64, wide, out);
            out.extend_from_slice(bytes);
        }
        open
    };
    match value {
        Value::Unsigned(n) => head(0, *n, wide, out),
        Value::Negative(n) => head(1, *n, wide, out),
        Value::Bytes(bytes) => used |= string(2, bytes, out),
        Value::Text(text) => used |= string(3, text.as_bytes(), out),
        Value::Array(items) => {
            if open {
                out.push(4 << 5 | 31)
            } else {
                head(4, items.len() as u64, wide, out)
            }
            items.iter().for_each(|item| used |= write(item, target, style, out));
            if open {
                out.push(0xff);
                used = true;
            }
        }
        Value::Map(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            if here && style == Style::Reordered && entries.len() > 1 {
                entries.reverse();
                used = true;
            }
            if here && style == Style::KeyTwice && !entries.is_empty() {
                entries.insert(0, entries[0]);
                used = true;
            }
            if open {
                out.push(5 << 5 | 31)
            } else {
                head(5, entries.len() as u64, wide, out)
            }
            for (key, item) in entries {
                used |= write(key, target, style, out);
                used |= write(item, target, style, out);
            }
            if open {
                out.push(0xff);
                used = true;
            }
        }
        Value::Tag(tag, inner) => {
            head(6, *tag, wide, out);
            used |= write(inner, target, style, out);
        }
        Value::Bool(flag) => out.push(0xf4 + u8::from(*flag)),
        Value::Null => out.push(0xf6),
    }
    used
}

/// Every other way to write an item: one for each item in it and style that fits.
pub(super) fn other_encodings(value: &Value) -> Vec<Vec<u8>> {
    let own = crate::cbor::encode(value);
    let mut all = Vec::new();
    for style in STYLES {
        for target in 0.. {
            let (mut left, mut out) = (target, Vec::new());
            let used = write(value, &mut left, style, &mut out);
            if left >= 0 {
                break;
            }
            if used && out != own {
                all.push(out);
            }
        }
    }
    all
}

#[test]
fn the_writer_of_other_encodings_writes_the_one_encoding_where_it_is_told_nothing() {
    let value = tree::of(&world::bundles(&Ledger::story(1), (PROCESSOR, 0))[3]);
    let mut out = Vec::new();
    assert!(!write(&value, &mut -1, Style::Wide, &mut out));
    assert_eq!(out, crate::cbor::encode(&value));
}

#[test]
fn no_other_encoding_of_a_bundle_is_read() {
    let mut count = 0;
    for bundle in world::bundles(&Ledger::story(1), (PROCESSOR, 0)) {
        for other in other_encodings(&tree::of(&bundle)) {
            count += 1;
            let file = [BUNDLE_MAGIC, &other].concat();
            assert!(matches!(Bundle::decode(&file), Err(BundleError::Encoding(_))));
        }
    }
    assert!(count > 300, "{count}");
}

/// What stands within byte strings, signed anew by a member: one encoding there too.
#[test]
fn no_other_encoding_of_what_a_bundle_carries_holds() {
    let ledger = Ledger::story(1);
    let (trust, issuer) = (ledger.everyone(), (PROCESSOR, 0));
    let mut count = 0;
    for bundle in world::bundles(&ledger, issuer) {
        let whole = tree::of(&bundle);
        for path in tree::paths(&whole) {
            let Some((Step::Within(start), at)) = path.split_last() else { continue };
            let Some(Value::Bytes(bytes)) = tree::get(&whole, at) else { panic!("bytes") };
            let inner = tree::get(&whole, &path).unwrap();
            for other in other_encodings(&inner) {
                let written = [&bytes[..*start], &other].concat();
                let file = tree::file(&tree::replace(&whole, at, &written.into()));
                let mut mutant = Bundle::decode(&file).unwrap();
                sign_anew(&mut mutant, &ledger.key(issuer));
                let said = fault(&mutant, Some(&trust));
                assert!(!said.starts_with("bundle signature"), "{path:?}: {said}");
                count += 1;
            }
        }
    }
    println!("{count} other encodings within bundles");
    assert!(count > 1_000, "{count}");
}

#[test]
fn trailing_bytes_another_magic_and_sizes_beyond_the_limit_are_refused() {
    let file = world::bundles(&Ledger::story(1), (PROCESSOR, 0)).remove(0).encode();
    assert!(Bundle::decode(&file).is_ok());
    let body = &file[BUNDLE_MAGIC.len()..];
    for magic in [&b""[..], b"countermark bundle v2\n", b"countermark bundle v1\r\n", b"\n"] {
        let said = Bundle::decode(&[magic, body].concat()).unwrap_err().to_string();
        assert!(
            said.starts_with("this is no Countermark bundle") || said.contains("canonical"),
            "{said}"
        );
    }
    assert!(matches!(Bundle::decode(&[&file[..], &[0]].concat()), Err(BundleError::Encoding(_))));
    for end in 0..file.len() {
        assert!(Bundle::decode(&file[..end]).is_err(), "cut at {end}");
    }
    let huge = vec![0; crate::limits::BUNDLE_BYTES_MAX + 1];
    assert!(matches!(Bundle::decode(&huge), Err(BundleError::Size(_))));
}

proptest! {
    #[test]
    fn reading_arbitrary_bytes_does_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Bundle::decode(&bytes);
        let _ = Bundle::decode(&[BUNDLE_MAGIC, &bytes].concat());
        let _ = TrustPolicy::parse(&bytes);
    }

    #[test]
    fn a_file_changed_anywhere_is_not_read_or_does_not_hold_and_what_is_read_is_written_the_same(
        which in 0usize..5,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let (samples, trust) = samples();
        let mut file = samples[which].clone();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Ok(bundle) = Bundle::decode(&file) {
            prop_assert_eq!(&bundle.encode(), &file);
            let held = verify(&bundle, Some(trust)).verdict == Verdict::Holds;
            prop_assert_eq!(held, file == samples[which]);
        }
    }
}

fn samples() -> &'static (Vec<Vec<u8>>, TrustPolicy) {
    static SAMPLES: std::sync::OnceLock<(Vec<Vec<u8>>, TrustPolicy)> = std::sync::OnceLock::new();
    SAMPLES.get_or_init(|| {
        let ledger = Ledger::story(1);
        let bundles = world::bundles(&ledger, (PROCESSOR, 0));
        (bundles.iter().map(Bundle::encode).collect(), ledger.everyone())
    })
}
