//! The tables of the index.
//!
//! Everything that repeats is interned: identifiers in `identifier`, other texts in `string`,
//! members in `member`. A row's identity `event.id` is its place in the log (leaf index × 1024 +
//! index in the batch), so that a rebuilt index is the same index.
//!
//! Only the classes identity, transport, quantity and location are here. Values of personal, cost
//! and medical fields never reach this module: [`Facts`](countermark_epcis::facts::Facts) does not
//! hold them.

/// Version of the tables; a file of another version is rebuilt, never migrated.
pub(crate) const SCHEMA_VERSION: i64 = 2;

/// Marks the file as an index of this kind (`CMix`).
pub(crate) const APPLICATION_ID: i64 = 0x434d_6978;

/// Statements that make the tables in an empty database.
pub(crate) const CREATE: &str = "
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE member (
    id     INTEGER PRIMARY KEY,
    member BLOB NOT NULL UNIQUE
) STRICT;

-- text_key: the first eight bytes of the text's SHA-256, so that the text is not stored twice; texts
-- are only ever asked for as a whole. Those of the same key are told apart by the text itself.
CREATE TABLE string (
    id       INTEGER PRIMARY KEY,
    text_key INTEGER NOT NULL,
    text     TEXT NOT NULL
) STRICT;
CREATE INDEX string_by_key ON string (text_key);

-- text: canonical Digital Link without its leading https://id.gs1.org, or another URI as it is.
-- gtin, lot: the trade item and the lot that a finer identifier belongs to.
CREATE TABLE identifier (
    id   INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE,
    gtin INTEGER,
    lot  INTEGER
) STRICT;
CREATE INDEX identifier_by_lot ON identifier (lot) WHERE lot IS NOT NULL;
CREATE INDEX identifier_by_gtin ON identifier (gtin) WHERE gtin IS NOT NULL;

-- type is null where the body is not held here, 0 where the identity is erased.
CREATE TABLE event (
    id             INTEGER PRIMARY KEY,
    record_id      BLOB NOT NULL,
    member         INTEGER NOT NULL,
    event_key      BLOB,
    type           INTEGER,
    action         INTEGER,
    event_time     INTEGER NOT NULL,
    record_time    INTEGER NOT NULL,
    biz_step       INTEGER,
    disposition    INTEGER,
    read_point     INTEGER,
    biz_location   INTEGER,
    transformation INTEGER,
    declared_at    INTEGER,
    error_reason   INTEGER,
    vault_segment  INTEGER,
    vault_offset   INTEGER,
    erased         INTEGER NOT NULL,
    withdrawn      INTEGER NOT NULL,
    previous       BLOB
) STRICT;
CREATE UNIQUE INDEX event_by_record ON event (record_id);
CREATE INDEX event_by_key ON event (event_key, member) WHERE event_key IS NOT NULL;
CREATE INDEX event_by_time ON event (member, event_time);
CREATE INDEX event_by_record_time ON event (record_time);
CREATE INDEX event_by_step ON event (member, biz_step, event_time);
CREATE INDEX event_by_read_point ON event (read_point) WHERE read_point IS NOT NULL;
CREATE INDEX event_by_location ON event (biz_location) WHERE biz_location IS NOT NULL;
CREATE INDEX event_by_transformation ON event (transformation) WHERE transformation IS NOT NULL;

-- quantity: the lexeme; quantity_key: sorts as the number does.
CREATE TABLE event_identifier (
    identifier   INTEGER NOT NULL,
    event        INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    role         INTEGER NOT NULL,
    is_class     INTEGER NOT NULL,
    quantity     TEXT,
    quantity_key TEXT,
    unit         INTEGER,
    PRIMARY KEY (identifier, event, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_identifier_by_event ON event_identifier (event);
CREATE INDEX event_identifier_by_quantity ON event_identifier (quantity_key)
    WHERE quantity_key IS NOT NULL;

CREATE TABLE event_transaction (
    value INTEGER NOT NULL,
    event INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    kind  INTEGER,
    PRIMARY KEY (value, event, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_transaction_by_event ON event_transaction (event);

CREATE TABLE event_party (
    party          INTEGER NOT NULL,
    event          INTEGER NOT NULL,
    seq            INTEGER NOT NULL,
    is_destination INTEGER NOT NULL,
    kind           INTEGER NOT NULL,
    PRIMARY KEY (party, event, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_party_by_event ON event_party (event);

CREATE TABLE event_corrective (
    event_key BLOB NOT NULL,
    event     INTEGER NOT NULL,
    PRIMARY KEY (event_key, event)
) STRICT, WITHOUT ROWID;

-- One link of the trace graph in the direction in which goods flow; 0 stands for 'outside', a
-- negative end for the transformation between its inputs and outputs.
CREATE TABLE edge (
    member   INTEGER NOT NULL,
    from_id  INTEGER NOT NULL,
    event    INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    to_id    INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    site     INTEGER,
    is_class INTEGER NOT NULL,
    quantity TEXT,
    unit     INTEGER,
    PRIMARY KEY (member, from_id, event, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX edge_by_to ON edge (member, to_id);
";

/// Statistics for the planner, as they are at ten million events, so that plans are the same from
/// the first event on: without them an index on the member seems as selective as any other.
/// Per index: rows in all, then rows for each value of its first column, its first two, and so on.
pub(crate) const STATISTICS: &str = "
ANALYZE;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('event', 'event_by_record', '10000000 1'),
    ('event', 'event_by_key', '10000000 2 1'),
    ('event', 'event_by_time', '10000000 1000000 4'),
    ('event', 'event_by_record_time', '10000000 500'),
    ('event', 'event_by_step', '10000000 1000000 100000 4'),
    ('event', 'event_by_read_point', '10000000 20000'),
    ('event', 'event_by_location', '10000000 20000'),
    ('event', 'event_by_transformation', '1000000 5'),
    ('event_identifier', 'event_identifier', '30000000 4 1 1'),
    ('event_identifier', 'event_identifier_by_event', '30000000 3'),
    ('event_identifier', 'event_identifier_by_quantity', '10000000 1000'),
    ('event_transaction', 'event_transaction', '10000000 4 1 1'),
    ('event_transaction', 'event_transaction_by_event', '10000000 2'),
    ('event_party', 'event_party', '10000000 10000 2 1'),
    ('event_party', 'event_party_by_event', '10000000 2'),
    ('edge', 'edge', '20000000 2000000 3 1 1'),
    ('edge', 'edge_by_to', '20000000 2000000 3'),
    ('identifier', 'sqlite_autoindex_identifier_1', '10000000 1'),
    ('identifier', 'identifier_by_lot', '1000000 100'),
    ('identifier', 'identifier_by_gtin', '10000000 10000'),
    ('string', 'string_by_key', '100000 1');
ANALYZE sqlite_schema;
";
