//! Checking a bundle: every step from the disclosed values up to the trust policy, each named.

use std::collections::{BTreeMap, BTreeSet};

use countermark_tlog::merkle::{self, Hash};
use countermark_tlog::note::{Algorithm, Note, VerifierKey};
use countermark_tlog::policy::Rejected;
use countermark_tlog::{Checkpoint, ProofError};

use super::report::{Check, CheckState, Issuer, LogHead, RecordReport, Report, Verdict};
use super::{BlockProof, Bundle, EntryProof, GENESIS_LEAF_INDEX, RecordProof};
use crate::block::BlockHeader;
use crate::cose;
use crate::ids::{KeyId, MemberId, hex, key_id};
use crate::record::{self, Openings, Verified, Work};
use crate::record_header::{RecordHeader, batch_leaf_hash};
use crate::state::entries::{Entry, KeyEntry, MemberEntry, MemberStatus};
use crate::state::{StateProof, keys as state_keys};
use crate::statement::{Body, Genesis, SignedStatement};
use crate::trust::TrustPolicy;

/// Checks a bundle, against a trust policy if there is one. Needs nothing else.
#[must_use]
pub fn verify(bundle: &Bundle, trust: Option<&TrustPolicy>) -> Report {
    let mut run = Run { bundle, checks: Vec::new(), work: Work::default() };
    let Some((note, checkpoint)) = run.checkpoint_text() else {
        return run.report(trust, None, None, Vec::new());
    };
    // The signature comes before any path is walked, so that an altered checkpoint is named as such.
    if let Some(genesis) = run.genesis(&checkpoint) {
        run.checkpoint_signature(&note, &checkpoint, &genesis);
        run.genesis_place(&checkpoint);
    }
    let head = run.head(&checkpoint);
    let keys = head.as_ref().map(|head| run.keys(head)).unwrap_or_default();
    let records: Vec<RecordReport> = bundle
        .records
        .iter()
        .enumerate()
        .filter_map(|(i, proof)| run.record(i, proof, &checkpoint, &keys))
        .collect();
    run.order();
    let issuer = head.as_ref().and_then(|head| run.issuer(head, &keys));
    run.trust(&note, trust, &records, issuer.as_ref());
    let log = head.map(|head| LogHead {
        origin: checkpoint.origin,
        size: checkpoint.size,
        root: checkpoint.root,
        height: head.height,
        time_ms: head.time_ms,
    });
    run.report(trust, log, issuer, records)
}

struct Run<'a> {
    bundle: &'a Bundle,
    checks: Vec<Check>,
    /// What all records together may cost.
    work: Work,
}

