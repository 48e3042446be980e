//! Every limit of the ledger's formats and rules, in one place. Limits that decide whether a
//! statement is taken belong to a rule set: changing one needs a new rule set number.

/// Deepest nesting of a CBOR item.
pub const CBOR_DEPTH_MAX: usize = 16;
/// Longest CBOR input that is read at all, in bytes (a bundle is the longest).
pub const CBOR_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest log leaf, its kind byte included, in bytes (C2SP tlog-tiles: a uint16 length).
pub const LEAF_BYTES_MAX: usize = 65_535;
/// Longest object, in bytes.
pub const OBJECT_BYTES_MAX: usize = 1024 * 1024;
/// Longest bundle, in bytes.
pub const BUNDLE_BYTES_MAX: usize = CBOR_BYTES_MAX;
/// Records in one capture statement.
pub const RECORDS_PER_CAPTURE_MAX: usize = 1_000;
/// Longest record header, in bytes, so that a full batch fits one object.
pub const RECORD_HEADER_BYTES_MAX: usize = 1_024;
/// Objects named by one statement.
pub const OBJECTS_PER_STATEMENT_MAX: usize = 16;
/// Statements in one block.
pub const STATEMENTS_PER_BLOCK_MAX: usize = 4_096;
/// Bytes of all statements and objects of one block together.
pub const BLOCK_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest origin name of a log, in bytes.
pub const ORIGIN_BYTES_MAX: usize = 128;
/// Roles of one member.
pub const ROLES_PER_MEMBER_MAX: usize = 32;
/// Field classes named by one erasure.
pub const CLASSES_PER_ERASURE_MAX: usize = 11;
/// Longest key of the state map, in bytes.
pub const STATE_KEY_BYTES_MAX: usize = 256;
/// Longest value of the state map, in bytes: the list of a full batch's idempotency tags fits.
pub const STATE_VALUE_BYTES_MAX: usize = 40 * 1024;
/// Longest COSE receipt, in bytes.
pub const RECEIPT_BYTES_MAX: usize = 16 * 1024;
/// Longest jump of block time without a recorded confirmation under `local` ordering, in ms.
pub const CLOCK_JUMP_MS_MAX: u64 = 60 * 60 * 1_000;
/// How far a freshly proposed block's time may lie from the voter's clock, in ms.
pub const PROPOSAL_SKEW_MS_MAX: u64 = 5_000;
/// Days for which an idempotency tag refuses a second record.
pub const IDEMPOTENCY_DAYS: u64 = 400;
/// Expired idempotency tags removed by one block.
pub const TAGS_EXPIRED_PER_BLOCK_MAX: usize = 4_096;
/// Time buckets that one block looks through for expired tags.
pub const BUCKETS_SWEPT_PER_BLOCK_MAX: usize = 1_024;
/// Keys of one member that are valid at the same time.
pub const KEYS_PER_MEMBER_MAX: u64 = 64;
/// Distinct hands that may endorse one record or statement.
pub const ENDORSERS_MAX: usize = 256;
/// Records that one bundle proves.
pub const BUNDLE_RECORDS_MAX: usize = 1_000;
/// Bytes that are hashed to check the disclosed values of one bundle; an honest one takes some forty
/// times its own length.
pub const HASHED_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes of a trust policy.
pub const TRUST_BYTES_MAX: usize = 1024 * 1024;
/// Members that a trust policy names.
pub const TRUST_MEMBERS_MAX: usize = 4_096;

// A full batch of the longest headers fits an object, and its tags fit one list of the state.
const _: () =
    assert!(RECORDS_PER_CAPTURE_MAX * (RECORD_HEADER_BYTES_MAX + 3) + 3 <= OBJECT_BYTES_MAX);
const _: () = assert!(RECORDS_PER_CAPTURE_MAX * 34 + 3 <= STATE_VALUE_BYTES_MAX);
