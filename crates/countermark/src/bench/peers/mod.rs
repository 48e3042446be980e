//! What a team would build itself, with the same events in the same documents on the same disk:
//! the events as JSONB with a GIN index in PostgreSQL, and a chain of hashes in SQLite. Neither
//! checks what it takes, encrypts it, or proves anything to others.

mod postgres;
mod processes;
mod sqlite;

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use countermark_node::Progress;
use countermark_node::bench::{self, DOCUMENT_EVENTS, Options, Peer, Scratch};

pub(super) use postgres::{Tools, tools};

/// A document's events: the number of the first, and the text of each.
struct Batch {
    first: usize,
    events: Vec<String>,
}

fn batches(first: usize, events: usize) -> Vec<Batch> {
    let at = (0..events).step_by(DOCUMENT_EVENTS);
    let batch = |at| {
        let (first, count) = (first + at, DOCUMENT_EVENTS.min(events - at));
        Batch { first, events: bench::sample_events(first, count) }
    };
    at.map(batch).collect()
}

/// Measures the peers.
pub(super) fn run(tools: &Tools, options: &Options, progress: &dyn Progress) -> Result<Vec<Peer>> {
    let scratch = Scratch::new(options.folder.as_deref(), "peers")?;
    let mut peers = postgres::run(tools, scratch.path(), options.events, progress)?;
    peers.push(sqlite::run(&scratch.path().join("chain.db"), options.events, progress)?);
    Ok(peers)
}

/// Hands batches to as many clients as there are; gives the time that each batch took.
fn hand_out<C: Send>(
    clients: Vec<C>,
    batches: Vec<Batch>,
    label: &str,
    progress: &dyn Progress,
    take: impl Fn(&mut C, &Batch) -> Result<()> + Sync,
) -> Result<Vec<Duration>> {
    let total = batches.len() as u64;
    let waiting = Mutex::new((batches.into_iter(), 0));
    let client = |mut client: C| -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        loop {
            let next = {
                let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                waiting.1 += 1;
                progress.at(label, waiting.1.min(total), total);
                waiting.0.next()
            };
            let Some(batch) = next else { return Ok(times) };
            let begin = Instant::now();
            take(&mut client, &batch)?;
            times.push(begin.elapsed());
        }
    };
    let times: Result<Vec<Vec<Duration>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = clients.into_iter().map(|one| scope.spawn(|| client(one))).collect();
        let ended = || anyhow!("a thread ended");
        threads.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(ended()))).collect()
    });
    Ok(times?.concat())
}
