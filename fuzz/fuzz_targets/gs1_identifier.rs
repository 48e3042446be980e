//! Any text as a GS1 identifier: nothing panics, and what reads is written and reads again as what
//! it was.

#![no_main]

use countermark_epcis::gs1::{Checks, Identifier, canonical, translate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &str)| {
    let (length, text) = input;
    for checks in [Checks::Syntax, Checks::Full] {
        let Ok(read) = Identifier::read(text, checks) else { continue };
        let Some(link) = read.digital_link() else { continue };
        let again = Identifier::read(&link, checks).expect("a link that was written reads");
        assert_eq!(again.digital_link().as_deref(), Some(link.as_str()));
        let elements = read.element_string();
        let again = Identifier::read(&elements, checks).expect("an element string reads");
        assert_eq!(again.element_string(), elements);
        if let Some(urn) = read.epc_urn(Some(length % 14)) {
            let again = Identifier::read(&urn, checks).expect("an URN that was written reads");
            assert_eq!(again.digital_link().as_deref(), Some(link.as_str()));
        }
    }
    let once = canonical(text);
    assert_eq!(canonical(&once), once);
    let _ = translate(text);
});
