//! `prove`, `receipt`, `trust`: what others verify without us.

use countermark_ledger::bundle::{
    BlockProof, Draft, EntryProof, GENESIS_LEAF_INDEX, GenesisProof, RecordProof,
};
use countermark_ledger::ids::{MemberId, RecordId};
use countermark_ledger::receipt;
use countermark_ledger::record::{DiscloseError, FieldClass, disclose};
use countermark_ledger::record_header::{batch_leaf_hash, decode_batch};
use countermark_ledger::state::entries::{Entry, KeyEntry, MemberEntry, MemberStatus, RecordEntry};
use countermark_ledger::state::keys;
use countermark_ledger::statement::{Body, SignedStatement};
use countermark_ledger::trust::{TrustPolicy, TrustedMember, unhex};
use countermark_store::log_store::LogView;
use countermark_tlog::Policy;
use countermark_tlog::merkle::{self, Hash};

use crate::blocks;
use crate::error::NodeError;
use crate::node::Node;
use crate::scope::Scope;
use crate::sequencer::{Sequencer, Signing, chain};
use crate::stores::store_error;

/// A receipt and what it is of.
pub struct Receipt {
    /// The COSE receipt (RFC 9942).
    pub receipt: Vec<u8>,
    /// The signed statement (COSE_Sign1).
    pub statement: Vec<u8>,
    /// Index of its leaf.
    pub leaf_index: u64,
}

impl Receipt {
    /// A receipt that came from elsewhere, with its statement. Reads which leaf it is of; whether it
    /// holds is for a verifier to say.
    ///
    /// # Errors
    /// [`NodeError::Unreadable`] where it is no receipt of one leaf.
    pub fn read(receipt: Vec<u8>, statement: Vec<u8>) -> Result<Self, NodeError> {
        let unreadable =
            |what: &str| NodeError::Unreadable { place: "receipt".into(), what: what.into() };
        let read = receipt::Receipt::decode(&receipt).map_err(|e| unreadable(&e.to_string()))?;
        match read.proof() {
            receipt::Proof::Inclusion { leaf_index, .. } => {
                Ok(Self { leaf_index: *leaf_index, receipt, statement })
            }
            receipt::Proof::Consistency { .. } => Err(unreadable("it is of two trees, no leaf")),
        }
    }
}

/// A bundle and what it lacks.
pub struct Proof {
    /// The bundle.
    pub bundle: Vec<u8>,
    /// Classes that are erased, where it was to prove the whole event.
    pub erased: Vec<FieldClass>,
}

impl Node {
    /// A bundle that proves an event, or the fields at JSON pointers into it. A record id (32 hex
    /// digits) names an event whose id is erased.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where no member that is seen recorded such an event;
    /// [`NodeError::Refused`] where a field cannot be disclosed, or nothing of the event is left.
    pub fn prove(
        &self,
        scope: &Scope,
        event_id: &str,
        fields: &[String],
    ) -> Result<Proof, NodeError> {
        let sequencer = self.lock();
        let mut rows = self.rows_of_event(&sequencer, scope, event_id)?;
        let signing = self.issuer(&sequencer, scope, &rows[0].member)?;
        // Another member's record under the same id is not this member's to disclose.
        let member = rows[0].member;
        rows.retain(|row| row.member == member);
        let whole = [String::new()];
        let fields = if fields.is_empty() { &whole[..] } else { fields };
        let stores = &sequencer.stores;
        let log: &LogView = &stores.log;
        let mut records = Vec::new();
        for row in &rows {
            records.push(record_proof(&sequencer, log, &row.record_id, fields)?);
        }
        let is_whole = fields.iter().any(String::is_empty);
        let erased = rows.iter().fold(0, |bits, row| bits | row.erased);
        let erased = FieldClass::ALL
            .into_iter()
            .filter(|class| is_whole && class.is_of_events() && erased & 1 << class.number() != 0);
        let erased = erased.collect();
        let failed = |e: countermark_ledger::state::StateError| NodeError::Store(e.to_string());
        let unknown = || missing("state", "a key or member that signed is not in it");
        let ids = Draft::key_ids(&records, signing.key_id()).map_err(|e| store_error(&e))?;
        let mut keys = Vec::new();
        for id in &ids {
            let proof = EntryProof::of_key(&stores.state, id).map_err(failed)?;
            keys.push(proof.ok_or_else(unknown)?);
        }
        let member = EntryProof::of_member(&stores.state, &signing.member).map_err(failed)?;
        let newest = blocks::newest(log)?.ok_or_else(|| missing("log", "it is empty"))?;
        let checkpoint = log.checkpoint().ok_or_else(|| missing("log", "it has no checkpoint"))?;
        let draft = Draft {
            checkpoint: checkpoint.to_vec(),
            genesis: GenesisProof {
                leaf: leaf(log, GENESIS_LEAF_INDEX)?,
                path: inclusion(log, GENESIS_LEAF_INDEX)?,
            },
            records,
            head: block_proof(log, newest.log_size)?,
            issuer_key: signing.key_id(),
            issuer: member.ok_or_else(unknown)?,
            keys,
            issued_at_ms: sequencer.clock.now_ms(),
        };
        let bundle = draft
            .sign(&signing.key)
            .map_err(|e| NodeError::Damaged { place: "bundle".to_owned(), what: chain(&e) })?;
        Ok(Proof { bundle: bundle.encode(), erased })
    }