impl Run<'_> {
    fn note(&mut self, check: impl Into<String>, state: CheckState, detail: impl Into<String>) {
        self.checks.push(Check { check: check.into(), state, detail: detail.into() });
    }

    /// Notes the outcome of a step and gives its value on where it holds.
    fn step<T>(
        &mut self,
        check: &str,
        outcome: Result<T, String>,
        proven: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match outcome {
            Ok(value) => {
                let detail = proven(&value);
                self.note(check, CheckState::Proven, detail);
                Some(value)
            }
            Err(detail) => {
                self.note(check, CheckState::Contradicted, detail);
                None
            }
        }
    }

    fn checkpoint_text(&mut self) -> Option<(Note, Checkpoint)> {
        let read = Note::parse(&self.bundle.checkpoint).map_err(|e| e.to_string());
        let read = read.and_then(|note| {
            let checkpoint = Checkpoint::parse(note.text()).map_err(|e| e.to_string())?;
            Ok((note, checkpoint))
        });
        self.step("checkpoint form", read, |(_, checkpoint)| {
            format!("log {}, {} leaves", checkpoint.origin, checkpoint.size)
        })
    }

    /// The newest block: its leaves end the checkpoint's tree.
    fn head(&mut self, checkpoint: &Checkpoint) -> Option<BlockHeader> {
        let header = block(&self.bundle.head.block, checkpoint).and_then(|header| {
            let end = header.log_size.checked_add(1 + header.statement_count);
            if end == Some(checkpoint.size) {
                Ok(header)
            } else {
                Err("the block given as the newest is not the last one of the checkpoint".into())
            }
        });
        self.step("newest block", header, |header| format!("height {}", header.height))
    }

    /// The keys that the newest state proves; exactly those that are used, in order.
    fn keys(&mut self, head: &BlockHeader) -> BTreeMap<KeyId, KeyEntry> {
        let outcome = self.read_keys(head);
        self.step("keys", outcome, |keys| {
            format!("{} in the state of the newest block", keys.len())
        })
        .unwrap_or_default()
    }

    fn read_keys(&self, head: &BlockHeader) -> Result<BTreeMap<KeyId, KeyEntry>, String> {
        let mut keys = BTreeMap::new();
        let mut order = Vec::new();
        for shown in &self.bundle.head.keys {
            let proof = state_proof(shown)?;
            let entry = KeyEntry::decode(&shown.entry).map_err(|e| e.to_string())?;
            let id = key_id(&entry.public_key);
            let entry = KeyEntry::from_proof(&head.state_root, &id, &shown.entry, &proof)
                .map_err(|e| format!("key {}: {e}", hex(&id)))?;
            order.push(id);
            keys.insert(id, entry);
        }
        if !order.is_sorted_by(|a, b| a < b) {
            return Err("the keys do not stand in the order of their ids, each once".into());
        }
        let mut used: BTreeSet<KeyId> = BTreeSet::from([self.bundle.head.issuer_key]);
        for record in &self.bundle.records {
            match SignedStatement::from_leaf(&record.statement_leaf) {
                Ok(signed) => used.insert(signed.statement().key),
                // The record's own check names the statement as what does not hold.
                Err(_) => return Ok(keys),
            };
        }
        if let Some(missing) = used.iter().find(|id| !keys.contains_key(*id)) {
            return Err(format!("key {} signed but is not shown", hex(missing)));
        }
        match order.iter().find(|id| !used.contains(*id)) {
            Some(id) => Err(format!("key {} is shown but signed nothing here", hex(id))),
            None => Ok(keys),
        }
    }

    fn record(
        &mut self,
        i: usize,
        proof: &RecordProof,
        checkpoint: &Checkpoint,
        keys: &BTreeMap<KeyId, KeyEntry>,
    ) -> Option<RecordReport> {
        let place = if self.bundle.records.len() == 1 {
            String::new()
        } else {
            format!(" of record {}", i + 1)
        };
        let name = |what: &str| format!("{what}{place}");
        let header = RecordHeader::decode(&proof.record_header).map_err(|e| e.to_string());
        let header =
            header.and_then(|header| header.check().map(|()| header).map_err(|e| e.to_string()));
        let header =
            self.step(&name("record header"), header, |h| format!("record {}", hex(&h.record_id)))?;
        let shown = disclosed(proof, &header, &mut self.work);
        let verified = self.step(&name("disclosed values"), shown, |verified| {
            format!("{} lead to the record's class digests", verified.disclosures.len())
        });
        let left_out = verified.as_ref().map(Verified::left_out).unwrap_or_default();
        if !left_out.is_empty() {
            let classes: Vec<&str> = left_out.iter().map(|class| class.name()).collect();
            self.note(name("classes not shown"), CheckState::NotChecked, classes.join(", "));
        }
        let signed = statement(proof, &header, keys, checkpoint);
        let signed = self.step(&name("statement"), signed, |(signed, _)| {
            format!("signed by key {}", hex(&signed.statement().key))
        });
        let located = block(&proof.block, checkpoint).and_then(|block_header| {
            let (signed, key) =
                signed.as_ref().ok_or_else(|| "its statement does not hold".to_owned())?;
            in_block(proof, signed, key, &block_header).map(|()| block_header)
        });
        let located = self.step(&name("place in the log"), located, |header| {
            format!("block {}, {} leaves before it", header.height, header.log_size)
        });
        let ((_, key), block_header, verified) = (signed?, located?, verified?);
        Some(RecordReport {
            record_id: header.record_id,
            member: key.member,
            member_name: None,
            height: block_header.height,
            block_time_ms: block_header.time_ms,
            verified,
        })
    }

    /// What reading a file has checked already, for bundles that were not read.
    fn order(&mut self) {
        if self.bundle.records.is_empty() {
            let detail = "a bundle proves at least one record";
            self.note("records", CheckState::Contradicted, detail);
        }
        let rising = self.bundle.records.is_sorted_by(|a, b| a.position() < b.position());
        if !rising {
            let detail = "the records do not stand in the order of the log, each once";
            self.note("order of records", CheckState::Contradicted, detail);
        }
    }

    /// Who made the bundle, and that all of it is covered by the signature.
    fn issuer(&mut self, head: &BlockHeader, keys: &BTreeMap<KeyId, KeyEntry>) -> Option<Issuer> {
        let id = self.bundle.head.issuer_key;
        let outcome = issuing_key(self.bundle, head, keys);
        let key = self.step("issuer", outcome, |key| {
            format!("member {}, active at height {}", hex(&key.member), head.height)
        })?;
        let covered =
            cose::verify(&key.public_key, &self.bundle.signed_bytes(), &self.bundle.signature);
        let covered = covered
            .map_err(|_| "the issuer's signature does not cover this bundle as it is".to_owned());
        self.step("bundle signature", covered, |()| "covers every byte".to_owned())?;
        Some(Issuer {
            member: key.member,
            member_name: None,
            key: id,
            issued_at_ms: self.bundle.issued_at_ms,
        })
    }

    /// The log's first statement, which names the log's key.
    fn genesis(&mut self, checkpoint: &Checkpoint) -> Option<Genesis> {
        let outcome = genesis(self.bundle, checkpoint);
        self.step("genesis statement", outcome, |genesis| {
            format!("log key {}", hex(&key_id(&genesis.log_key)))
        })
    }

    fn checkpoint_signature(&mut self, note: &Note, checkpoint: &Checkpoint, genesis: &Genesis) {
        let key = VerifierKey::new(&checkpoint.origin, Algorithm::Ed25519, &genesis.log_key);
        let outcome = key.map_err(|e| e.to_string()).and_then(|key| {
            note.verify(&[key]).map(|_| ()).map_err(|_| {
                "the checkpoint is not signed with the log key of the genesis".to_owned()
            })
        });
        self.step("checkpoint signature", outcome, |()| "by the log's own key".to_owned());
    }

    fn genesis_place(&mut self, checkpoint: &Checkpoint) {
        let proof = &self.bundle.genesis;
        let leaf = merkle::leaf_hash(&proof.leaf);
        let outcome = included(&leaf, GENESIS_LEAF_INDEX, &proof.path, checkpoint)
            .map_err(|e| format!("the genesis statement is not the log's first: {e}"));
        self.step("place of the genesis", outcome, |()| "first of this log".to_owned());
    }

    fn trust(
        &mut self,
        note: &Note,
        trust: Option<&TrustPolicy>,
        records: &[RecordReport],
        issuer: Option<&Issuer>,
    ) {
        let Some(trust) = trust else {
            let detail = "no trust policy was given: anyone could have made this log";
            self.note("log key", CheckState::NotChecked, detail);
            self.unknown_lines(note, 1);
            return;
        };
        let accepted = trust.policy.check(note).map_err(|rejected| match rejected {
            Rejected::Log { .. } | Rejected::Note(_) => {
                "the checkpoint is not signed by a log of the trust policy".to_owned()
            }
            other => other.to_string(),
        });
        let accepted = self.step("log key", accepted, |accepted| {
            format!("log {} of the trust policy", accepted.checkpoint.origin)
        });
        if let Some(accepted) = accepted {
            self.unknown_lines(note, accepted.logs.len() + accepted.witnesses.len());
        }
        let found = merkle::leaf_hash(&self.bundle.genesis.leaf);
        let pinned = if found == trust.genesis {
            Ok(())
        } else {
            let (found, wanted) = (hex(&found), hex(&trust.genesis));
            Err(format!("the ledger began with {found}, the trust policy pins {wanted}"))
        };
        self.step("ledger", pinned, |()| "the one that the trust policy pins".to_owned());
        let stranger = records
            .iter()
            .map(|record| record.member)
            .chain(issuer.map(|issuer| issuer.member))
            .find(|member| !trust.accepts(member));
        let members = match stranger {
            None => Ok(()),
            Some(member) => Err(format!("member {} is not in the trust policy", hex(&member))),
        };
        self.step("members", members, |()| "all in the trust policy".to_owned());
    }

    /// Signature lines that nobody here knows the key of: C2SP has them ignored, the report says so.
    fn unknown_lines(&mut self, note: &Note, known: usize) {
        let unknown = note.signatures().len().saturating_sub(known);
        if unknown > 0 {
            let detail = format!("{unknown} signature lines of the checkpoint are of unknown keys");
            self.note("cosignatures", CheckState::NotChecked, detail);
        }
    }

    fn report(
        self,
        trust: Option<&TrustPolicy>,
        log: Option<LogHead>,
        mut issuer: Option<Issuer>,
        mut records: Vec<RecordReport>,
    ) -> Report {
        let fault = self.checks.iter().find(|check| check.state == CheckState::Contradicted);
        if let Some(fault) = fault {
            let message = format!("Does not hold: {}: {}.", fault.check, fault.detail);
            let verdict = Verdict::DoesNotHold;
            let (checks, records) = (self.checks, Vec::new());
            return Report { verdict, message, checks, log: None, issuer: None, records };
        }
        let name = |member: &MemberId| Some(trust?.name_of(member)?.to_owned());
        for record in &mut records {
            record.member_name = name(&record.member);
        }
        if let Some(issuer) = &mut issuer {
            issuer.member_name = name(&issuer.member);
        }
        let (verdict, message) = match trust {
            Some(trust) if trust.members.is_empty() => {
                (Verdict::Holds, "Holds, in the log that the policy trusts.")
            }
            Some(_) => {
                (Verdict::Holds, "Holds, in the log and of the members that the policy trusts.")
            }
            None => (
                Verdict::LogKeyNotChecked,
                "consistent; log key not checked: give --trust to check whose log it is.",
            ),
        };
        let message = message.to_owned();
        Report { verdict, message, checks: self.checks, log, issuer, records }
    }
}

