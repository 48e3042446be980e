//! Executing one statement: the public checks, then its effect on the state.

use super::overlay::Overlay;
use super::refusal::{StatementRefusal as Refusal, Stop};
use super::rules::RuleSet;
use super::{capture, membership, tags};
use crate::ids::{Hash, MemberId};
use crate::limits::{CLOCK_JUMP_MS_MAX, ENDORSERS_MAX, OBJECT_BYTES_MAX};
use crate::registry::StatementKind;
use crate::state::entries::{
    ClockEntry, DocumentEntry, EndorsedEntry, GenesisEntry, KeyEntry, MemberEntry, MemberStatus,
    RecordEntry, StatementEntry,
};
use crate::state::{StateView, keys};
use crate::statement::{
    Body, Clock, Document, DocumentDigest, Endorsement, Erasure, SignedStatement, Statement,
    StatementError,
};
use std::collections::BTreeMap;

/// What a statement is executed under.
pub(super) struct Context<'a> {
    pub(super) rules: &'static RuleSet,
    pub(super) genesis: GenesisEntry,
    pub(super) height: u64,
    pub(super) time_ms: u64,
    pub(super) parent_time_ms: Option<u64>,
    /// Log index that the statement gets.
    pub(super) log_index: u64,
    /// The objects at hand, by hash.
    pub(super) objects: &'a BTreeMap<Hash, &'a [u8]>,
}

impl Context<'_> {
    /// The time bucket of the block.
    pub(super) fn bucket(&self) -> u64 {
        tags::bucket(self.time_ms)
    }

    /// Whether the member is the one that began the log: under rule set 1 the operator.
    pub(super) fn is_founder(&self, member: &MemberId) -> bool {
        self.genesis.member == *member
    }
}

/// Reads a statement as far as the state is not needed.
pub(super) fn read(bytes: &[u8], rules: &RuleSet) -> Result<SignedStatement, Refusal> {
    let kind = match SignedStatement::decode(bytes) {
        Ok(signed) if rules.executes(signed.statement().kind()) => return Ok(signed),
        Ok(signed) => signed.statement().kind(),
        Err(StatementError::LaterKind(kind)) => kind,
        Err(error) => return Err(error.into()),
    };
    Err(Refusal::KindNotExecuted { kind, rule_set: rules.number })
}

/// Executes a statement other than the first of the log; its changes are left in the overlay's
/// statement layer.
pub(super) fn execute<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    context: &Context<'_>,
    signed: &SignedStatement,
) -> Result<(), Stop> {
    let statement = signed.statement();
    if statement.origin != context.genesis.origin {
        return Err(Refusal::Origin(statement.origin.clone()).into());
    }
    if statement.kind() == StatementKind::Genesis {
        return Err(Refusal::Genesis.into());
    }
    let signer = check_signer(overlay, context, signed)?;
    check_objects(context, statement)?;
    match &statement.body {
        Body::Genesis(_) => return Err(Refusal::Genesis.into()),
        Body::Member(body) => membership::member(overlay, context, statement, body)?,
        Body::Key(body) => membership::key(overlay, context, statement, body)?,
        Body::Capture(body) => capture::capture(overlay, context, statement, body)?,
        Body::Endorsement(body) => endorse(overlay, statement, &signer, body)?,
        Body::Document(body) => document(overlay, context, statement, body)?,
        Body::Erasure(body) => erase(overlay, context, statement, body)?,
        Body::Clock(body) => clock(overlay, context, statement, body)?,
    }
    note_statement(overlay, context, signed);
    Ok(())
}

/// Key, membership, sequence and signature; the key's sequence is moved on.
fn check_signer<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    context: &Context<'_>,
    signed: &SignedStatement,
) -> Result<MemberEntry, Stop> {
    let statement = signed.statement();
    let state_key = keys::signing_key(&statement.key);
    let mut key: KeyEntry = overlay.get(&state_key)?.ok_or(Refusal::KeyUnknown(statement.key))?;
    // A revocation counts at once within its block, although the entry's interval ends with it.
    if key.revoked_at_height.is_some() || !key.valid_at(context.height) {
        return Err(Refusal::KeyRevoked(statement.key).into());
    }
    if key.member != statement.member {
        return Err(Refusal::KeyOfAnother.into());
    }
    let member: MemberEntry = overlay
        .get(&keys::member(&statement.member))?
        .ok_or(Refusal::MemberUnknown(statement.member))?;
    if member.status != MemberStatus::Active {
        return Err(Refusal::MemberInactive(statement.member).into());
    }
    if statement.sequence != key.next_sequence {
        let (expected, found) = (key.next_sequence, statement.sequence);
        return Err(Refusal::Sequence { expected, found }.into());
    }
    signed.verify(&key.public_key).map_err(|_| Refusal::Signature)?;
    key.next_sequence = key.next_sequence.saturating_add(1);
    overlay.put(state_key, &key);
    Ok(member)
}

