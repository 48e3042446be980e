//! Idempotency tags: the same document line makes one record, for a stated number of days.

use super::overlay::Overlay;
use super::refusal::RecordFault;
use crate::cbor::{self, Value};
use crate::ids::{RecordId, hex};
use crate::limits::{BUCKETS_SWEPT_PER_BLOCK_MAX, IDEMPOTENCY_DAYS, TAGS_EXPIRED_PER_BLOCK_MAX};
use crate::record_header::RecordHeader;
use crate::state::entries::{SweepEntry, TagEntry};
use crate::state::{StateError, StateView, keys};

/// Milliseconds of a time bucket (an hour).
const BUCKET_MS: u64 = 60 * 60 * 1_000;

/// The time bucket of a time.
pub(super) fn bucket(time_ms: u64) -> u64 {
    time_ms / BUCKET_MS
}

/// The first bucket in which a tag taken now no longer counts.
pub(super) fn expiry(now: u64) -> u64 {
    now.saturating_add(IDEMPOTENCY_DAYS * 24)
}

/// What is wrong with a tag, or with the store.
pub(super) enum TagStop {
    Refused(RecordFault),
    State(StateError),
}

/// Takes a record's tag. A tag in use is taken again only by a record that names the newest one
/// under it as its previous version; that this is a record of the same member is checked before.
pub(super) fn take<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    header: &RecordHeader,
    now: u64,
) -> Result<(), TagStop> {
    let key = keys::tag(&header.idempotency_tag);
    let known: Option<TagEntry> = overlay.get(&key).map_err(TagStop::State)?;
    let count = match known.filter(|tag| now < tag.expires) {
        None => 1,
        Some(tag) if header.previous_version == Some(tag.last_record) => {
            tag.count.saturating_add(1)
        }
        Some(tag) => {
            return Err(TagStop::Refused(RecordFault::Duplicate { earlier: tag.last_record }));
        }
    };
    let last_record: RecordId = header.record_id;
    overlay.put(key, &TagEntry { count, last_record, expires: expiry(now) });
    Ok(())
}

/// Notes a batch's tags in the list of what expires together.
pub(super) fn note<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    tags: &[[u8; 32]],
    now: u64,
) -> Result<(), StateError> {
    let expires = expiry(now);
    let key = keys::expiry(expires);
    let lists = read_count(overlay, &key)?;
    let number = u32::try_from(lists)
        .map_err(|_| StateError::TooLong(format!("lists of expiring tags at {expires}")))?;
    let list = Value::Array(tags.iter().map(|tag| (*tag).into()).collect());
    overlay.put_bytes(keys::expiry_list(expires, number), cbor::encode(&list));
    overlay.put_bytes(key, cbor::encode(&(lists + 1).into()));
    Ok(())
}

/// Begins the sweep with the first bucket in which a tag of this log can expire.
pub(super) fn begin_sweep<V: StateView>(overlay: &mut Overlay<'_, V>, now: u64) {
    overlay.put(keys::SWEEP.to_vec(), &SweepEntry { bucket: expiry(now), list: 0 });
}

/// Removes tags that no longer count, oldest first, a bounded number per block.
pub(super) fn sweep<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    now: u64,
) -> Result<(), StateError> {
    let Some(start) = overlay.get::<SweepEntry>(keys::SWEEP)? else { return Ok(()) };
    let (mut at, mut removed) = (start, 0);
    for _ in 0..BUCKETS_SWEPT_PER_BLOCK_MAX {
        if at.bucket > now {
            break;
        }
        let lists = read_count(overlay, &keys::expiry(at.bucket))?;
        while at.list < lists && removed < TAGS_EXPIRED_PER_BLOCK_MAX {
            removed += remove_list(overlay, &at)?;
            at.list += 1;
        }
        if at.list < lists {
            break;
        }
        if lists > 0 {
            overlay.remove(keys::expiry(at.bucket));
        }
        at = SweepEntry { bucket: at.bucket + 1, list: 0 };
    }
    if at != start {
        overlay.put(keys::SWEEP.to_vec(), &at);
    }
    Ok(())
}

/// Removes one list and those of its tags that were not taken again since.
fn remove_list<V: StateView>(
    overlay: &mut Overlay<'_, V>,
    at: &SweepEntry,
) -> Result<usize, StateError> {
    let key = keys::expiry_list(at.bucket, u32::try_from(at.list).unwrap_or(u32::MAX));
    let damaged = || StateError::Damaged(format!("entry {}", hex(&key)));
    let bytes = overlay.value(&key)?.ok_or_else(damaged)?;
    let Ok(Value::Array(tags)) = cbor::decode(&bytes) else { return Err(damaged()) };
    for tag in &tags {
        let tag = tag.as_bytes().and_then(|b| b.try_into().ok()).ok_or_else(damaged)?;
        let tag_key = keys::tag(tag);
        if overlay.get::<TagEntry>(&tag_key)?.is_some_and(|tag| tag.expires <= at.bucket) {
            overlay.remove(tag_key);
        }
    }
    overlay.remove(key);
    Ok(tags.len())
}

fn read_count<V: StateView>(overlay: &Overlay<'_, V>, key: &[u8]) -> Result<u64, StateError> {
    let Some(bytes) = overlay.value(key)? else { return Ok(0) };
    let count = cbor::decode(&bytes).ok().and_then(|value| value.as_u64());
    count.ok_or_else(|| StateError::Damaged(format!("entry {}", hex(key))))
}
