//! Puts the rows of a block in, all or none, together with the block's height.

use std::sync::LazyLock;

use countermark_epcis::facts::{Action, EventType, Facts, Role};
use rusqlite::{Connection, OptionalExtension, ToSql};

use super::decimal_key::decimal_key;
use super::intern::Interner;
use super::links::{self, End};
use super::row::{Applied, BlockRows, FieldClass, RecordRow};
use super::sql::{self, Sqlite};
use super::terms::{self, Vocabulary};
use super::{Index, IndexError, event_key, forget};

const HEIGHT: &str = "applied_height";

/// Stands for the type of an event whose identity is erased.
pub(crate) const TYPE_ERASED: i64 = 0;

pub(crate) fn applied_height(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    let height: Option<i64> = connection
        .prepare_cached("SELECT value FROM meta WHERE name = ?1")?
        .query_row([HEIGHT], |row| row.get(0))
        .optional()?;
    Ok(height.map(i64::unsigned_abs))
}

impl Index {
    /// Puts in the rows of the next block. The block's height is stored in the same transaction,
    /// so that after a crash the index is as it was before or after, and [`Index::applied_height`]
    /// says from where to catch up.
    ///
    /// # Errors
    /// If the block is not the next one, a row does not fit, or the file cannot be written;
    /// nothing of the block is in then.
    pub fn apply(&mut self, block: &BlockRows) -> Result<Applied, IndexError> {
        let applied = self.apply_lazily(block)?;
        self.settle()?;
        Ok(applied)
    }

    /// As [`Index::apply`], but what was put in may be lost with the process until
    /// [`Index::settle`]: this connection reads it, no other does. Blocks put in one after the
    /// other touch the same pages, which are then written once. Erasures settle at once.
    ///
    /// # Errors
    /// As [`Index::apply`]; blocks before it stay in.
    pub fn apply_lazily(&mut self, block: &BlockRows) -> Result<Applied, IndexError> {
        let applied = self.applied_height()?;
        let expected = applied.map_or(0, |height| height + 1);
        if block.height < expected {
            return Ok(Applied::Before);
        }
        if block.height > expected {
            return Err(IndexError::Gap { expected, got: block.height });
        }
        let result = self.apply_next(block);
        if result.is_err() {
            // Numbers given in the transaction that was rolled back are not valid any more.
            self.interner.forget();
        }
        result.map(|()| Applied::Now)
    }

    /// Makes all blocks so far outlast the process.
    ///
    /// # Errors
    /// If the file cannot be written; the blocks since the last time are then not in.
    pub fn settle(&mut self) -> Result<(), IndexError> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        let settled = self.connection.execute_batch("COMMIT");
        settled.map_err(|error| {
            self.interner.forget();
            // Where this fails too, closing the connection rolls back.
            let _rolled_back = self.connection.execute_batch("ROLLBACK");
            self.fault(error)
        })
    }

    fn apply_next(&mut self, block: &BlockRows) -> Result<(), IndexError> {
        let path = self.path.clone();
        let fault = |error| IndexError::from_sql(&path, error);
        if self.connection.is_autocommit() {
            self.connection.execute_batch("BEGIN").map_err(fault)?;
        }
        let transaction = self.connection.savepoint().map_err(fault)?;
        let mut writer = Writer { connection: &transaction, interner: &mut self.interner };
        for record in &block.records {
            let row = |what| IndexError::Row {
                record: event_key::to_hex(&record.record_id),
                height: block.height,
                what,
            };
            let ordinal = record
                .position
                .ordinal()
                .ok_or_else(|| row("its place in the log is out of bounds"))?;
            match writer.record(ordinal, record) {
                Err(error)
                    if error.sqlite_error_code()
                        == Some(rusqlite::ErrorCode::ConstraintViolation) =>
                {
                    return Err(row("a record of this id or place is in the index already"));
                }
                result => result.map_err(fault)?,
            }
        }
        for erasure in &block.erasures {
            forget::erase(&transaction, &erasure.record_id, erasure.classes).map_err(fault)?;
        }
        let height = i64::try_from(block.height)
            .map_err(|_| IndexError::Gap { expected: 0, got: block.height })?;
        transaction
            .execute(
                "INSERT INTO meta (name, value) VALUES (?1, ?2) \
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (HEIGHT, height),
            )
            .map_err(fault)?;
        transaction.commit().map_err(fault)?;
        if !block.erasures.is_empty() {
            // An erased identifier must not come back under a number that is gone, and what was
            // erased must not stay readable in the write-ahead log.
            self.interner.forget();
            self.settle()?;
            self.connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                .map_err(fault)?;
        }
        Ok(())
    }
}

