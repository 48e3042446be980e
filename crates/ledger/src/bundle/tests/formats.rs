//! The formats are frozen: SHA-256 of generated samples, compared with a committed file.

use super::world::{self, Ledger, PROCESSOR};
use crate::ids::{hex, sha256};

const FROZEN: &str = include_str!("formats.txt");

#[test]
fn bundle_and_trust_policy_are_written_as_when_their_formats_were_frozen() {
    let ledger = Ledger::story(1);
    let names =
        ["bundle_whole_event", "bundle_field", "bundle_absent", "bundle_records", "bundle_keys"];
    let bundles = world::bundles(&ledger, (PROCESSOR, 0));
    let mut found = String::new();
    for (name, bundle) in names.iter().zip(&bundles) {
        found.push_str(&format!("{name} {}\n", hex(&sha256(&bundle.encode()))));
    }
    let policy = ledger.everyone().encode();
    found.push_str(&format!("trust_policy {}\n", hex(&sha256(policy.as_bytes()))));
    assert_eq!(found, FROZEN, "a change of format needs a new version number");
}
