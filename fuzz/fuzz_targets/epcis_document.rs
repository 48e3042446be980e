//! Any bytes: a document is refused with findings that point somewhere, or is taken and writes
//! and reads again equal; what strict reading takes, lenient reading takes alike.
#![no_main]

use countermark_epcis::{Mode, document};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let strict = document::read(bytes, Mode::Strict);
    match document::read(bytes, Mode::Lenient) {
        Ok(read) => {
            let written = document::write(&read);
            let again = document::read(written.as_bytes(), Mode::Lenient);
            let again = again.unwrap_or_else(|fault| panic!("{fault}: {written}"));
            assert_eq!((&again.header, &again.events), (&read.header, &read.events));
            for event in &read.events {
                let _ = event.facts();
            }
            if let Ok(strict) = strict {
                assert_eq!(strict, read);
            }
        }
        Err(rejection) => {
            assert!(strict.is_err());
            assert!(!rejection.findings().is_empty());
        }
    }
});
