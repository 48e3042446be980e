//! Capture statements: a batch of record headers.

use super::execute::Context;
use super::overlay::Overlay;
use super::refusal::{BatchFault, RecordFault, StatementRefusal as Refusal, Stop};
use super::tags::{self, TagStop};
use crate::ids::Hash;
use crate::record_header::{
    RecordHeader, RecordHeaderError, batch_leaf_hashes, decode_batch, record_roots,
};
use crate::state::entries::RecordEntry;
use crate::state::{StateError, StateView, keys};
use crate::statement::{Capture, Statement};
use countermark_tlog::merkle;

/// What stops a record.
enum RecordStop {
    Refused(RecordFault),
    State(StateError),
}

impl From<RecordFault> for RecordStop {
    fn from(fault: RecordFault) -> Self {
        RecordStop::Refused(fault)
    }
}

impl From<StateError> for RecordStop {
    fn from(error: StateError) -> Self {
        RecordStop::State(error)
    }
}

/// Executes a capture statement: every record of the batch holds, or none is taken.
pub(super) fn capture<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    context: &Context<'_>,
    statement: &Statement,
    body: &Capture,
) -> Result<(), Stop> {
    if statement.objects != [body.object] {
        let rule = "a capture statement names the object of its batch and no other";
        return Err(Refusal::Objects(rule).into());
    }
    let object = context.objects.get(&body.object).ok_or(Refusal::ObjectMissing(body.object))?;
    let headers = decode_batch(object).map_err(BatchFault::Object)?;
    if headers.len() as u64 != body.count {
        return Err(BatchFault::Count { stated: body.count, found: headers.len() }.into());
    }
    let leaves = batch_leaf_hashes(&headers);
    if merkle::root(&leaves) != body.batch_root {
        return Err(BatchFault::Root.into());
    }
    let mut taken = Vec::with_capacity(headers.len());
    for (index, (header, leaf)) in read(&headers).into_iter().zip(&leaves).enumerate() {
        match record(overlay, context, statement, header, leaf) {
            Ok(tag) => taken.push(tag),
            Err(RecordStop::Refused(fault)) => return Err(Refusal::Record { index, fault }.into()),
            Err(RecordStop::State(error)) => return Err(error.into()),
        }
    }
    tags::note(overlay, &taken, context.bucket())?;
    Ok(())
}

/// Reads headers and compares their roots, all together.
fn read(headers: &[Vec<u8>]) -> Vec<Result<RecordHeader, RecordHeaderError>> {
    let read: Vec<_> = headers.iter().map(|bytes| RecordHeader::decode(bytes)).collect();
    let digests: Vec<_> = read.iter().flatten().map(|header| header.class_digests).collect();
    let mut roots = record_roots(&digests).into_iter();
    let mut check = |header: RecordHeader| match roots.next() {
        Some(root) if root == header.root => Ok(header),
        _ => Err(RecordHeaderError::Root),
    };
    read.into_iter().map(|header| header.and_then(&mut check)).collect()
}

/// Takes one record; gives its idempotency tag.
fn record<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    context: &Context<'_>,
    statement: &Statement,
    header: Result<RecordHeader, RecordHeaderError>,
    leaf: &Hash,
) -> Result<[u8; 32], RecordStop> {
    let header = header.map_err(RecordFault::Header)?;
    if header.signing_key != statement.key || header.key_sequence != statement.sequence {
        return Err(RecordFault::Signer.into());
    }
    if header.rule_set != context.rules.number {
        return Err(RecordFault::RuleSet(context.rules.number).into());
    }
    if header.time_bucket > context.bucket() {
        return Err(RecordFault::Time.into());
    }
    let key = keys::record(&header.record_id);
    if overlay.has(&key)? {
        return Err(RecordFault::IdKnown(header.record_id).into());
    }
    if let Some(previous) = &header.previous_version {
        let previous: Option<RecordEntry> = overlay.get(&keys::record(previous))?;
        if previous.is_none_or(|record| record.member != statement.member) {
            return Err(RecordFault::PreviousVersion.into());
        }
    }
    tags::take(overlay, &header, context.bucket()).map_err(|stop| match stop {
        TagStop::Refused(fault) => RecordStop::Refused(fault),
        TagStop::State(error) => RecordStop::State(error),
    })?;
    let entry = RecordEntry {
        member: statement.member,
        height: context.height,
        header_hash: *leaf,
        log_index: context.log_index,
        erased: 0,
    };
    overlay.put(key, &entry);
    Ok(header.idempotency_tag)
}
