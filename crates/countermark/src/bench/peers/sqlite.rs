//! A chain of hashes in SQLite: each row holds SHA-256(hash of the row before ‖ event). One writer,
//! since each row needs the one before it.

use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use anyhow::Result;
use countermark_node::Progress;
use countermark_node::bench::{self, Peer, Rate, milliseconds, percentile};
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use super::{Batch, batches, hand_out, processes};

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE chain (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, hash BLOB NOT NULL,
        event TEXT NOT NULL
    ) STRICT;
";

struct Chain {
    connection: Connection,
    head: [u8; 32],
}

impl Chain {
    fn take(&mut self, batch: &Batch) -> Result<()> {
        let transaction = self.connection.transaction()?;
        let mut head = self.head;
        {
            let mut insert = transaction
                .prepare_cached("INSERT INTO chain (id, hash, event) VALUES (?1, ?2, ?3)")?;
            for (number, event) in (batch.first..).zip(&batch.events) {
                head = Sha256::new().chain_update(head).chain_update(event).finalize().into();
                insert.execute(params![bench::sample_event_id(number), head, event])?;
            }
        }
        transaction.commit()?;
        self.head = head;
        Ok(())
    }
}

pub(super) fn run(path: &Path, events: usize, progress: &dyn Progress) -> Result<Peer> {
    let connection = Connection::open(path)?;
    connection.execute_batch(SCHEMA)?;
    let chain = Mutex::new(Chain { connection, head: [0; 32] });
    let batches = batches(0, events);
    let own = || processes::processor_seconds(std::process::id());
    let (begin, before) = (Instant::now(), own());
    let mut times = hand_out(vec![()], batches, "chain in SQLite", progress, |(), batch| {
        chain.lock().unwrap_or_else(PoisonError::into_inner).take(batch)
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    let processor = own().zip(before).map(|(after, before)| after - before);
    drop(chain);
    let bytes = std::fs::metadata(path)?.len();
    Ok(Peer {
        name: "SQLite chain of hashes".to_owned(),
        what: "SHA-256 over the hash before and the event, unique index on the event's id, one \
               transaction a document, write-ahead log, synchronous FULL"
            .to_owned(),
        clients: 1,
        rate: Rate::of(events, seconds, processor),
        document_p50_ms: milliseconds(percentile(&mut times, 50)),
        document_p99_ms: milliseconds(percentile(&mut times, 99)),
        bytes_per_event: (bytes as f64 / events.max(1) as f64).round(),
        ours_of_it: 0.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_hashes_the_one_before_it_across_batches() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        let mut chain = Chain { connection, head: [0; 32] };
        for batch in batches(3, 700) {
            chain.take(&batch).unwrap();
        }
        let mut rows =
            chain.connection.prepare("SELECT hash, event FROM chain ORDER BY number").unwrap();
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let rows: Vec<([u8; 32], String)> = rows.map(Result::unwrap).collect();
        assert_eq!(rows.len(), 700);
        let mut head = [0; 32];
        for (hash, event) in rows {
            head = Sha256::digest([&head, event.as_bytes()].concat()).into();
            assert_eq!(hash, head);
        }
    }
}
