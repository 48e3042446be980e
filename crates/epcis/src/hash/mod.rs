//! Event hashes: one name for one happening, computed alike by everyone who describes it.
//!
//! The CBV defines a normal form of an event (the pre-hash string) and its SHA-256 as an `ni` URI
//! (CBV 2.0 §8.9; RFC 6920). Implementations changed it under the same suffix, so the profile must
//! be named: [`Profile`]. The rules follow the reference implementation
//! (RalphTro/epcis-event-hash-generator, 2025-10 for the legacy profile, 2026-07 for the others).
//!
//! An event hash is public and unsalted: it lets anyone who guesses the content confirm the guess.

mod number;
mod order;
mod render;
mod tree;
mod value;

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::document::Document;
use crate::event::Event;

/// Which rules make the normal form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// What was computed as `CBV2.0` until 2025: by the published package 1.9.3 and its kin.
    Cbv20Legacy,
    /// What is computed as `CBV2.0` since July 2026.
    Cbv20V2026,
    /// `CBV2.1`.
    Cbv21,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Profile; 3] = [Profile::Cbv20Legacy, Profile::Cbv20V2026, Profile::Cbv21];

    /// `cbv2.0-legacy`, `cbv2.0-2026` or `cbv2.1`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Profile::Cbv20Legacy => "cbv2.0-legacy",
            Profile::Cbv20V2026 => "cbv2.0-2026",
            Profile::Cbv21 => "cbv2.1",
        }
    }

    /// The profile of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Profile::ALL.into_iter().find(|profile| profile.name() == name)
    }

    /// The version at the end of the URI. Two profiles share `CBV2.0`: the suffix does not tell
    /// which rules were used.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Profile::Cbv20Legacy | Profile::Cbv20V2026 => "CBV2.0",
            Profile::Cbv21 => "CBV2.1",
        }
    }
}

/// The normal form of an event.
#[must_use]
pub fn pre_hash(event: &Event, profile: Profile) -> String {
    pre_hash_without(event, profile, &[])
}

/// The normal form of an event without some of its members, named as they stand in the event.
#[must_use]
pub fn pre_hash_without(event: &Event, profile: Profile, ignored: &[String]) -> String {
    let (name, members) = tree::of_event(event.json(), profile, ignored);
    render::event(&name, members, profile)
}

/// The hash URI of an event: `ni:///sha-256;<hex>?ver=CBV2.0`.
#[must_use]
pub fn event_hash(event: &Event, profile: Profile) -> String {
    uri(&pre_hash(event, profile), profile)
}

/// The hash URIs of a document's events, in document order. The legacy profile leaves out the
/// members that the document asks to be ignored ([`Document::ignored_fields`]).
#[must_use]
pub fn document_hashes(document: &Document, profile: Profile) -> Vec<String> {
    document_pre_hashes(document, profile).iter().map(|text| uri(text, profile)).collect()
}

/// The normal forms of a document's events, in document order.
#[must_use]
pub fn document_pre_hashes(document: &Document, profile: Profile) -> Vec<String> {
    let ignored = match profile {
        Profile::Cbv20Legacy => document.ignored_fields(),
        Profile::Cbv20V2026 | Profile::Cbv21 => Vec::new(),
    };
    document.events.iter().map(|event| pre_hash_without(event, profile, &ignored)).collect()
}

/// The profile in which an event has that hash, if any.
#[must_use]
pub fn matching_profile(event: &Event, hash: &str) -> Option<Profile> {
    Profile::ALL.into_iter().find(|profile| event_hash(event, *profile) == hash)
}

fn uri(pre_hash: &str, profile: Profile) -> String {
    let mut uri = String::from("ni:///sha-256;");
    for byte in Sha256::digest(pre_hash.as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(uri, "{byte:02x}");
    }
    uri.push_str("?ver=");
    uri.push_str(profile.version());
    uri
}
