//! What the ledger and this node hold of one event: its record, the fields by class, who signed.

use countermark_epcis::json::{Json, escape_token};
use countermark_ledger::ids::{HandId, MemberId, RecordId, hex};
use countermark_ledger::machine;
use countermark_ledger::record::{self, FieldClass};
use countermark_ledger::record_header::{RecordHeader, batch_leaf_hash, decode_batch};
use countermark_ledger::state::StateView;
use countermark_ledger::state::entries::{EndorsedEntry, Entry, MemberEntry, RecordEntry};
use countermark_ledger::state::keys;
use countermark_ledger::statement::{Body, SignedStatement};
use countermark_store::index::EventRow;
use countermark_store::log_store::LogView;
use countermark_store::vault::{ClassState, StoredRecord};
use serde::{Deserialize, Serialize};

use super::blocks::{StatementSummary, statement};
use crate::blocks;
use crate::clock;
use crate::error::NodeError;
use crate::keyring::Secrets;
use crate::node::Node;
use crate::scope::{Scope, name_of};
use crate::sequencer::{Sequencer, chain};
use crate::stores::store_error;

/// A record of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordDetail {
    /// The record's id, in hexadecimal.
    #[serde(rename = "recordID")]
    pub record_id: String,
    /// The event's id; none where it is erased.
    #[serde(rename = "eventID")]
    pub event_id: Option<String>,
    /// Id of the member that recorded it.
    pub member: String,
    /// Its name.
    pub member_name: String,
    /// Whether it takes an event back.
    pub is_error_declaration: bool,
    /// Whether it was taken back.
    pub is_withdrawn: bool,
    /// What the ledger holds of it, by registered names.
    pub header: RecordFields,
    /// Every field class, in the order of their numbers.
    pub classes: Vec<ClassDetail>,
    /// The statement that brought it, and its block.
    pub placed: Placed,
    /// Who vouches for it.
    pub vouching: Vouching,
    /// The event's other records, as an error declaration.
    pub others: Vec<String>,
}

/// A record header: all that the ledger holds of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordFields {
    /// The record's random id.
    #[serde(rename = "recordID")]
    pub record_id: String,
    /// Id of the key that signs.
    pub signing_key: String,
    /// The key's number for the statement.
    pub key_sequence: u64,
    /// Hours since the Unix epoch.
    pub time_bucket: u64,
    /// Root over the class digests.
    pub root: String,
    /// Salted digest of every field class, class 1 first.
    pub class_digests: Vec<String>,
    /// The rule set under which it was made.
    pub rule_set: u64,
    /// The record that it replaces.
    pub previous_version: Option<String>,
    /// Recognises the same event a second time; says nothing to who has no key.
    pub idempotency_tag: String,
}

/// One field class of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassDetail {
    /// Its name.
    pub class: String,
    /// Its number.
    pub number: u8,
    /// Its salted digest on the ledger.
    pub digest: String,
    /// `values`, `empty` or `erased`.
    pub state: String,
    /// The fields that this node still has.
    pub fields: Vec<FieldValue>,
}

/// A field and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldValue {
    /// JSON pointer into the event, or below `/_provenance`.
    pub pointer: String,
    /// What stands there.
    pub value: Json,
}

/// Where a record stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Placed {
    /// The statement.
    pub statement: StatementSummary,
    /// The record's place in the statement's batch, from 0.
    pub batch_index: u64,
    /// Height of the block.
    pub height: u64,
    /// Time of the block.
    pub block_time: String,
}

/// Who vouches for a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vouching {
    /// `effective` where enough distinct hands signed, else `pending`.
    pub standing: String,
    /// Distinct hands that signed, the recorder's among them.
    pub hands: u64,
    /// How many the rule set asks for.
    pub required: u64,
    /// Who signed, the recorder first.
    pub signers: Vec<Endorser>,
}

/// A member that signed for a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endorser {
    /// Its id.
    pub member: String,
    /// Its name, or its id again where this node does not know it.
    pub member_name: String,
    /// The hand that holds its keys.
    pub hand: String,
}

impl Node {
    /// What the ledger and this node hold of an event: of its record that is in force.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where no member that is seen recorded such an event.
    pub fn record_detail(&self, scope: &Scope, event_id: &str) -> Result<RecordDetail, NodeError> {
        let secrets = self.secrets();
        let sequencer = self.lock();
        let rows = self.rows_of_event(&sequencer, scope, event_id)?;
        let mut detail = detail(&sequencer, &secrets, &rows[0])?;
        detail.others = rows[1..].iter().map(|row| hex(&row.record_id)).collect();
        Ok(detail)
    }
}

fn damaged(place: String, what: &str) -> NodeError {
    NodeError::Damaged { place, what: what.to_owned() }
}

