//! Every number that the formats use: leaf kinds, tree bytes, statement kinds, record header keys.
//!
//! Numbers are never reused. Those whose parts are not built yet are registered all the same, so
//! that nothing else can take them.

/// First byte of a log leaf.
pub mod leaf {
    /// A block header, the first leaf of its block.
    pub const BLOCK_HEADER: u8 = 0x01;
    /// A statement (COSE_Sign1).
    pub const STATEMENT: u8 = 0x02;
    /// Why a forced statement was not taken.
    pub const REFUSAL: u8 = 0x03;
    /// A token issued for a record.
    pub const ISSUED_TOKEN: u8 = 0x04;
    /// The hash of another network's block.
    pub const FOREIGN_BLOCK_HASH: u8 = 0x05;

    /// The name of a registered leaf kind.
    #[must_use]
    pub fn name(kind: u8) -> Option<&'static str> {
        Some(match kind {
            BLOCK_HEADER => "block header",
            STATEMENT => "statement",
            REFUSAL => "refusal",
            ISSUED_TOKEN => "issued token",
            FOREIGN_BLOCK_HASH => "foreign block hash",
            _ => return None,
        })
    }
}

/// First byte of a leaf in a tree other than the log, and of the state map's hashes.
pub mod tree {
    /// A field of an event.
    pub const FIELD: u8 = 0x10;
    /// A class digest under a record's root.
    pub const CLASS_DIGEST: u8 = 0x11;
    /// A record header in a batch.
    pub const RECORD_HEADER: u8 = 0x12;
    /// A class without fields.
    pub const DUMMY_CLASS: u8 = 0x13;
    /// Padding of a leaf count.
    pub const PAD: u8 = 0x14;
    /// A subtree standing as one leaf.
    pub const SUBTREE: u8 = 0x15;
    /// An entry of a subtree sorted by pointer.
    pub const SORTED_ENTRY: u8 = 0x16;
    /// The sentinel at either end of a sorted subtree.
    pub const SENTINEL: u8 = 0x17;
    /// A leaf of the state map.
    pub const STATE_LEAF: u8 = 0x20;
    /// An inner node of the state map.
    pub const STATE_NODE: u8 = 0x21;
}

/// Keys of a record header's CBOR map.
pub mod header {
    /// Format version.
    pub const VERSION: u64 = 1;
    /// Random record id, 16 bytes.
    pub const RECORD_ID: u64 = 2;
    /// Id of the signing key, 32 bytes.
    pub const SIGNING_KEY: u64 = 3;
    /// The signing key's sequence number.
    pub const KEY_SEQUENCE: u64 = 4;
    /// Hours since the Unix epoch.
    pub const TIME_BUCKET: u64 = 5;
    /// Root over the class digests, 32 bytes.
    pub const ROOT: u64 = 6;
    /// The digests of all field classes, 32 bytes each, in class order.
    pub const CLASS_DIGESTS: u64 = 7;
    /// Tags that later holders can look up.
    pub const LINK_TAGS: u64 = 8;
    /// Pedersen commitments to quantities.
    pub const QUANTITY_COMMITMENTS: u64 = 9;
    /// A range proof over the commitments.
    pub const RANGE_PROOF: u64 = 10;
    /// Random handles of assets.
    pub const ASSET_HANDLES: u64 = 11;
    /// Hash of the policy in force.
    pub const POLICY_HASH: u64 = 12;
    /// Phase of the rollout plan.
    pub const PHASE: u64 = 13;
    /// Rule set number.
    pub const RULE_SET: u64 = 14;
    /// Record id of the version that this one replaces, 16 bytes.
    pub const PREVIOUS_VERSION: u64 = 15;
    /// Idempotency tag, 32 bytes.
    pub const IDEMPOTENCY_TAG: u64 = 16;
}

/// Number of field classes; a record header holds a digest for each.
pub const FIELD_CLASSES: u8 = 11;

/// The rule set that a new ledger starts with.
pub const RULE_SET_1: u64 = 1;

/// Content type of a statement, in its protected header.
pub const STATEMENT_CONTENT_TYPE: &str = "application/countermark-statement+cbor";

macro_rules! statement_kinds {
    ($($(#[$doc:meta])* $variant:ident = $number:literal $name:literal,)*) => {
        /// What a statement states. All kinds are registered; a rule set says which it executes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum StatementKind {
            $($(#[$doc])* $variant,)*
        }

        impl StatementKind {
            /// Every registered kind, in the order of their numbers.
            pub const ALL: &'static [StatementKind] = &[$(StatementKind::$variant,)*];

            /// The registered number.
            #[must_use]
            pub const fn number(self) -> u64 {
                match self { $(StatementKind::$variant => $number,)* }
            }

            /// The kind with this number, if one is registered.
            #[must_use]
            pub const fn from_number(number: u64) -> Option<Self> {
                match number { $($number => Some(StatementKind::$variant),)* _ => None }
            }

            /// The registered name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(StatementKind::$variant => $name,)* }
            }
        }
    };
}

statement_kinds! {
    /// The first statement of a log.
    Genesis = 1 "genesis",
    /// A member joins, is suspended or leaves.
    Member = 2 "member",
    /// A key is registered, rotated or revoked.
    Key = 3 "key",
    /// A batch of records.
    Capture = 4 "capture",
    /// A further signature on a record or statement.
    Endorsement = 5 "endorsement",
    /// A document is held.
    Document = 6 "document",
    /// Field classes of a record were erased.
    Erasure = 7 "erasure",
    /// A jump of the block clock is confirmed.
    Clock = 8 "clock",
    /// An asset is issued, split, merged, transformed or retired.
    Asset = 9 "asset",
    /// An asset changes hands.
    Handover = 10 "handover",
    /// A policy set comes into force.
    Policy = 11 "policy",
    /// Members agree who may read what.
    Agreement = 12 "agreement",
    /// Keys are granted under an agreement.
    Grant = 13 "grant",
    /// A proposal to a governing body.
    Proposal = 14 "proposal",
    /// A vote on a proposal.
    Ballot = 15 "ballot",
    /// The rollout plan.
    Plan = 16 "plan",
    /// A measured value.
    Measurement = 17 "measurement",
    /// A settlement between members.
    Settlement = 18 "settlement",
    /// A dispute.
    Dispute = 19 "dispute",
    /// The charter.
    Charter = 20 "charter",
    /// A device is enrolled.
    Device = 21 "device",
    /// A recall.
    Recall = 22 "recall",
    /// A sub-ledger of a few members.
    Lane = 23 "lane",
    /// A change of the validator set.
    Validators = 24 "validators",
    /// An anchor on a public chain.
    Anchor = 25 "anchor",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statement_kinds_are_numbered_without_gaps_and_found_by_number() {
        for (i, kind) in StatementKind::ALL.iter().enumerate() {
            assert_eq!(kind.number(), i as u64 + 1);
            assert_eq!(StatementKind::from_number(kind.number()), Some(*kind));
        }
        assert_eq!(StatementKind::from_number(0), None);
        assert_eq!(StatementKind::from_number(26), None);
    }
}
