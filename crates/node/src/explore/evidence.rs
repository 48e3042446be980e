//! What one leaf's place in the log rests on, computed anew: a checklist of four states.

use countermark_ledger::ids::hex;
use countermark_ledger::trust::TrustPolicy;
use countermark_tlog::merkle;
use countermark_tlog::{Checkpoint, Note};
use serde::{Deserialize, Serialize};

use super::leaf::{Inclusion, LeafDetail, Side};
use crate::error::NodeError;
use crate::node::Node;
use crate::scope::Scope;
use crate::sequencer::chain;
use crate::stores::store_error;

/// What is known of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EvidenceState {
    /// Computed, and it holds.
    Proven,
    /// Computed, and it does not hold.
    Contradicted,
    /// Could be computed, and was not.
    NotChecked,
    /// What it takes is not for this reader, or is gone.
    NotAvailable,
}

/// One line of the checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What is claimed.
    pub claim: String,
    /// What was found.
    pub state: EvidenceState,
    /// How, or why not.
    pub detail: String,
}

/// A leaf with everything that its proof needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafEvidence {
    /// What it says, and its path.
    pub detail: LeafDetail,
    /// Its bytes as they stand in the log: the kind, then the content.
    pub bytes: Vec<u8>,
    /// The checkpoint of the tree that the path leads to.
    pub checkpoint: String,
    /// The checklist.
    pub evidence: Vec<Evidence>,
}

/// How often a leaf is read again where the log grew meanwhile.
const TRIES: usize = 4;

fn line(claim: &str, state: EvidenceState, detail: impl Into<String>) -> Evidence {
    Evidence { claim: claim.to_owned(), state, detail: detail.into() }
}

fn state(holds: bool) -> EvidenceState {
    if holds { EvidenceState::Proven } else { EvidenceState::Contradicted }
}

/// The root that a leaf's hash and the steps lead to.
fn walk(leaf_hash: [u8; 32], inclusion: &Inclusion) -> Option<[u8; 32]> {
    inclusion.path.iter().try_fold(leaf_hash, |hash, step| {
        let sibling: [u8; 32] = countermark_ledger::trust::unhex(&step.sibling)?;
        Some(match step.side {
            Side::Left => merkle::node_hash(&sibling, &hash),
            Side::Right => merkle::node_hash(&hash, &sibling),
        })
    })
}

impl Node {
    /// A leaf's bytes: its kind, then its content.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] beyond the log's end.
    pub fn leaf_bytes(&self, index: u64) -> Result<Vec<u8>, NodeError> {
        let sequencer = self.lock();
        let log = &sequencer.stores.log;
        if index >= log.size() {
            let what = format!("the log has no leaf {index}; it has {}", log.size());
            return Err(NodeError::NotFound(what));
        }
        log.leaf(index).map_err(|e| NodeError::Damaged {
            place: format!("log, leaf {index}"),
            what: chain(&e),
        })
    }

    /// A leaf with its checklist, as whoever asks may see it.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] beyond the log's end; [`NodeError::Damaged`].
    pub fn leaf_evidence(&self, scope: &Scope, index: u64) -> Result<LeafEvidence, NodeError> {
        let (mut detail, bytes) = (self.leaf(index)?, self.leaf_bytes(index)?);
        let mut checkpoint = self.log_resource("checkpoint")?;
        for _ in 0..TRIES {
            let size = parse(&checkpoint).map(|(_, checkpoint)| checkpoint.size);
            if size.is_ok_and(|size| size == detail.inclusion.tree_size) {
                break;
            }
            detail = self.leaf(index)?;
            checkpoint = self.log_resource("checkpoint")?;
        }
        let mut evidence = self.of_log(&detail, &bytes, &checkpoint)?;
        evidence.extend(self.of_content(scope, &detail)?);
        let checkpoint = String::from_utf8_lossy(&checkpoint).into_owned();
        Ok(LeafEvidence { detail, bytes, checkpoint, evidence })
    }

