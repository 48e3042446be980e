//! Signed notes, checkpoints, policies, tile paths: whatever is accepted is written again as the
//! same bytes.
#![no_main]

use countermark_ledger::trust::TrustPolicy;
use countermark_tlog::{Checkpoint, Note, Tile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(note) = Note::parse(data) {
        assert_eq!(note.encode().as_bytes(), data);
        let _checkpoint = Checkpoint::parse(note.text());
    }
    let _policy = TrustPolicy::parse(data);
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(tile) = Tile::parse(text)
    {
        assert_eq!(tile.to_string(), text);
    }
});
