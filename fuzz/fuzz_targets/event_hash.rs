//! Any event: every profile hashes it, and alike after writing and reading.
#![no_main]

use countermark_epcis::hash::{Profile, document_hashes, event_hash};
use countermark_epcis::{Mode, document};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(read) = document::read(bytes, Mode::Lenient) else { return };
    let written = document::write(&read);
    let Ok(again) = document::read(written.as_bytes(), Mode::Lenient) else {
        panic!("what was written is not read: {written}")
    };
    for profile in Profile::ALL {
        assert_eq!(document_hashes(&read, profile), document_hashes(&again, profile));
        for event in &read.events {
            assert!(event_hash(event, profile).starts_with("ni:///sha-256;"));
        }
    }
});
