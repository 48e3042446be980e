//! Any bytes: the JSON reader refuses or gives a tree that writes and reads again equal.
#![no_main]

use countermark_epcis::json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(value) = json::parse(bytes) {
        assert_eq!(json::parse(value.to_text().as_bytes()).as_ref(), Ok(&value));
        assert_eq!(json::parse(value.to_text_pretty().as_bytes()), Ok(value));
    }
});