/// The text of an insertion, made once.
type Insertion = LazyLock<String>;

static EVENT: Insertion = LazyLock::new(|| {
    let columns = &[
        "id",
        "record_id",
        "member",
        "event_key",
        "type",
        "action",
        "event_time",
        "record_time",
        "biz_step",
        "disposition",
        "read_point",
        "biz_location",
        "transformation",
        "declared_at",
        "error_reason",
        "vault_segment",
        "vault_offset",
        "erased",
        "withdrawn",
        "previous",
    ];
    sql::insert(&Sqlite, "event", columns, false)
});
static EVENT_IDENTIFIER: Insertion = LazyLock::new(|| {
    let columns =
        &["identifier", "event", "seq", "role", "is_class", "quantity", "quantity_key", "unit"];
    sql::insert(&Sqlite, "event_identifier", columns, false)
});
static EVENT_TRANSACTION: Insertion = LazyLock::new(|| {
    let columns = &["value", "event", "seq", "kind"];
    sql::insert(&Sqlite, "event_transaction", columns, false)
});
static EVENT_PARTY: Insertion = LazyLock::new(|| {
    let columns = &["party", "event", "seq", "is_destination", "kind"];
    sql::insert(&Sqlite, "event_party", columns, false)
});
static EVENT_CORRECTIVE: Insertion = LazyLock::new(|| {
    let columns = &["event_key", "event"];
    sql::insert(&Sqlite, "event_corrective", columns, false)
});
static EDGE: Insertion = LazyLock::new(|| {
    let columns = &[
        "member", "from_id", "event", "seq", "to_id", "kind", "at", "site", "is_class", "quantity",
        "unit",
    ];
    sql::insert(&Sqlite, "edge", columns, false)
});

struct Writer<'a> {
    connection: &'a Connection,
    interner: &'a mut Interner,
}

/// Numbers of the texts that an event's row and its links refer to.
#[derive(Default)]
struct Terms {
    biz_step: Option<i64>,
    disposition: Option<i64>,
    read_point: Option<i64>,
    biz_location: Option<i64>,
    transformation: Option<i64>,
    error_reason: Option<i64>,
}

/// What an event is to another of the same id.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Stands,
    /// It declares the other wrong.
    Declares,
    /// The other declares it wrong.
    Withdrawn,
}