    /// Who issues a bundle: the member that recorded the event, or, where it is not active any more,
    /// any other member that is seen and is. The bundle says who it was.
    fn issuer(
        &self,
        sequencer: &Sequencer,
        scope: &Scope,
        owner: &MemberId,
    ) -> Result<Signing, NodeError> {
        for member in std::iter::once(*owner).chain(self.seen_members(scope)) {
            let signing = sequencer.signer(&member).map_err(|e| NodeError::Store(e.to_string()))?;
            let state = &sequencer.stores.state;
            let member = MemberEntry::load(state, &keys::member(&signing.member));
            let key = KeyEntry::load(state, &keys::signing_key(&signing.key_id()));
            let (member, key) =
                (member.map_err(|e| store_error(&e))?, key.map_err(|e| store_error(&e))?);
            let active = member.is_some_and(|member| member.status == MemberStatus::Active);
            if active && key.is_some_and(|key| key.revoked_at_height.is_none()) {
                return Ok(signing);
            }
        }
        Err(NodeError::Refused(
            "no member that could issue a bundle is active and has a valid key".to_owned(),
        ))
    }

    /// The receipt of the statement that captured an event.
    ///
    /// # Errors
    /// As [`Node::prove`].
    pub fn receipt(&self, scope: &Scope, event_id: &str) -> Result<Receipt, NodeError> {
        let sequencer = self.lock();
        let rows = self.rows_of_event(&sequencer, scope, event_id)?;
        let log: &LogView = &sequencer.stores.log;
        let leaf_index = rows[0].position.leaf_index;
        let bytes = leaf(log, leaf_index)?;
        let signed = SignedStatement::from_leaf(&bytes)
            .map_err(|e| missing(&format!("log, leaf {leaf_index}"), &e.to_string()))?;
        let proof = receipt::Proof::Inclusion {
            tree_size: log.size(),
            leaf_index,
            path: inclusion(log, leaf_index)?,
        };
        let key = ed25519_dalek::SigningKey::from_bytes(&self.secrets().log_seed);
        let receipt = receipt::Receipt::sign(proof, &log.root(), &key).encode();
        Ok(Receipt { receipt, statement: signed.bytes().to_vec(), leaf_index })
    }

    /// This log's trust policy.
    ///
    /// # Errors
    /// [`NodeError`] where the log cannot be read.
    pub fn trust(&self) -> Result<String, NodeError> {
        let sequencer = self.lock();
        let genesis = merkle::leaf_hash(&leaf(&sequencer.stores.log, GENESIS_LEAF_INDEX)?);
        let key = sequencer.log_signer.verifier_key().encode();
        let policy = Policy::parse(format!("log {key}\nquorum none\n").as_bytes())
            .map_err(|e| NodeError::Store(e.to_string()))?;
        let secrets = self.secrets();
        let members = secrets
            .members
            .iter()
            .map(|m| TrustedMember { id: m.id, name: m.name.clone() })
            .collect();
        Ok(TrustPolicy { policy, genesis, members }.encode())
    }

