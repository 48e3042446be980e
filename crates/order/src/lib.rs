//! Ordering: who decides which statements come next, behind one narrow interface.
//!
//! A submitter hands over a submission and gets a [`Ticket`]. The ordering groups submissions,
//! has the [`Application`] turn a group into one block and make it durable, and answers the
//! tickets. An engine among several members (`bft`) drives the same method of the application
//! from its own agreement; nothing of an engine is seen here.
//!
//! Invariants: blocks are finalised one after the other, each exactly once, from one thread. The
//! queue is bounded; a full queue refuses, it never blocks. After a fatal answer of the application
//! nothing more is ordered: the node must reopen its stores.

mod local;

pub use local::{Local, Ticket};

/// Limits of the ordering, in one place.
pub mod limits {
    /// Submissions that may wait for a block.
    pub const QUEUE_MAX: usize = 1024;
    /// Submissions that one block takes.
    pub const GROUP_MAX: usize = 64;
}

/// What turns a group of submissions into a finalised, durable block: the node.
pub trait Application: Send + 'static {
    /// What a submitter hands over: signed statements, or what the node needs to sign them.
    type Submission: Send + 'static;
    /// What a submitter learns of its submission once the block is durable.
    type Outcome: Send + 'static;
    /// Why the application no longer knows its state.
    type Fatal: std::error::Error + Clone + Send + Sync + 'static;

    /// Executes a group as the next block and makes it durable; one outcome for each submission,
    /// in order. A submission that breaks a rule is an outcome, not an error.
    ///
    /// # Errors
    /// Only where the state is no longer known; the ordering then stops for good.
    fn finalise(&mut self, group: Vec<Self::Submission>)
    -> Result<Vec<Self::Outcome>, Self::Fatal>;
}

/// Why a submission was not ordered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OrderError<F: std::error::Error> {
    /// The queue is full; the same submission may be made again later.
    #[error("{0} submissions already wait for a block; try again in a moment")]
    Busy(usize),
    /// The ordering was stopped.
    #[error("the ordering has been stopped")]
    Stopped,
    /// The application no longer knows its state.
    #[error("the node no longer knows its state and must be reopened")]
    Fatal(#[source] F),
}
