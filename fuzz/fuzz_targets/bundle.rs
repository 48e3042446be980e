//! Bundles: reading and verifying any bytes ends without a panic, and what is read is written again
//! as the same bytes.
#![no_main]

use countermark_ledger::bundle::{BUNDLE_MAGIC, Bundle, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let whole = [BUNDLE_MAGIC, data].concat();
    for bytes in [data, &whole] {
        if let Ok(bundle) = Bundle::decode(bytes) {
            assert_eq!(bundle.encode(), bytes);
            let _report = verify(&bundle, None);
        }
    }
});