    /// A file of the log as others read it: `checkpoint`, a C2SP tile or entry bundle, an object as
    /// `objects/SHA-256`, or, one hash in hexadecimal a line, `inclusion/INDEX/SIZE` and `consistency/OLD/NEW`.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where the log has no such thing.
    pub fn log_resource(&self, path: &str) -> Result<Vec<u8>, NodeError> {
        let sequencer = self.lock();
        let log: &LogView = &sequencer.stores.log;
        let nothing = || NodeError::NotFound(format!("the log has no {path}"));
        let failed = |e: countermark_store::log_store::ReadError| NodeError::NotFound(chain(&e));
        let numbers = |rest: &str| {
            let (a, b) = rest.split_once('/')?;
            Some((a.parse::<u64>().ok()?, b.parse::<u64>().ok()?))
        };
        if path == "checkpoint" {
            return log.checkpoint().map(<[u8]>::to_vec).ok_or_else(nothing);
        }
        if let Some(rest) = path.strip_prefix("inclusion/") {
            let (index, size) = numbers(rest).ok_or_else(nothing)?;
            return Ok(lines(&log.inclusion_proof(index, size).map_err(failed)?));
        }
        if let Some(rest) = path.strip_prefix("consistency/") {
            let (old, new) = numbers(rest).ok_or_else(nothing)?;
            return Ok(lines(&log.consistency_proof(old, new).map_err(failed)?));
        }
        if let Some(rest) = path.strip_prefix("objects/") {
            let hash: Hash = unhex(rest).ok_or_else(nothing)?;
            return log.object(&hash).map_err(failed)?.ok_or_else(nothing);
        }
        log.tile(path).map_err(failed)?.ok_or_else(nothing)
    }
}

fn lines(hashes: &[Hash]) -> Vec<u8> {
    hashes
        .iter()
        .flat_map(|hash| (countermark_ledger::ids::hex(hash) + "\n").into_bytes())
        .collect()
}

fn missing(place: &str, what: &str) -> NodeError {
    NodeError::Damaged { place: place.to_owned(), what: what.to_owned() }
}

fn leaf(log: &LogView, index: u64) -> Result<Vec<u8>, NodeError> {
    log.leaf(index).map_err(|e| missing(&format!("log, leaf {index}"), &chain(&e)))
}

fn inclusion(log: &LogView, index: u64) -> Result<Vec<Hash>, NodeError> {
    let path = log.inclusion_proof(index, log.size());
    path.map_err(|e| missing(&format!("log, leaf {index}"), &chain(&e)))
}

fn block_proof(log: &LogView, index: u64) -> Result<BlockProof, NodeError> {
    Ok(BlockProof { header_leaf: leaf(log, index)?, index, path: inclusion(log, index)? })
}

/// What proves one record.
fn record_proof(
    sequencer: &Sequencer,
    log: &LogView,
    record: &RecordId,
    fields: &[String],
) -> Result<RecordProof, NodeError> {
    let state = &sequencer.stores.state;
    let entry = RecordEntry::load(state, &keys::record(record))
        .map_err(|e| NodeError::Store(e.to_string()))?
        .ok_or_else(|| missing("state", "the record is not in it"))?;
    let header = blocks::header_of(log, entry.log_index)?;
    let placed = blocks::statements(log, &header)?;
    let leaf_hashes: Vec<Hash> = placed.iter().map(|placed| placed.signed.leaf_hash()).collect();
    let statement_index = entry.log_index - header.log_size - 1;
    let at = usize::try_from(statement_index).unwrap_or(usize::MAX);
    let place = format!("log, leaf {}", entry.log_index);
    let placed =
        placed.get(at).ok_or_else(|| missing(&place, "it is not in the block of its header"))?;
    let Body::Capture(capture) = &placed.signed.statement().body else {
        return Err(missing(&place, "it is no capture statement"));
    };
    let object = blocks::object(log, &capture.object)?;
    let headers = decode_batch(&object).map_err(|e| missing(&place, &e.to_string()))?;
    let record_index = headers
        .iter()
        .position(|header| batch_leaf_hash(header) == entry.header_hash)
        .ok_or_else(|| missing(&place, "its batch lacks the record"))?;
    let stored = sequencer.stores.open_record(record)?.ok_or_else(|| {
        NodeError::Refused("the vault of this node does not hold this event's fields".to_owned())
    })?;
    let pointers: Vec<&str> = fields.iter().map(String::as_str).collect();
    let openings = disclose(&stored.sources(), &pointers).map_err(|e| {
        NodeError::Refused(match e {
            DiscloseError::Nothing => {
                "all of the event is erased: nothing is left to show".to_owned()
            }
            other => other.to_string(),
        })
    })?;
    RecordProof::new(
        block_proof(log, header.log_size)?,
        (&leaf_hashes, at, &placed.signed.leaf()),
        (&headers, record_index),
        openings.encode(),
    )
    .map_err(|e| missing(&place, &e.to_string()))
}
