//! Members and keys: genesis, member and key statements.

use super::execute::Context;
use super::overlay::Overlay;
use super::refusal::{StatementRefusal as Refusal, Stop};
use crate::cose;
use crate::ids::{KeyId, MemberId, key_id};
use crate::limits::KEYS_PER_MEMBER_MAX;
use crate::state::entries::{KeyEntry, MemberEntry, MemberStatus};
use crate::state::{StateView, keys};
use crate::statement::{
    Genesis, KeyAction, KeyBody, MemberAction, MemberBody, SignedStatement, Statement,
    key_proof_message,
};

/// The sequence number of a key's first statement.
const FIRST_SEQUENCE: u64 = 1;

/// Executes the first statement of a log. `context.genesis` was made from it.
pub(super) fn begin<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    context: &Context<'_>,
    signed: &SignedStatement,
    body: &Genesis,
) -> Result<(), Stop> {
    let statement = signed.statement();
    if statement.sequence != FIRST_SEQUENCE {
        let (expected, found) = (FIRST_SEQUENCE, statement.sequence);
        return Err(Refusal::Sequence { expected, found }.into());
    }
    if !statement.objects.is_empty() {
        return Err(Refusal::Objects("statements of this kind name no objects").into());
    }
    signed.verify(&body.member_key).map_err(|_| Refusal::Signature)?;
    cose::usable_key(&body.log_key)
        .map_err(|_| Refusal::KeyState("the log's key is no usable Ed25519 public key"))?;
    overlay.put(keys::GENESIS.to_vec(), &context.genesis);
    let member = MemberEntry {
        hand: body.hand,
        name_digest: body.name_digest,
        status: MemberStatus::Active,
        roles: Vec::new(),
        since_height: context.height,
        changed_height: context.height,
        active_keys: 1,
    };
    overlay.put(keys::member(&statement.member), &member);
    let key = KeyEntry {
        member: statement.member,
        public_key: body.member_key,
        valid_from_height: context.height,
        revoked_at_height: None,
        next_sequence: FIRST_SEQUENCE + 1,
    };
    overlay.put(keys::signing_key(&statement.key), &key);
    Ok(())
}

/// Executes a member statement.
pub(super) fn member<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    context: &Context<'_>,
    statement: &Statement,
    body: &MemberBody,
) -> Result<(), Stop> {
    let by_itself = statement.member == body.member;
    let by_founder = context.is_founder(&statement.member);
    match &body.action {
        MemberAction::Leave if !by_itself => {
            return Err(Refusal::Permission("a member leaves by its own statement").into());
        }
        MemberAction::Leave => {}
        _ if !by_founder => {
            let rule = "under rule set 1 only the founding member adds, suspends or resumes";
            return Err(Refusal::Permission(rule).into());
        }
        _ => {}
    }
    let key = keys::member(&body.member);
    let known: Option<MemberEntry> = overlay.get(&key)?;
    if let MemberAction::Add { name_digest, hand, roles } = &body.action {
        if known.is_some() {
            return Err(Refusal::MemberState("this member id is on the ledger already").into());
        }
        let entry = MemberEntry {
            hand: *hand,
            name_digest: *name_digest,
            status: MemberStatus::Active,
            roles: roles.clone(),
            since_height: context.height,
            changed_height: context.height,
            active_keys: 0,
        };
        overlay.put(key, &entry);
        return Ok(());
    }
    let mut entry = known.ok_or(Refusal::MemberUnknown(body.member))?;
    if context.is_founder(&body.member) {
        let rule = "under rule set 1 the founding member can neither be suspended nor leave";
        return Err(Refusal::MemberState(rule).into());
    }
    entry.status = match (&body.action, entry.status) {
        (MemberAction::Suspend, MemberStatus::Active) => MemberStatus::Suspended,
        (MemberAction::Resume, MemberStatus::Suspended) => MemberStatus::Active,
        (MemberAction::Leave, MemberStatus::Active) => MemberStatus::Left,
        _ => return Err(Refusal::MemberState("its status does not allow this").into()),
    };
    entry.changed_height = context.height;
    overlay.put(key, &entry);
    Ok(())
}