impl Writer<'_> {
    fn insert(&self, into: &Insertion, values: &[&dyn ToSql]) -> rusqlite::Result<()> {
        self.connection.prepare_cached(into)?.execute(values).map(|_| ())
    }

    fn record(&mut self, ordinal: i64, record: &RecordRow) -> rusqlite::Result<()> {
        let member = self.interner.member(self.connection, &record.member)?;
        if let Some(previous) = &record.previous {
            forget::withdraw_record(self.connection, member, previous)?;
        }
        let Some(facts) = &record.facts else {
            return self.event_row(
                ordinal,
                member,
                record,
                None,
                &Terms::default(),
                Standing::Stands,
            );
        };
        let key =
            facts.event_id.as_deref().filter(|_| !is_erased(record.erased, FieldClass::Identity));
        let key = key.map(event_key::encode);
        let standing = self.standing(member, record, facts, key.as_deref())?;
        let terms = self.terms(facts, record.erased)?;
        self.event_row(ordinal, member, record, key, &terms, standing)?;
        let numbers = self.identifiers(ordinal, record.erased, facts)?;
        self.relations(ordinal, record.erased, facts)?;
        if standing == Standing::Stands {
            self.links(ordinal, member, record, facts, &terms, &numbers)?;
        }
        Ok(())
    }

    /// What an event is to the other of its id, which it takes back or is taken back by.
    fn standing(
        &self,
        member: i64,
        record: &RecordRow,
        facts: &Facts,
        key: Option<&[u8]>,
    ) -> rusqlite::Result<Standing> {
        let declares = facts.error_declaration.is_some();
        let Some(key) = key else {
            return Ok(if declares { Standing::Declares } else { Standing::Stands });
        };
        // Without its transport class a declaration does not say that it is one: that it has the id
        // of another event tells it. So an index made again knows what the old one knew.
        let unsure = is_erased(record.erased, FieldClass::Transport);
        if declares || unsure && forget::has_event(self.connection, member, key)? {
            forget::withdraw_event(self.connection, member, key)?;
            return Ok(Standing::Declares);
        }
        let withdrawn = forget::is_declared_wrong(self.connection, member, key)?
            || !unsure && forget::find_declaration(self.connection, member, key)?;
        Ok(if withdrawn { Standing::Withdrawn } else { Standing::Stands })
    }

    fn string(&mut self, text: Option<&str>) -> rusqlite::Result<Option<i64>> {
        text.map(|text| self.interner.string(self.connection, text)).transpose()
    }

    fn term(
        &mut self,
        vocabulary: Vocabulary,
        text: Option<&str>,
    ) -> rusqlite::Result<Option<i64>> {
        text.map(|text| self.interner.string(self.connection, &vocabulary.canonical(text)))
            .transpose()
    }

    fn terms(&mut self, facts: &Facts, erased: u16) -> rusqlite::Result<Terms> {
        let mut terms = Terms::default();
        if !is_erased(erased, FieldClass::Transport) {
            terms.biz_step = self.term(Vocabulary::BizStep, facts.biz_step.as_deref())?;
            terms.disposition = self.term(Vocabulary::Disposition, facts.disposition.as_deref())?;
            let reason = facts.error_declaration.as_ref().and_then(|error| error.reason.as_deref());
            terms.error_reason = self.term(Vocabulary::ErrorReason, reason)?;
            terms.transformation = self.string(facts.transformation_id.as_deref())?;
        }
        if !is_erased(erased, FieldClass::Location) {
            terms.read_point = self.string(facts.read_point.as_deref())?;
            terms.biz_location = self.string(facts.biz_location.as_deref())?;
        }
        Ok(terms)
    }

    fn event_row(
        &self,
        ordinal: i64,
        member: i64,
        record: &RecordRow,
        key: Option<Vec<u8>>,
        terms: &Terms,
        standing: Standing,
    ) -> rusqlite::Result<()> {
        let facts = record.facts.as_ref();
        let nameless = is_erased(record.erased, FieldClass::Identity);
        let event_type = facts.map(|facts| match nameless {
            true => TYPE_ERASED,
            false => type_number(facts.event_type),
        });
        let action = facts.and_then(|facts| facts.action).filter(|_| !nameless);
        let event_time = facts.map_or(record.record_time_ms, |facts| event_time(record, facts));
        let declared = facts.and_then(|facts| facts.error_declaration.as_ref());
        let declared_at = match standing {
            Standing::Declares if is_erased(record.erased, FieldClass::Transport) => {
                Some(record.record_time_ms)
            }
            _ => declared.map(|error| error.declaration_time_ms),
        };
        let offset = record.vault.map(|place| i64::try_from(place.offset).unwrap_or(i64::MAX));
        self.insert(
            &EVENT,
            &[
                &ordinal,
                &record.record_id.as_slice(),
                &member,
                &key,
                &event_type,
                &action.map(action_number),
                &event_time,
                &record.record_time_ms,
                &terms.biz_step,
                &terms.disposition,
                &terms.read_point,
                &terms.biz_location,
                &terms.transformation,
                &declared_at,
                &terms.error_reason,
                &record.vault.map(|place| place.segment),
                &offset,
                &record.erased,
                &(standing == Standing::Withdrawn),
                &record.previous.as_ref().map(<[u8; 16]>::as_slice),
            ],
        )
    }

    /// Rows of the identifiers; gives back their numbers in the order of the facts.
    fn identifiers(
        &mut self,
        ordinal: i64,
        erased: u16,
        facts: &Facts,
    ) -> rusqlite::Result<Vec<i64>> {
        if is_erased(erased, FieldClass::Identity) {
            return Ok(Vec::new());
        }
        let mut numbers = Vec::with_capacity(facts.identifiers.len());
        for (seq, fact) in (0_i64..).zip(&facts.identifiers) {
            let number = self.interner.identifier(self.connection, &fact.canonical)?;
            let (quantity, unit) = self.amount(facts, numbers.len(), erased)?;
            let key = quantity.and_then(decimal_key);
            self.insert(
                &EVENT_IDENTIFIER,
                &[
                    &number,
                    &ordinal,
                    &seq,
                    &role_number(fact.role),
                    &fact.is_class,
                    &quantity,
                    &key,
                    &unit,
                ],
            )?;
            numbers.push(number);
        }
        Ok(numbers)
    }

    fn amount<'f>(
        &mut self,
        facts: &'f Facts,
        at: usize,
        erased: u16,
    ) -> rusqlite::Result<(Option<&'f str>, Option<i64>)> {
        let Some(fact) = facts.identifiers.get(at) else { return Ok((None, None)) };
        if is_erased(erased, FieldClass::Quantity) {
            return Ok((None, None));
        }
        let unit = self.string(fact.unit.as_deref())?;
        Ok((fact.quantity.as_deref(), unit))
    }

    fn relations(&mut self, ordinal: i64, erased: u16, facts: &Facts) -> rusqlite::Result<()> {
        if is_erased(erased, FieldClass::Transport) {
            return Ok(());
        }
        if let Some(error) = &facts.error_declaration {
            let mut keys: Vec<_> =
                error.corrective_event_ids.iter().map(|id| event_key::encode(id)).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                self.insert(&EVENT_CORRECTIVE, &[&key, &ordinal])?;
            }
        }
        for (seq, (kind, value)) in (0_i64..).zip(&facts.biz_transactions) {
            let kind = self.term(Vocabulary::TransactionType, kind.as_deref())?;
            let value = self.interner.string(self.connection, value)?;
            self.insert(&EVENT_TRANSACTION, &[&value, &ordinal, &seq, &kind])?;
        }
        let sources = facts.sources.iter().map(|party| (false, party));
        let destinations = facts.destinations.iter().map(|party| (true, party));
        for (seq, (is_destination, (kind, party))) in (0_i64..).zip(sources.chain(destinations)) {
            let kind = self.term(Vocabulary::PartyType, Some(kind))?;
            let party = self.interner.string(self.connection, party)?;
            self.insert(&EVENT_PARTY, &[&party, &ordinal, &seq, &is_destination, &kind])?;
        }
        Ok(())
    }

    fn links(
        &mut self,
        ordinal: i64,
        member: i64,
        record: &RecordRow,
        facts: &Facts,
        terms: &Terms,
        numbers: &[i64],
    ) -> rusqlite::Result<()> {
        if numbers.is_empty() {
            return Ok(());
        }
        let (erased, at) = (record.erased, event_time(record, facts));
        let hub = links::hub(ordinal, terms.transformation);
        let site = terms.biz_location.or(terms.read_point);
        for (seq, link) in (0_i64..).zip(links::links(facts)) {
            if is_erased(erased, FieldClass::Transport)
                && matches!(link.kind, links::Kind::Send | links::Kind::Receive)
            {
                continue;
            }
            // What left the parent may have stood in a quantity list.
            if is_erased(erased, FieldClass::Quantity)
                && matches!(link.kind, links::Kind::UnpackAll | links::Kind::DetachAll)
            {
                continue;
            }
            let from = self.end(link.from, facts, numbers, hub)?;
            let to = self.end(link.to, facts, numbers, hub)?;
            let is_class = facts.identifiers.get(link.amount).is_some_and(|fact| fact.is_class);
            let (quantity, unit) = self.amount(facts, link.amount, erased)?;
            self.insert(
                &EDGE,
                &[
                    &member,
                    &from,
                    &ordinal,
                    &seq,
                    &to,
                    &(link.kind as i64),
                    &at,
                    &site,
                    &is_class,
                    &quantity,
                    &unit,
                ],
            )?;
        }
        Ok(())
    }
}

