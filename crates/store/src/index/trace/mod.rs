//! Trace: where goods came from and where they went, at one member, from its own rows alone.
//!
//! [`Index::trace_member`] walks the links of one member's events breadth first, a level at a time,
//! with one query per level and direction for every 500 identifiers. What
//! it finds at the member's border it gives back as [`Handover`]s: the counterparties, and the
//! [`Start`]s with which their members are to be asked. It never looks at another member's rows,
//! also when they lie in the same file.
//!
//! # What is followed
//! Downstream; upstream is the mirror image, with *send* for *receive*, *pack* for *unpack*.
//!
//! - **Goods** (a lot, an item, or a logistic unit that the question itself names): as an input to
//!   every output; into what they are packed or attached to; from a lot to its items; what is
//!   unpacked from a unit that is itself goods. A lot is followed whole, whatever the time: its
//!   parts cannot be told apart, and a recall must rather find too much than too little.
//! - **Carriers** (what goods were packed in): only what happened to them while the goods were in
//!   there: nested packing, sending, use as an input. Other content of theirs is not followed. A
//!   carrier can be reused (crates, pallets), hence the time; an SSCC names one unit once, so that
//!   clocks that disagree about it do no harm: goods are in it from the beginning.
//! - Goods leave a carrier when they are unpacked as instances or without an amount, when the
//!   amounts unpacked reach those packed, or when everything is unpacked.
//! - If the events that unpack a carrier name none of the goods that it is known to hold, all that
//!   they name is followed: another name for the same goods.
//!
//! # What is given back
//! Nodes are identifiers at a site; edges run as goods flow, also upstream. An identifier seen at
//! several sites of the member is tied together by moves: from the site that a sending or receiving
//! names, else from the site where it was before.

mod assemble;
mod carriers;
mod load;
mod walk;

use super::row::{LogPosition, MemberId};
use super::{Index, IndexError};

/// Which way to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the origin.
    Up,
    /// To the destination.
    Down,
}

/// What to begin with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Start {
    /// An identifier in any form.
    pub id: String,
    /// Where `id` is a carrier: the content that is meant. Empty: `id` itself is the goods.
    pub carrying: Vec<String>,
}

impl Start {
    /// Goods: a lot, an item, or a logistic unit with all that is in it.
    #[must_use]
    pub fn goods(id: impl Into<String>) -> Self {
        Start { id: id.into(), carrying: Vec::new() }
    }
}

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Steps away from the start.
    pub levels: u32,
    /// Identifiers reached.
    pub nodes: usize,
    /// Edges given back.
    pub edges: usize,
    /// Rows read from the index: bounds the time taken.
    pub rows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { levels: 64, nodes: 200_000, edges: 400_000, rows: 2_000_000 }
    }
}

/// One member's part of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// Whose rows it was made from.
    pub member: MemberId,
    /// Identifiers at sites.
    pub nodes: Vec<Node>,
    /// How goods went from one to the other.
    pub edges: Vec<Edge>,
    /// What came in or went out: the frontier to other members.
    pub handovers: Vec<Handover>,
    /// Starts that no event of the member names.
    pub unknown: Vec<String>,
    /// Set if a limit ended the walk early: there may be more.
    pub truncated: Option<Cut>,
}

/// An identifier at a site of the member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The canonical identifier.
    pub id: String,
    /// The business location, else the read point; none if no event says one.
    pub site: Option<String>,
}

/// What an edge says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeKind {
    /// The one was used up to make the other.
    Transform,
    /// The one was put into the other.
    Pack,
    /// The other was taken out of the one.
    Unpack,
    /// The one was attached to the other.
    Attach,
    /// The other was taken off the one.
    Detach,
    /// The other is an item of the lot.
    Belong,
    /// The same goods at another site of the member.
    Move,
}

/// How goods went from one node to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Place in [`Fragment::nodes`].
    pub from: usize,
    /// Place in [`Fragment::nodes`].
    pub to: usize,
    /// What happened.
    pub kind: EdgeKind,
    /// The event that says so.
    pub event: EventRef,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// How much of `from` went, as the event's lexeme.
    pub quantity: Option<String>,
    /// The unit of `quantity`.
    pub unit: Option<String>,
    /// Of a transformation: how much of `to` was made in all.
    pub made: Option<String>,
    /// The unit of `made`.
    pub made_unit: Option<String>,
}

/// An event that a trace refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRef {
    /// Its place in the log.
    pub position: LogPosition,
    /// Its id.
    pub event_id: Option<String>,
    /// Its business step, as CBV web URI.
    pub step: Option<String>,
}

/// A source or destination that an event names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Whether it is a destination.
    pub is_destination: bool,
    /// The type: owning party, possessing party or location, as CBV web URI.
    pub kind: String,
    /// The party or location.
    pub id: String,
}

/// Goods that crossed the member's border.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// Place of what was handed over in [`Fragment::nodes`].
    pub node: usize,
    /// Down: sent. Up: received. The other ones are given too: arrival in a trace downstream,
    /// departure in one upstream, so that both sides of a handover can be compared.
    pub is_sent: bool,
    /// The event that says so.
    pub event: EventRef,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// How much, as the event's lexeme.
    pub quantity: Option<String>,
    /// The unit of `quantity`.
    pub unit: Option<String>,
    /// Sources and destinations of the event.
    pub parties: Vec<Party>,
    /// With what the member on the other side is to be asked: the thing handed over and, where it
    /// is a carrier, what was in it.
    pub starts: Vec<Start>,
}

impl Fragment {
    /// The handovers through which the trace goes on to other members.
    pub fn frontier(&self, direction: Direction) -> impl Iterator<Item = &Handover> {
        let sent = direction == Direction::Down;
        self.handovers.iter().filter(move |handover| handover.is_sent == sent)
    }
}

/// Which limit ended a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutReason {
    /// [`Limits::levels`].
    Levels,
    /// [`Limits::nodes`].
    Nodes,
    /// [`Limits::edges`].
    Edges,
    /// [`Limits::rows`].
    Rows,
}

/// Where a walk ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Which limit ended it.
    pub reason: CutReason,
    /// Identifiers reached whose links were not all followed; the first 1,000 of them.
    pub frontier: Vec<String>,
}

/// Identifiers named in [`Cut::frontier`] at most.
const FRONTIER_MAX: usize = 1000;

impl Index {
    /// Traces from these starts through the events of one member.
    ///
    /// # Errors
    /// If the file cannot be read. That a limit is reached is no error: the fragment says so.
    pub fn trace_member(
        &self,
        member: &MemberId,
        starts: &[Start],
        direction: Direction,
        limits: &Limits,
    ) -> Result<Fragment, IndexError> {
        self.trace(member, starts, direction, limits).map_err(|error| self.fault(error))
    }

    fn trace(
        &self,
        member: &MemberId,
        starts: &[Start],
        direction: Direction,
        limits: &Limits,
    ) -> rusqlite::Result<Fragment> {
        // One snapshot for all queries: a block that comes in meanwhile is seen whole or not.
        let snapshot = self.connection.unchecked_transaction()?;
        let Some(number) = super::intern::find_member(&snapshot, member)? else {
            return Ok(Fragment {
                member: *member,
                nodes: Vec::new(),
                edges: Vec::new(),
                handovers: Vec::new(),
                unknown: starts.iter().map(|start| start.id.clone()).collect(),
                truncated: None,
            });
        };
        let mut loader = load::Loader::new(&snapshot, number, limits.rows);
        let found = walk::walk(&mut loader, starts, direction, limits)?;
        assemble::assemble(&mut loader, *member, found, limits)
    }
}
