//! Doing again from the log what a crash or a rebuild left undone: state, index, erasures.

use std::collections::{BTreeMap, BTreeSet};

use countermark_epcis::Facts;
use countermark_ledger::block::BlockHeader;
use countermark_ledger::ids::{MemberId, RecordId, hex};
use countermark_ledger::machine;
use countermark_ledger::record_header::{RecordHeader, decode_batch};
use countermark_ledger::state::{StateHead, StateStore, StateView};
use countermark_ledger::statement::Body;
use countermark_store::index::{BlockRows, LogPosition, RecordRow};
use countermark_store::log_store::LogView;
use countermark_store::vault::{Location, Vault, VaultError};

use crate::blocks;
use crate::error::NodeError;
use crate::progress::Progress;
use crate::sequencer::index_erasure;
use crate::stores::{Stores, erased_bits, event_of, index_location, store_error};

/// Where the vaults of this node keep every record: needed where the index does not know it.
pub(crate) type Places = BTreeMap<RecordId, (MemberId, Location)>;

/// State and index must be of the log's history, and not ahead of it. Asked before the vaults are
/// opened: a log that is the wrong one says nothing about them.
pub(crate) fn check_history(stores: &Stores) -> Result<(), NodeError> {
    let head = stores.state.head().map_err(|e| store_error(&e))?;
    let state_next = head.as_ref().map_or(0, |head| head.height + 1);
    let indexed = stores.index.read()?.applied_height().map_err(|e| store_error(&e))?;
    let index_next = indexed.map_or(0, |height| height + 1);
    let newest = blocks::newest(&stores.log)?;
    let ahead = newest.as_ref().map_or(0, |newest| newest.height + 1);
    if state_next > ahead || index_next > ahead {
        let end = newest.map_or_else(
            || "it has no block".to_owned(),
            |newest| format!("it ends at block {}", newest.height),
        );
        return Err(NodeError::Damaged {
            place: "log".to_owned(),
            what: format!(
                "{end}, but state or index know of block {}: the log was restored from an older \
                 copy or cut off; bring back the newer one",
                state_next.max(index_next) - 1
            ),
        });
    }
    if let Some(head) = head {
        check_head(stores, &head)?;
    }
    Ok(())
}

/// Brings state and index to the height of the log, whose history they are of.
pub(crate) fn catch_up(stores: &mut Stores, progress: &dyn Progress) -> Result<(), NodeError> {
    let head = stores.state.head().map_err(|e| store_error(&e))?;
    let state_next = head.as_ref().map_or(0, |head| head.height + 1);
    let indexed = stores.index.read()?.applied_height().map_err(|e| store_error(&e))?;
    let index_next = indexed.map_or(0, |height| height + 1);
    let newest = blocks::newest(&stores.log)?;
    let ahead = newest.as_ref().map_or(0, |newest| newest.height + 1);
    let first = state_next.min(index_next);
    if first == ahead {
        return Ok(());
    }
    let headers = blocks::headers_from(&stores.log, first)?;
    let places = if index_next < ahead { places(&stores.vaults)? } else { Places::new() };
    for header in &headers {
        if header.height >= state_next {
            apply_state(stores, header)?;
        }
        if header.height >= index_next {
            let rows = rows(stores, header, &places)?;
            finish_erasures(stores, &rows, &places)?;
            let mut index = stores.index.catch_up()?;
            index.apply_lazily(&rows).map_err(|e| store_error(&e))?;
            if header.height % BLOCKS_SETTLED == 0 {
                index.settle().map_err(|e| store_error(&e))?;
            }
        }
        progress.at("blocks read again", header.height + 1 - first, ahead - first);
    }
    stores.index.read()?.settle().map_err(|e| store_error(&e))
}

/// The state must be the one that the log gives at its height; else it is of another history.
fn check_head(stores: &Stores, head: &StateHead) -> Result<(), NodeError> {
    let header = blocks::header_at(&stores.log, head.height)?;
    if header.is_some_and(|header| header.state_root == head.root) {
        return Ok(());
    }
    Err(NodeError::Damaged {
        place: format!("state.db, block {}", head.height),
        what: "its root is not the one that the log states: log or state.db was exchanged for one \
               of another history; if the log is the right one, delete state.db and run \
               `countermark index rebuild`"
            .to_owned(),
    })
}

fn apply_state(stores: &mut Stores, header: &BlockHeader) -> Result<(), NodeError> {
    let tip = blocks::tip_before(&stores.log, header)?;
    let block = blocks::block(&stores.log, header.clone())?;
    let effects = machine::apply(&stores.state, &tip, &block).map_err(|e| NodeError::Damaged {
        place: format!("block {}", header.height),
        what: e.to_string(),
    })?;
    stores.state.commit(header.height, &effects.writes).map_err(|e| store_error(&e))
}