fn state_proof(shown: &EntryProof) -> Result<StateProof, String> {
    StateProof::decode(&shown.proof).map_err(|e| e.to_string())
}

/// The issuer's key: proven, not revoked, of an active member.
fn issuing_key(
    bundle: &Bundle,
    head: &BlockHeader,
    keys: &BTreeMap<KeyId, KeyEntry>,
) -> Result<KeyEntry, String> {
    let id = &bundle.head.issuer_key;
    let key = keys.get(id).ok_or("the issuer's key is not proven")?;
    if !key.valid_at(head.height) {
        return Err(format!("the issuer's key {} is revoked", hex(id)));
    }
    let shown = &bundle.head.issuer;
    state_proof(shown)?
        .verify_present(&head.state_root, &state_keys::member(&key.member), &shown.entry)
        .map_err(|e| format!("member {}: {e}", hex(&key.member)))?;
    let member = MemberEntry::decode(&shown.entry).map_err(|e| e.to_string())?;
    match member.status {
        MemberStatus::Active => Ok(key.clone()),
        MemberStatus::Suspended => Err(format!("member {} is suspended", hex(&key.member))),
        MemberStatus::Left => Err(format!("member {} has left", hex(&key.member))),
    }
}

/// What the openings show, where they are in their one encoding and lead to the class digests.
fn disclosed(
    proof: &RecordProof,
    header: &RecordHeader,
    work: &mut Work,
) -> Result<Verified, String> {
    let openings = Openings::decode(&proof.openings).map_err(|e| e.to_string())?;
    if openings.encode() != proof.openings {
        return Err("the openings are not in their one encoding".to_owned());
    }
    record::verify_within(&header.class_digests, &openings, work).map_err(|e| e.to_string())
}

