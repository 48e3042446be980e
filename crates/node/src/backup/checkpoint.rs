//! Comparing a restored log with a checkpoint that somebody outside holds.

use countermark_ledger::bundle::GENESIS_LEAF_INDEX;
use countermark_ledger::statement::{Body, SignedStatement};
use countermark_store::log_store::LogView;
use countermark_tlog::note::{Algorithm, VerifierKey};
use countermark_tlog::{Checkpoint, Note};

use crate::error::NodeError;
use crate::sequencer::chain;
use crate::stores::store_error;

/// The log must hold all that the checkpoint shows, and the checkpoint must be at least as new as
/// the log's own: an older one says nothing about what others have seen since.
pub(super) fn extends(view: &LogView, note: &[u8]) -> Result<(), NodeError> {
    let unreadable = |what: String| NodeError::Unreadable { place: "checkpoint".to_owned(), what };
    let note = Note::parse(note).map_err(|e| unreadable(e.to_string()))?;
    let shown = Checkpoint::parse(note.text()).map_err(|e| unreadable(e.to_string()))?;
    if shown.origin != view.origin() {
        return Err(NodeError::Refused(format!(
            "the checkpoint is of the log {}, this is {}: show one of this log",
            shown.origin,
            view.origin()
        )));
    }
    let key = VerifierKey::new(view.origin(), Algorithm::Ed25519, &log_key(view)?)
        .map_err(|e| store_error(&e))?;
    note.verify(&[key]).map_err(|e| {
        NodeError::Refused(format!("the checkpoint is not signed by this log's key: {e}"))
    })?;
    let (held, size) = (view.size(), shown.size);
    if size > held {
        let lost = size - held;
        let (entries, them) = if lost == 1 { ("entry is", "it") } else { ("entries are", "them") };
        return Err(NodeError::Refused(format!(
            "{lost} {entries} lost: the checkpoint shows {size}, the restored log holds {held}. \
             Restore a newer backup; where there is none, `countermark restore --declare-loss` \
             begins a new log without {them}"
        )));
    }
    let root = view.root_at(size).map_err(|e| NodeError::Store(chain(&e)))?;
    if root != shown.root {
        return Err(NodeError::Refused(format!(
            "the log has another history than the checkpoint shows: at {size} entries their roots \
             differ. Somebody signed two logs with one key; keep both, write with neither, and \
             begin a new one with `countermark restore --declare-loss`"
        )));
    }
    if size < held {
        return Err(NodeError::Refused(format!(
            "the checkpoint shows {size} entries and the backup itself {held}: it is not the newest \
             one known. Show the newest that anyone outside holds; bundles and verifiers have them"
        )));
    }
    Ok(())
}

/// The key that the log began with.
fn log_key(view: &LogView) -> Result<[u8; 32], NodeError> {
    let damaged = |what: String| NodeError::Damaged {
        place: format!("log, leaf {GENESIS_LEAF_INDEX}"),
        what,
    };
    let leaf = view.leaf(GENESIS_LEAF_INDEX).map_err(|e| damaged(chain(&e)))?;
    let signed = SignedStatement::from_leaf(&leaf).map_err(|e| damaged(e.to_string()))?;
    match &signed.statement().body {
        Body::Genesis(genesis) => Ok(genesis.log_key),
        _ => Err(damaged("it is no genesis statement".to_owned())),
    }
}