    fn of_log(
        &self,
        detail: &LeafDetail,
        bytes: &[u8],
        checkpoint: &[u8],
    ) -> Result<Vec<Evidence>, NodeError> {
        let inclusion = &detail.inclusion;
        let hash = merkle::leaf_hash(bytes);
        let mut lines = vec![line(
            "The bytes of this leaf have the hash that the path begins with",
            state(hex(&hash) == inclusion.leaf_hash),
            format!("SHA-256 over 00 and {} bytes", bytes.len()),
        )];
        let root = walk(hash, inclusion);
        lines.push(line(
            "The path leads from that hash to the root of the tree",
            state(root.is_some_and(|root| hex(&root) == inclusion.root)),
            format!("{} steps in a tree of {} leaves", inclusion.path.len(), inclusion.tree_size),
        ));
        let named = "The checkpoint names this root and this size";
        let (note, parsed) = match parse(checkpoint) {
            Ok(parsed) => parsed,
            Err(why) => {
                lines.push(line(named, EvidenceState::Contradicted, why));
                return Ok(lines);
            }
        };
        if parsed.size == inclusion.tree_size {
            let holds = root.is_some_and(|root| root == parsed.root);
            lines.push(line(
                named,
                state(holds),
                format!("{} leaves, {}", parsed.size, parsed.origin),
            ));
        } else {
            let why = "the log grew while this was read; load the page again";
            lines.push(line(named, EvidenceState::NotChecked, why));
        }
        let policy = TrustPolicy::parse(self.trust()?.as_bytes()).map_err(|e| store_error(&e))?;
        let checked = policy.policy.check(&note);
        let words = match &checked {
            Ok(_) => "with the key of this log's trust policy".to_owned(),
            Err(error) => error.to_string(),
        };
        lines.push(line("The log signed the checkpoint", state(checked.is_ok()), words));
        let witnesses = checked.map_or(0, |accepted| accepted.witnesses.len());
        lines.push(if witnesses > 0 {
            let words = format!("{witnesses} witnesses of the trust policy");
            line("Others countersigned the checkpoint", EvidenceState::Proven, words)
        } else {
            let why = "the trust policy of this log names no witness: that it shows everyone the same \
                       log rests on whoever keeps an older checkpoint and compares";
            line("Others countersigned the checkpoint", EvidenceState::NotChecked, why)
        });
        Ok(lines)
    }

    /// What the statement brings beside itself: the values of its records lie in a vault.
    fn of_content(
        &self,
        scope: &Scope,
        detail: &LeafDetail,
    ) -> Result<Option<Evidence>, NodeError> {
        let Some(statement) = detail.statement.as_ref().filter(|_| !detail.records.is_empty())
        else {
            return Ok(None);
        };
        let claim = "The values of its records are those that were committed to";
        let own = self.scope_of(&statement.member).ok();
        let is_seen = matches!((scope, own), (Scope::All, Some(_))) || own == Some(*scope);
        let (state, why) = if is_seen {
            let why = "open one of its events: a bundle of it proves its values field by field";
            (EvidenceState::NotChecked, why.to_owned())
        } else {
            let why = format!(
                "they lie in the vault of {}, which can give a bundle of the fields that it discloses",
                statement.member_name
            );
            (EvidenceState::NotAvailable, why)
        };
        Ok(Some(line(claim, state, why)))
    }
}

fn parse(checkpoint: &[u8]) -> Result<(Note, Checkpoint), String> {
    let note = Note::parse(checkpoint).map_err(|e| e.to_string())?;
    let parsed = Checkpoint::parse(note.text()).map_err(|e| e.to_string())?;
    Ok((note, parsed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{Lab, capture_ids};

    #[test]
    fn every_leaf_of_a_sound_log_is_proven_and_a_changed_byte_is_contradicted() {
        let lab = Lab::new();
        let node = lab.begin();
        node.member_add("Mill", None).unwrap();
        capture_ids(&node, &["urn:x:1", "urn:x:2"]);
        let size = node.log_head().unwrap().size;
        let states = |evidence: &[Evidence]| {
            evidence.iter().map(|line| line.state).take(4).collect::<Vec<_>>()
        };
        for index in 0..size {
            let found = node.leaf_evidence(&Scope::All, index).unwrap();
            assert_eq!(states(&found.evidence), [EvidenceState::Proven; 4], "leaf {index}");
            let mut changed = found.bytes.clone();
            let last = changed.len() - 1;
            changed[last] ^= 1;
            let checked = node.of_log(&found.detail, &changed, found.checkpoint.as_bytes());
            let states = states(&checked.unwrap());
            assert_eq!(states[..3], [EvidenceState::Contradicted; 3], "leaf {index}");
        }
        assert!(matches!(node.leaf_bytes(size), Err(NodeError::NotFound(_))));
    }

    #[test]
    fn a_forged_checkpoint_is_contradicted() {
        let lab = Lab::new();
        let node = lab.begin();
        let found = node.leaf_evidence(&Scope::All, 1).unwrap();
        let forged = found.checkpoint.replacen("— lab", "— lba", 1);
        let checked = node.of_log(&found.detail, &found.bytes, forged.as_bytes()).unwrap();
        assert!(
            checked.iter().any(|line| line.state == EvidenceState::Contradicted),
            "{checked:?}"
        );
    }

    #[test]
    fn another_member_s_values_are_not_available() {
        let lab = Lab::new();
        let node = lab.begin();
        node.member_add("Mill", None).unwrap();
        capture_ids(&node, &["urn:x:1"]);
        let last = node.log_head().unwrap().size - 1;
        let state =
            |scope: &Scope| node.leaf_evidence(scope, last).unwrap().evidence.last().unwrap().state;
        assert_eq!(state(&Scope::All), EvidenceState::NotChecked);
        assert_eq!(state(&node.scope_of("Farm").unwrap()), EvidenceState::NotChecked);
        assert_eq!(state(&node.scope_of("Mill").unwrap()), EvidenceState::NotAvailable);
    }
}