fn check_objects(context: &Context<'_>, statement: &Statement) -> Result<(), Refusal> {
    for (i, hash) in statement.objects.iter().enumerate() {
        if statement.objects[..i].contains(hash) {
            return Err(Refusal::Objects("an object is named twice"));
        }
        match context.objects.get(hash) {
            None => return Err(Refusal::ObjectMissing(*hash)),
            Some(object) if object.len() > OBJECT_BYTES_MAX => {
                return Err(Refusal::Objects("an object is longer than the limit"));
            }
            Some(_) => {}
        }
    }
    // Only a capture has an object, the batch; its own check compares the two.
    if statement.kind() != StatementKind::Capture && !statement.objects.is_empty() {
        return Err(Refusal::Objects("statements of this kind name no objects"));
    }
    Ok(())
}

/// Notes the statement itself, so that it can be found and endorsed by its hash.
pub(super) fn note_statement<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    context: &Context<'_>,
    signed: &SignedStatement,
) {
    let statement = signed.statement();
    let entry = StatementEntry {
        kind: statement.kind().number(),
        member: statement.member,
        height: context.height,
        log_index: context.log_index,
    };
    overlay.put(keys::statement(&signed.leaf_hash()), &entry);
}

fn endorse<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    statement: &Statement,
    signer: &MemberEntry,
    body: &Endorsement,
) -> Result<(), Stop> {
    let (key, hash, maker) = match body {
        Endorsement::Record { id, hash } => {
            let record: Option<RecordEntry> = overlay.get(&keys::record(id))?;
            let record = record.filter(|record| record.header_hash == *hash);
            (keys::endorsed_record(id), *hash, record.map(|record| record.member))
        }
        Endorsement::Statement { hash } => {
            let of: Option<StatementEntry> = overlay.get(&keys::statement(hash))?;
            (keys::endorsed_statement(hash), *hash, of.map(|statement| statement.member))
        }
    };
    let maker = maker.ok_or(Refusal::EndorsedUnknown)?;
    let maker: Option<MemberEntry> = overlay.get(&keys::member(&maker))?;
    let mut entry = overlay
        .get::<EndorsedEntry>(&key)?
        .unwrap_or(EndorsedEntry { hash, endorsers: Vec::new() });
    let place = entry.endorsers.binary_search_by_key(&signer.hand, |(hand, _)| *hand);
    match place {
        Err(at) if maker.is_none_or(|maker| maker.hand != signer.hand) => {
            if entry.endorsers.len() >= ENDORSERS_MAX {
                return Err(Refusal::EndorsersTooMany.into());
            }
            entry.endorsers.insert(at, (signer.hand, statement.member));
        }
        _ => return Err(Refusal::EndorsedAlready.into()),
    }
    overlay.put(key, &entry);
    Ok(())
}

fn document<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    context: &Context<'_>,
    statement: &Statement,
    body: &Document,
) -> Result<(), Stop> {
    let key = keys::document(&body.document);
    if overlay.has(&key)? {
        return Err(Refusal::DocumentKnown.into());
    }
    let (open, digest) = match body.digest {
        DocumentDigest::Salted(digest) => (false, digest),
        DocumentDigest::Open(digest) => (true, digest),
    };
    let (member, height) = (statement.member, context.height);
    overlay.put(key, &DocumentEntry { member, height, open, digest });
    Ok(())
}

fn erase<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    context: &Context<'_>,
    statement: &Statement,
    body: &Erasure,
) -> Result<(), Stop> {
    let key = keys::record(&body.record);
    let mut record: RecordEntry =
        overlay.get(&key)?.ok_or(Refusal::Erasure("the record is not on the ledger"))?;
    if record.member != statement.member {
        return Err(Refusal::Permission("only the member that owns a record erases it").into());
    }
    if body.time_ms > context.time_ms {
        return Err(Refusal::Erasure("its time lies after the block's time").into());
    }
    let mask = body.classes.iter().fold(0u64, |mask, class| mask | 1 << (class & 63));
    if record.erased & mask != 0 {
        return Err(Refusal::Erasure("a field class that it names is erased already").into());
    }
    record.erased |= mask;
    overlay.put(key, &record);
    Ok(())
}

fn clock<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    context: &Context<'_>,
    statement: &Statement,
    body: &Clock,
) -> Result<(), Stop> {
    if !context.is_founder(&statement.member) {
        return Err(Refusal::Permission("only the founding member confirms the clock").into());
    }
    let refused = |rule| Err(Refusal::Clock(rule).into());
    if body.height != context.height || Some(body.previous_ms) != context.parent_time_ms {
        return refused("it names another height or another time before the jump");
    }
    if body.new_ms.saturating_sub(body.previous_ms) <= CLOCK_JUMP_MS_MAX {
        return refused("there is no jump to confirm");
    }
    if body.new_ms > context.time_ms {
        return refused("the confirmed time lies after the block's time");
    }
    let key = keys::clock(context.height);
    if overlay.has(&key)? {
        return refused("the jump is confirmed already");
    }
    let (previous_ms, new_ms, member) = (body.previous_ms, body.new_ms, statement.member);
    overlay.put(key, &ClockEntry { previous_ms, new_ms, member });
    Ok(())
}
