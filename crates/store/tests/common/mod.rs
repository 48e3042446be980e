//! Events for the tests of the index, written the short way.
#![allow(dead_code, reason = "each test file uses its part")]

use countermark_epcis::facts::{Action, ErrorDeclaration, EventType, Facts, IdentifierFact, Role};
use countermark_epcis::gs1;
use countermark_store::index::{BlockRows, Index, LogPosition, MemberId, RecordRow, VaultLocation};

/// An event under construction.
#[derive(Clone)]
pub(crate) struct Ev(pub(crate) Facts);

/// Midnight of day `day` of the story.
pub(crate) fn day(day: i64) -> i64 {
    1_790_000_000_000 + day * 86_400_000
}

pub(crate) fn event(event_type: EventType, at: i64) -> Ev {
    Ev(Facts {
        event_type,
        event_id: None,
        event_time_ms: at,
        event_time_zone_offset: "+00:00".into(),
        record_time_ms: None,
        action: None,
        biz_step: None,
        disposition: None,
        persistent_set: vec![],
        persistent_unset: vec![],
        read_point: None,
        biz_location: None,
        transformation_id: None,
        identifiers: vec![],
        biz_transactions: vec![],
        sources: vec![],
        destinations: vec![],
        error_declaration: None,
        has_sensor_elements: false,
    })
}

pub(crate) fn object(step: &str, at: i64) -> Ev {
    event(EventType::Object, at).action(Action::Observe).step(step)
}

pub(crate) fn pack(parent: &str, at: i64) -> Ev {
    event(EventType::Aggregation, at).action(Action::Add).step("packing").with(Role::Parent, parent)
}

pub(crate) fn unpack(parent: &str, at: i64) -> Ev {
    let event = event(EventType::Aggregation, at).action(Action::Delete).step("unpacking");
    event.with(Role::Parent, parent)
}

pub(crate) fn transform(at: i64) -> Ev {
    event(EventType::Transformation, at).step("commissioning")
}

impl Ev {
    pub(crate) fn action(mut self, action: Action) -> Self {
        self.0.action = Some(action);
        self
    }

    pub(crate) fn id(mut self, id: &str) -> Self {
        self.0.event_id = Some(id.to_owned());
        self
    }

    pub(crate) fn step(mut self, word: &str) -> Self {
        self.0.biz_step = Some(format!("https://ref.gs1.org/cbv/BizStep-{word}"));
        self
    }

    pub(crate) fn site(mut self, site: &str) -> Self {
        self.0.biz_location = Some(gs1::canonical(site).into_owned());
        self
    }

    pub(crate) fn transformation(mut self, id: &str) -> Self {
        self.0.transformation_id = Some(id.to_owned());
        self
    }

    fn identifier(mut self, role: Role, id: &str, quantity: Option<(&str, &str)>) -> Self {
        self.0.identifiers.push(IdentifierFact {
            id: id.to_owned(),
            canonical: gs1::canonical(id).into_owned(),
            role,
            is_class: quantity.is_some(),
            quantity: quantity.map(|(amount, _)| amount.to_owned()),
            unit: quantity.map(|(_, unit)| unit.to_owned()).filter(|unit| !unit.is_empty()),
        });
        self
    }

    /// An instance.
    pub(crate) fn with(self, role: Role, id: &str) -> Self {
        self.identifier(role, id, None)
    }

    /// Some of a lot or class.
    pub(crate) fn some(self, role: Role, id: &str, amount: &str, unit: &str) -> Self {
        self.identifier(role, id, Some((amount, unit)))
    }

    pub(crate) fn source(mut self, kind: &str, id: &str) -> Self {
        self.0.sources.push((party_type(kind), gs1::canonical(id).into_owned()));
        self
    }

    pub(crate) fn destination(mut self, kind: &str, id: &str) -> Self {
        self.0.destinations.push((party_type(kind), gs1::canonical(id).into_owned()));
        self
    }

    pub(crate) fn transaction(mut self, kind: &str, id: &str) -> Self {
        let kind = format!("https://ref.gs1.org/cbv/BTT-{kind}");
        self.0.biz_transactions.push((Some(kind), id.to_owned()));
        self
    }

    pub(crate) fn declared_wrong(mut self, at: i64) -> Self {
        self.0.error_declaration = Some(ErrorDeclaration {
            declaration_time_ms: at,
            reason: Some("https://ref.gs1.org/cbv/ER-incorrect_data".into()),
            corrective_event_ids: vec![],
        });
        self
    }
}

fn party_type(kind: &str) -> String {
    format!("https://ref.gs1.org/cbv/SDT-{kind}")
}

/// Hands out record ids, places and heights.
pub(crate) struct Ledger {
    pub(crate) index: Index,
    pub(crate) height: u64,
    pub(crate) directory: tempfile::TempDir,
    next: u64,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let index = Index::create(&directory.path().join("index.db")).unwrap();
        Ledger { index, height: 0, directory, next: 0 }
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("index.db")
    }

    pub(crate) fn row(&mut self, member: MemberId, event: Ev) -> RecordRow {
        self.next += 1;
        let next = self.next;
        let mut record_id = [0; 16];
        record_id[..8].copy_from_slice(&next.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        let mut facts = event.0;
        if facts.event_id.is_none() {
            facts.event_id = Some(format!("urn:uuid:00000000-0000-4000-8000-{next:012x}"));
        }
        RecordRow {
            position: LogPosition { leaf_index: 7 * next, batch_index: (next % 1000) as u16 },
            record_id,
            member,
            record_time_ms: day(0) + next as i64 * 1000,
            facts: Some(facts),
            vault: Some(VaultLocation { segment: 1, offset: next * 512 }),
            erased: 0,
            previous: None,
        }
    }

    /// One block with these events of one member; gives the rows back.
    pub(crate) fn capture(&mut self, member: MemberId, events: Vec<Ev>) -> Vec<RecordRow> {
        let records: Vec<_> = events.into_iter().map(|event| self.row(member, event)).collect();
        self.apply(BlockRows { height: 0, records: records.clone(), erasures: vec![] });
        records
    }

    pub(crate) fn apply(&mut self, mut block: BlockRows) {
        block.height = self.height;
        self.index.apply(&block).unwrap();
        self.height += 1;
    }
}

/// A GS1 key with its check digit.
pub(crate) fn key(ai: &str, digits: &str) -> String {
    let check = gs1::check_digit(digits).unwrap();
    format!("https://id.gs1.org/{ai}/{digits}{check}")
}

pub(crate) fn lot(reference: u32, lot: &str) -> String {
    format!("{}/10/{lot}", key("01", &format!("0952123{reference:06}")))
}

pub(crate) fn sscc(number: u32) -> String {
    key("00", &format!("09521234{number:09}"))
}

pub(crate) fn site(number: u32) -> String {
    key("414", &format!("9521234{number:05}"))
}

pub(crate) fn party(number: u32) -> String {
    key("417", &format!("9521234{number:05}"))
}
