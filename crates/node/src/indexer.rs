//! The index, written behind: a block's rows go in while the next block is prepared.
//!
//! That is sound because the index holds nothing of its own. Rows are handed over only when their
//! block is in the log, so the index is never ahead of it; what a crash leaves out is put in on
//! opening. Whoever reads gets the index after all blocks that were handed over, so what was
//! acknowledged is found. The queue is bounded: where the index is slower, blocks wait for it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use countermark_store::index::{BlockRows, Index};

use crate::error::NodeError;
use crate::sequencer::chain;
use crate::stores::store_error;

/// Blocks that may wait for the index.
const QUEUE_MAX: usize = 2;
/// Records that a crash may take from the index, to be put in again on opening.
const SETTLE_ROWS: usize = 10_000;
/// Idle time after which nothing is left that a crash could take.
const SETTLE_AFTER: Duration = Duration::from_millis(100);

/// How far the index is.
#[derive(Default)]
struct Standing {
    /// Blocks that were handed over and are not in yet.
    waiting: usize,
    /// Why nothing more goes in.
    failed: Option<String>,
}

#[derive(Default)]
struct Shared {
    standing: Mutex<Standing>,
    changed: Condvar,
}

/// The index and the thread that writes it.
pub(crate) struct Indexer {
    index: Arc<Mutex<Index>>,
    shared: Arc<Shared>,
    queue: Option<SyncSender<BlockRows>>,
    worker: Option<JoinHandle<()>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Indexer {
    pub(crate) fn start(index: Index) -> Self {
        let index = Arc::new(Mutex::new(index));
        let shared = Arc::new(Shared::default());
        let (queue, blocks) = sync_channel(QUEUE_MAX);
        let (of_worker, told) = (Arc::clone(&index), Arc::clone(&shared));
        let worker = std::thread::spawn(move || write(&of_worker, &told, &blocks));
        Self { index, shared, queue: Some(queue), worker: Some(worker) }
    }

    /// Hands over the rows of a block that is in the log. Erasures are carried out on return.
    pub(crate) fn put(&self, rows: BlockRows) -> Result<(), String> {
        let erases = !rows.erasures.is_empty();
        {
            let mut standing = locked(&self.shared.standing);
            if let Some(error) = &standing.failed {
                return Err(error.clone());
            }
            standing.waiting += 1;
        }
        let gone = || "the thread that writes the index ended".to_owned();
        self.queue.as_ref().ok_or_else(gone)?.send(rows).map_err(|_| gone())?;
        if erases { self.settled() } else { Ok(()) }
    }

    /// The index after all blocks that were handed over, settled: a reader may want a transaction
    /// of its own.
    pub(crate) fn read(&self) -> Result<MutexGuard<'_, Index>, NodeError> {
        let mut index = self.catch_up()?;
        index.settle().map_err(|e| store_error(&e))?;
        Ok(index)
    }

    /// The index, to put in what a crash left out.
    pub(crate) fn catch_up(&self) -> Result<MutexGuard<'_, Index>, NodeError> {
        self.settled().map_err(|error| {
            NodeError::Store(format!("index: {error}; open the node again, it then catches up"))
        })?;
        Ok(locked(&self.index))
    }

    /// Waits until all blocks that were handed over are in.
    fn settled(&self) -> Result<(), String> {
        let standing = locked(&self.shared.standing);
        let behind = |standing: &mut Standing| standing.waiting > 0 && standing.failed.is_none();
        let standing = self.shared.changed.wait_while(standing, behind);
        let standing = standing.unwrap_or_else(PoisonError::into_inner);
        standing.failed.clone().map_or(Ok(()), Err)
    }
}

/// Ends the wait of readers also where the thread panics.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut standing = locked(&self.0.standing);
        let ended = || "the thread that writes the index ended".to_owned();
        standing.failed.get_or_insert_with(ended);
        self.0.changed.notify_all();
    }
}

fn write(index: &Mutex<Index>, shared: &Shared, blocks: &Receiver<BlockRows>) {
    let _ending = Ending(shared);
    let mut unsettled = 0;
    loop {
        // Blocks that follow one another are settled together; what a crash takes is put in again.
        let next = match blocks.recv_timeout(SETTLE_AFTER) {
            Ok(rows) => Some(rows),
            Err(RecvTimeoutError::Timeout) if unsettled == 0 => blocks.recv().ok(),
            Err(_) => None,
        };
        let Some(rows) = next else {
            let ends = unsettled == 0;
            unsettled = 0;
            if let Err(error) = locked(index).settle() {
                locked(&shared.standing).failed = Some(chain(&error));
                return;
            }
            if ends {
                return;
            }
            continue;
        };
        unsettled += rows.records.len() + 1;
        let applied = {
            let mut index = locked(index);
            let applied = index.apply_lazily(&rows);
            if unsettled < SETTLE_ROWS {
                applied
            } else {
                unsettled = 0;
                applied.and_then(|applied| index.settle().map(|()| applied))
            }
        };
        let mut standing = locked(&shared.standing);
        if let Err(error) = applied {
            // Later blocks do not fit any more; opening the node again puts all of them in.
            standing.failed = Some(chain(&error));
            return;
        }
        standing.waiting -= 1;
        shared.changed.notify_all();
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.queue.take();
        if let Some(worker) = self.worker.take() {
            // A panic of the thread was told to readers; what it left out is put in on opening.
            let _ended = worker.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countermark_store::index::trace::{Direction, Limits, Start};

    fn rows(height: u64) -> BlockRows {
        BlockRows { height, ..BlockRows::default() }
    }

    fn index(folder: &tempfile::TempDir) -> Indexer {
        Indexer::start(Index::create(&folder.path().join("index.db")).unwrap())
    }

    #[test]
    fn a_reader_sees_every_block_that_was_handed_over() {
        let folder = tempfile::tempdir().unwrap();
        let indexer = index(&folder);
        for height in 0..50 {
            indexer.put(rows(height)).unwrap();
            if height % 7 == 0 {
                let index = indexer.read().unwrap();
                assert_eq!(index.applied_height().unwrap(), Some(height));
                let start = [Start::goods("https://id.gs1.org/01/09521321000018/10/A".to_owned())];
                let found = index.trace_member(&[1; 16], &start, Direction::Up, &Limits::default());
                assert!(found.unwrap().nodes.is_empty());
            }
        }
        drop(indexer);
        let again = Index::open(&folder.path().join("index.db")).unwrap();
        assert_eq!(again.applied_height().unwrap(), Some(49), "an orderly end leaves nothing out");
    }

    #[test]
    fn after_a_failure_readers_and_later_blocks_learn_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let indexer = index(&folder);
        indexer.put(rows(3)).unwrap();
        assert!(indexer.read().is_err(), "a block is missing");
        assert!(indexer.put(rows(0)).is_err());
    }
}