impl Writer<'_> {
    /// The stored number of a link's end.
    fn end(&mut self, end: End, facts: &Facts, numbers: &[i64], hub: i64) -> rusqlite::Result<i64> {
        let number = |at: usize| numbers.get(at).copied().unwrap_or(0);
        Ok(match end {
            End::Identifier(at) => number(at),
            End::Hub => hub,
            End::Outside => 0,
            End::LotOf(at) => {
                let lot =
                    facts.identifiers.get(at).and_then(|f| terms::lot_of(&f.id, &f.canonical));
                match lot {
                    Some(lot) => self.interner.lot_of(self.connection, number(at), &lot)?,
                    None => 0,
                }
            }
        })
    }
}

/// When an event happened; where that is erased, when it was recorded.
fn event_time(record: &RecordRow, facts: &Facts) -> i64 {
    if is_erased(record.erased, FieldClass::Transport) {
        record.record_time_ms
    } else {
        facts.event_time_ms
    }
}

fn is_erased(erased: u16, class: FieldClass) -> bool {
    erased & class.bit() != 0
}

/// The stored number of an event type.
pub(crate) fn type_number(event_type: EventType) -> i64 {
    match event_type {
        EventType::Object => 1,
        EventType::Aggregation => 2,
        EventType::Transaction => 3,
        EventType::Transformation => 4,
        EventType::Association => 5,
        EventType::Extended => 6,
    }
}

/// The stored number of an action.
pub(crate) fn action_number(action: Action) -> i64 {
    match action {
        Action::Add => 1,
        Action::Observe => 2,
        Action::Delete => 3,
    }
}

/// The stored number of a role.
pub(crate) fn role_number(role: Role) -> i64 {
    match role {
        Role::Epc => 1,
        Role::Parent => 2,
        Role::Child => 3,
        Role::Input => 4,
        Role::Output => 5,
    }
}