/// Executes a key statement.
pub(super) fn key<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    context: &Context<'_>,
    statement: &Statement,
    body: &KeyBody,
) -> Result<(), Stop> {
    let member_key = keys::member(&body.member);
    let mut owner: MemberEntry =
        overlay.get(&member_key)?.ok_or(Refusal::MemberUnknown(body.member))?;
    let by_itself = statement.member == body.member;
    let by_founder = context.is_founder(&statement.member);
    match &body.action {
        KeyAction::Register { public_key, proof } => {
            // The founder gives a member its first key, or a new one after all were revoked, but
            // never a further one: that would let it sign in the member's name.
            let is_first = by_founder && owner.active_keys == 0;
            if !by_itself && !is_first {
                let rule = "a member registers its keys itself; the founding member only the \
                            first, or one after all were revoked";
                return Err(Refusal::Permission(rule).into());
            }
            register(overlay, context, &body.member, &owner, public_key, proof)?;
            owner.active_keys += 1;
        }
        KeyAction::Rotate { old, public_key, proof } => {
            if !by_itself {
                return Err(Refusal::Permission("a member rotates its keys itself").into());
            }
            revoke(overlay, context, &body.member, old)?;
            owner.active_keys = owner.active_keys.saturating_sub(1);
            register(overlay, context, &body.member, &owner, public_key, proof)?;
            owner.active_keys += 1;
        }
        KeyAction::Revoke { key } => {
            if !by_itself && !by_founder {
                let rule = "a key is revoked by its member or the founding member";
                return Err(Refusal::Permission(rule).into());
            }
            revoke(overlay, context, &body.member, key)?;
            owner.active_keys = owner.active_keys.saturating_sub(1);
            if owner.active_keys == 0 && context.is_founder(&body.member) {
                let rule = "the founding member's last valid key can be rotated, not revoked";
                return Err(Refusal::KeyState(rule).into());
            }
        }
    }
    overlay.put(member_key, &owner);
    Ok(())
}

fn register<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    context: &Context<'_>,
    member: &MemberId,
    owner: &MemberEntry,
    public_key: &[u8; 32],
    proof: &[u8; 64],
) -> Result<(), Stop> {
    if owner.status != MemberStatus::Active {
        return Err(Refusal::MemberInactive(*member).into());
    }
    if owner.active_keys >= KEYS_PER_MEMBER_MAX {
        return Err(Refusal::KeysTooMany.into());
    }
    let state_key = keys::signing_key(&key_id(public_key));
    if overlay.has(&state_key)? {
        return Err(Refusal::KeyState("this key is or was registered already").into());
    }
    let message = key_proof_message(&context.genesis.origin, member, public_key);
    cose::verify(public_key, &message, proof).map_err(|_| Refusal::Possession)?;
    let entry = KeyEntry {
        member: *member,
        public_key: *public_key,
        valid_from_height: context.height,
        revoked_at_height: None,
        next_sequence: FIRST_SEQUENCE,
    };
    overlay.put(state_key, &entry);
    Ok(())
}

fn revoke<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    context: &Context<'_>,
    member: &MemberId,
    id: &KeyId,
) -> Result<(), Stop> {
    let state_key = keys::signing_key(id);
    let mut entry: KeyEntry = overlay.get(&state_key)?.ok_or(Refusal::KeyUnknown(*id))?;
    if entry.member != *member {
        return Err(Refusal::KeyOfAnother.into());
    }
    if entry.revoked_at_height.is_some() {
        return Err(Refusal::KeyRevoked(*id).into());
    }
    // Statements of this block that came before stay valid, so the interval ends after it.
    entry.revoked_at_height = Some(context.height.saturating_add(1));
    overlay.put(state_key, &entry);
    Ok(())
}