/// Blocks that are put in the index before it is settled.
const BLOCKS_SETTLED: u64 = 32;

/// The newest record that the log names of each of these members: their vaults must hold it.
///
/// Walks back until each member's is found: a member that never captured costs a walk to the start.
pub(crate) fn newest_records(
    log: &LogView,
    members: &BTreeSet<MemberId>,
) -> Result<BTreeMap<MemberId, RecordId>, NodeError> {
    let mut found = BTreeMap::new();
    let mut next = blocks::newest(log)?;
    while let Some(header) = next.filter(|_| found.len() < members.len()) {
        for placed in blocks::statements(log, &header)?.iter().rev() {
            let statement = placed.signed.statement();
            let Body::Capture(capture) = &statement.body else { continue };
            if found.contains_key(&statement.member) || !members.contains(&statement.member) {
                continue;
            }
            let object = blocks::object(log, &capture.object)?;
            let headers = decode_batch(&object).map_err(|e| store_error(&e))?;
            let Some(last) = headers.last() else { continue };
            let record = RecordHeader::decode(last).map_err(|e| store_error(&e))?;
            found.insert(statement.member, record.record_id);
        }
        next = match header.log_size.checked_sub(1) {
            None => None,
            Some(last) => Some(blocks::header_of(log, last)?),
        };
    }
    Ok(found)
}

/// Where every record lies, from the vaults themselves.
pub(crate) fn places(vaults: &BTreeMap<MemberId, Vault>) -> Result<Places, NodeError> {
    let mut places = Places::new();
    for (member, vault) in vaults {
        vault
            .scan(|record, location| {
                places.insert(record, (*member, location));
                Ok::<(), VaultError>(())
            })
            .map_err(|e| store_error(&e))?;
    }
    Ok(places)
}

/// What the index takes of a block, made from log and vault.
pub(crate) fn rows(
    stores: &Stores,
    header: &BlockHeader,
    places: &Places,
) -> Result<BlockRows, NodeError> {
    let mut rows = BlockRows { height: header.height, ..BlockRows::default() };
    for placed in blocks::statements(&stores.log, header)? {
        let statement = placed.signed.statement();
        match &statement.body {
            Body::Capture(capture) => {
                let object = blocks::object(&stores.log, &capture.object)?;
                let headers = decode_batch(&object).map_err(|e| store_error(&e))?;
                for (batch_index, bytes) in (0u16..).zip(&headers) {
                    let record = RecordHeader::decode(bytes).map_err(|e| store_error(&e))?;
                    let position = LogPosition { leaf_index: placed.index, batch_index };
                    rows.records.push(row(
                        stores,
                        header,
                        &record,
                        statement.member,
                        position,
                        places,
                    )?);
                }
            }
            Body::Erasure(erasure) => rows.erasures.push(index_erasure(erasure)),
            _ => {}
        }
    }
    Ok(rows)
}

fn row(
    stores: &Stores,
    header: &BlockHeader,
    record: &RecordHeader,
    member: MemberId,
    position: LogPosition,
    places: &Places,
) -> Result<RecordRow, NodeError> {
    let place = places.get(&record.record_id);
    if place.is_none() && stores.vaults.contains_key(&member) {
        // The bodies were durable before the block was: the vault has lost them.
        return Err(NodeError::Damaged {
            place: format!("vault/{}, record {}", hex(&member), hex(&record.record_id)),
            what:
                "the ledger names it and the vault does not hold it; bring the vault back from a \
                   backup"
                    .to_owned(),
        });
    }
    let mut row = RecordRow {
        position,
        record_id: record.record_id,
        member,
        facts: None,
        record_time_ms: i64::try_from(header.time_ms).unwrap_or(i64::MAX),
        vault: place.map(|(_, location)| index_location(*location)),
        erased: 0,
        previous: record.previous_version,
    };
    if let Some((holder, location)) = place
        && let Some(vault) = stores.vaults.get(holder)
    {
        let stored = vault.get(*location, &record.record_id).map_err(|e| store_error(&e))?;
        row.erased = erased_bits(&stored);
        // What erasure left may be no event any more, and what was taken leniently is none by the
        // strict rules: both are found all the same, by whatever they still say.
        row.facts = Some(Facts::of(&event_of(&stored)?.event));
    }
    Ok(row)
}

/// An erasure that stands in the log is carried out in the vault, also if a crash came between.
fn finish_erasures(
    stores: &mut Stores,
    rows: &BlockRows,
    places: &Places,
) -> Result<(), NodeError> {
    for erasure in &rows.erasures {
        if let Some((member, location)) = places.get(&erasure.record_id) {
            stores.erase_at(*member, *location, erasure)?;
        }
    }
    Ok(())
}