/// A block's header, where its leaf stands in the checkpoint's tree and says so itself.
fn block(proof: &BlockProof, checkpoint: &Checkpoint) -> Result<BlockHeader, String> {
    let header = BlockHeader::from_leaf(&proof.header_leaf).map_err(|e| e.to_string())?;
    let leaf = merkle::leaf_hash(&proof.header_leaf);
    included(&leaf, proof.index, &proof.path, checkpoint)
        .map_err(|e| format!("the header of block {}: {e}", header.height))?;
    if header.log_size != proof.index {
        return Err("the block's header does not stand where it says".to_owned());
    }
    if header.origin != checkpoint.origin {
        return Err(format!("the block is of the log {}", header.origin));
    }
    Ok(header)
}

fn included(
    leaf: &Hash,
    index: u64,
    path: &[Hash],
    checkpoint: &Checkpoint,
) -> Result<(), ProofError> {
    merkle::verify_inclusion(leaf, index, checkpoint.size, path, &checkpoint.root)
}

/// The statement: its signature, and that it captured this record.
fn statement(
    proof: &RecordProof,
    header: &RecordHeader,
    keys: &BTreeMap<KeyId, KeyEntry>,
    checkpoint: &Checkpoint,
) -> Result<(SignedStatement, KeyEntry), String> {
    let signed = SignedStatement::from_leaf(&proof.statement_leaf).map_err(|e| e.to_string())?;
    let statement = signed.statement();
    let Body::Capture(capture) = &statement.body else {
        return Err("the statement captures nothing".to_owned());
    };
    let leaf = batch_leaf_hash(&proof.record_header);
    merkle::verify_inclusion(
        &leaf,
        proof.record_index,
        capture.count,
        &proof.record_path,
        &capture.batch_root,
    )
    .map_err(|e| format!("the record is not in the statement's batch: {e}"))?;
    if statement.origin != checkpoint.origin {
        return Err(format!("the statement is for the log {}", statement.origin));
    }
    if (header.signing_key, header.key_sequence) != (statement.key, statement.sequence) {
        return Err("the record names another key or sequence than its statement".to_owned());
    }
    let key = keys.get(&statement.key).ok_or("the signing key is not proven")?;
    if key.member != statement.member {
        return Err("the signing key belongs to another member than the statement says".to_owned());
    }
    signed.verify(&key.public_key).map_err(|e| e.to_string())?;
    Ok((signed.clone(), key.clone()))
}

/// That the block holds the statement, and the key was valid there.
fn in_block(
    proof: &RecordProof,
    signed: &SignedStatement,
    key: &KeyEntry,
    header: &BlockHeader,
) -> Result<(), String> {
    merkle::verify_inclusion(
        &signed.leaf_hash(),
        proof.statement_index,
        header.statement_count,
        &proof.statement_path,
        &header.statements_root,
    )
    .map_err(|e| format!("the statement is not in block {}: {e}", header.height))?;
    if key.valid_at(header.height) {
        Ok(())
    } else {
        Err(format!("the signing key was not valid in block {}", header.height))
    }
}

fn genesis(bundle: &Bundle, checkpoint: &Checkpoint) -> Result<Genesis, String> {
    let signed = SignedStatement::from_leaf(&bundle.genesis.leaf).map_err(|e| e.to_string())?;
    let Body::Genesis(genesis) = &signed.statement().body else {
        return Err("the statement is no genesis".to_owned());
    };
    signed.verify(&genesis.member_key).map_err(|e| e.to_string())?;
    if signed.statement().origin != checkpoint.origin {
        return Err(format!("the genesis is of the log {}", signed.statement().origin));
    }
    Ok(genesis.clone())
}