fn detail(
    sequencer: &Sequencer,
    secrets: &Secrets,
    row: &EventRow,
) -> Result<RecordDetail, NodeError> {
    let stores = &sequencer.stores;
    let log: &LogView = &stores.log;
    let index = row.position.leaf_index;
    let place = || format!("log, leaf {index}");
    let bytes = log.leaf(index).map_err(|e| damaged(place(), &chain(&e)))?;
    let signed =
        SignedStatement::from_leaf(&bytes).map_err(|e| damaged(place(), &e.to_string()))?;
    let Body::Capture(capture) = &signed.statement().body else {
        return Err(damaged(place(), "it is no capture statement"));
    };
    let batch =
        decode_batch(&blocks::object(log, &capture.object)?).map_err(|e| store_error(&e))?;
    let entry = RecordEntry::load(&stores.state, &keys::record(&row.record_id));
    let entry = entry
        .map_err(|e| store_error(&e))?
        .ok_or_else(|| damaged("state.db".to_owned(), "the record is not in it"))?;
    let at = batch.iter().position(|header| batch_leaf_hash(header) == entry.header_hash);
    let at = at.ok_or_else(|| damaged(place(), "its batch lacks the record"))?;
    let header = RecordHeader::decode(&batch[at]).map_err(|e| store_error(&e))?;
    let block = blocks::header_of(log, index)?;
    let stored = stores.open_row(row)?;
    Ok(RecordDetail {
        record_id: hex(&row.record_id),
        event_id: row.event_id.clone(),
        member: hex(&row.member),
        member_name: name_of(secrets, &row.member),
        is_error_declaration: row.is_error_declaration,
        is_withdrawn: row.is_withdrawn,
        classes: classes(&header, stored.as_ref(), row.erased)?,
        header: header_fields(&header),
        placed: Placed {
            statement: statement(index, &signed, secrets),
            batch_index: at as u64,
            height: block.height,
            block_time: clock::moment(block.time_ms),
        },
        vouching: vouching(&stores.state, secrets, &row.record_id, &row.member)?,
        others: Vec::new(),
    })
}

fn header_fields(header: &RecordHeader) -> RecordFields {
    RecordFields {
        record_id: hex(&header.record_id),
        signing_key: hex(&header.signing_key),
        key_sequence: header.key_sequence,
        time_bucket: header.time_bucket,
        root: hex(&header.root),
        class_digests: header.class_digests.iter().map(|digest| hex(digest)).collect(),
        rule_set: header.rule_set,
        previous_version: header.previous_version.as_ref().map(|id| hex(id)),
        idempotency_tag: hex(&header.idempotency_tag),
    }
}

fn classes(
    header: &RecordHeader,
    stored: Option<&StoredRecord>,
    erased: u16,
) -> Result<Vec<ClassDetail>, NodeError> {
    let one = |class: FieldClass| {
        let held = stored.map(|stored| &stored.classes[class.index()]);
        let is_erased = erased & 1 << class.number() != 0;
        let (state, fields) = match held {
            Some(ClassState::Empty) => ("empty", Vec::new()),
            Some(ClassState::Body { body, .. }) if !is_erased => ("values", fields(class, body)?),
            Some(ClassState::Erased | ClassState::Body { .. }) => ("erased", Vec::new()),
            None if is_erased => ("erased", Vec::new()),
            None => ("not held", Vec::new()),
        };
        Ok(ClassDetail {
            class: class.name().to_owned(),
            number: class.number(),
            digest: hex(&header.class_digests[class.index()]),
            state: state.to_owned(),
            fields,
        })
    };
    FieldClass::ALL.into_iter().map(one).collect()
}

/// The members of one class, each with its value: what is left of the event with this class alone.
fn fields(class: FieldClass, body: &[u8]) -> Result<Vec<FieldValue>, NodeError> {
    let (event, provenance) = record::assemble(&[(class, body)]).map_err(|e| store_error(&e))?;
    let under = |prefix: &str, tree: &Json| -> Vec<FieldValue> {
        let members = tree.as_object().unwrap_or_default().iter();
        let field = |(name, value): &(String, Json)| FieldValue {
            pointer: format!("{prefix}/{}", escape_token(name)),
            value: value.clone(),
        };
        members.map(field).collect()
    };
    let mut fields = under("", &event);
    fields.extend(under("/_provenance", &provenance));
    Ok(fields)
}

fn vouching(
    state: &impl StateView,
    secrets: &Secrets,
    record: &RecordId,
    maker: &MemberId,
) -> Result<Vouching, NodeError> {
    let failed = |e: countermark_ledger::state::StateError| NodeError::Store(e.to_string());
    let absent = || damaged("state.db".to_owned(), "the record or its member is not in it");
    let standing = machine::standing(state, record).map_err(failed)?.ok_or_else(absent)?;
    let signer = |hand: &HandId, member: &MemberId| Endorser {
        member: hex(member),
        member_name: name_of(secrets, member),
        hand: hex(hand),
    };
    let entry = MemberEntry::load(state, &keys::member(maker)).map_err(failed)?;
    let mut signers = vec![signer(&entry.ok_or_else(absent)?.hand, maker)];
    let endorsed = EndorsedEntry::load(state, &keys::endorsed_record(record)).map_err(failed)?;
    let endorsers = endorsed.iter().flat_map(|entry| &entry.endorsers);
    signers.extend(endorsers.map(|(hand, member)| signer(hand, member)));
    Ok(Vouching {
        standing: if standing.is_effective() { "effective" } else { "pending" }.to_owned(),
        hands: standing.hands.len() as u64,
        required: standing.required as u64,
        signers,
    })
}
