//! The floor: the least that committing to events costs. Parse and check, facts, commitment, one
//! signature for a document, append, one sync for a document; no encryption, no index, no state.
//! All cores work on documents; the file has one writer at a time.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use countermark_epcis::{Mode, document};
use countermark_ledger::ids::{key_id, object_hash};
use countermark_ledger::record::{self, Classification, RecordKeys};
use countermark_ledger::record_header::{RecordHeader, batch_root, encode_batch};
use countermark_ledger::registry::RULE_SET_1;
use countermark_ledger::statement::{Body, Capture, Statement};
use countermark_store::disk::{Disk, FileDisk};
use ed25519_dalek::SigningKey;

use super::machine::Stopwatch;
use super::report::Rate;
use crate::error::NodeError;
use crate::keyring;
use crate::stores::store_error;

const FILE: &str = "floor";
/// Events that are committed to together.
const EVENTS_TOGETHER: usize = 32;

struct Floor {
    disk: FileDisk,
    writer: Mutex<()>,
    key: SigningKey,
    classes: Classification,
}

/// Takes documents of events by as little as possible.
pub(super) fn run(folder: &Path, documents: &[Vec<u8>], events: usize) -> Result<Rate, NodeError> {
    let disk = FileDisk::create(&folder.join(FILE)).map_err(|e| store_error(&e))?;
    let key = SigningKey::from_bytes(&[7; 32]);
    let floor = Floor { disk, writer: Mutex::new(()), key, classes: Classification::new() };
    let next = AtomicUsize::new(0);
    let watch = Stopwatch::start();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let work = || {
            while let Some(bytes) = documents.get(next.fetch_add(1, Ordering::Relaxed)) {
                floor.take(bytes)?;
            }
            Ok(())
        };
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| {
            let ended = || NodeError::Store("a thread ended".to_owned());
            thread.join().unwrap_or_else(|_| Err(ended()))
        })
    })?;
    Ok(watch.rate(events))
}

impl Floor {
    fn take(&self, bytes: &[u8]) -> Result<(), NodeError> {
        let read = document::read(bytes, Mode::Strict)
            .map_err(|_| NodeError::Store("the sample is not valid".to_owned()))?;
        let provenance = countermark_epcis::json::Json::object();
        let mut headers = Vec::with_capacity(read.events.len());
        let id = key_id(&self.key.verifying_key().to_bytes());
        for events in read.events.chunks(EVENTS_TOGETHER) {
            let keys: Result<Vec<RecordKeys>, NodeError> =
                events.iter().map(|_| Ok(RecordKeys::from_random(&keyring::random()?))).collect();
            let keys = keys?;
            let records: Vec<_> =
                events.iter().zip(&keys).map(|(e, keys)| (e.json(), &provenance, keys)).collect();
            let commitments = record::commit_many(&records, &self.classes);
            for (event, commitment) in events.iter().zip(commitments) {
                let commitment = commitment.map_err(|e| store_error(&e))?;
                std::hint::black_box(event.facts());
                let header = RecordHeader {
                    record_id: keyring::random()?,
                    signing_key: id,
                    key_sequence: 1,
                    time_bucket: 0,
                    root: commitment.root,
                    class_digests: commitment.digests,
                    rule_set: RULE_SET_1,
                    previous_version: None,
                    idempotency_tag: [0; 32],
                };
                headers.push(header.encode());
            }
        }
        let object = encode_batch(&headers).map_err(|e| store_error(&e))?;
        let hash = object_hash(&object);
        let body =
            Capture { batch_root: batch_root(&headers), count: headers.len() as u64, object: hash };
        let statement = Statement {
            key: id,
            member: [0; 16],
            sequence: 1,
            origin: "floor".to_owned(),
            body: Body::Capture(body),
            objects: vec![hash],
        };
        let signed = statement.sign(&self.key).map_err(|e| store_error(&e))?;
        let group = [signed.bytes(), &object].concat();
        let _one_writer = self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.disk.append(FILE, &group).map_err(|e| store_error(&e))?;
        self.disk.sync(FILE).map_err(|e| store_error(&e))
    }
}
