//! Rule sets: what the state machine executes, by number. A rule set never changes once a ledger
//! runs under it; a change is a new number.
//!
//! Who may do what under rule set 1, where the *founder* is the member of the genesis statement:
//!
//! | statement | by whom |
//! | --- | --- |
//! | member add, suspend, resume | the founder; never on itself |
//! | member leave | the member itself; never the founder |
//! | key register | the member itself; the founder where the member has no valid key |
//! | key rotate | the member itself |
//! | key revoke | the member itself, or the founder; never the founder's last valid key |
//! | clock | the founder |
//! | erasure | the member that owns the record |
//! | endorsement | any member whose hand has not signed it yet, as maker or endorser |
//! | capture, document | any member |

use crate::registry::{RULE_SET_1, StatementKind};

/// What holds under one rule set number.
#[derive(Debug)]
pub struct RuleSet {
    /// The number.
    pub number: u64,
    /// The kinds of statement that are executed.
    pub executes: &'static [StatementKind],
    /// How many distinct hands must have signed a record, its maker's among them, before it is
    /// effective.
    pub hands_required: usize,
}

/// The first rule set: one node orders, one hand makes a record effective.
static RULES_1: RuleSet = RuleSet {
    number: RULE_SET_1,
    executes: &[
        StatementKind::Genesis,
        StatementKind::Member,
        StatementKind::Key,
        StatementKind::Capture,
        StatementKind::Endorsement,
        StatementKind::Document,
        StatementKind::Erasure,
        StatementKind::Clock,
    ],
    hands_required: 1,
};

impl RuleSet {
    /// The rule set with this number, if it is known.
    #[must_use]
    pub fn by_number(number: u64) -> Option<&'static RuleSet> {
        (number == RULE_SET_1).then_some(&RULES_1)
    }

    /// Whether statements of this kind are executed.
    #[must_use]
    pub fn executes(&self, kind: StatementKind) -> bool {
        self.executes.contains(&kind)
    }
}
