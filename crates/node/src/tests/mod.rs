//! The node as a whole, on disks that fail and with a clock that is told what to say.

mod access;
mod adversary;
mod backup;
mod capture;
mod clock;
mod concurrency;
mod crash;
mod damage;
mod erasure;
mod explore;
mod faults;
mod jobs;
mod publications;
mod scope;
mod shapes;
mod world;

use std::sync::{Arc, Mutex};

use countermark_epcis::json::Json;
use countermark_store::disk::{Disk, FrozenDisk, LyingDisk};
use countermark_store::log_store::Options;
use tempfile::TempDir;

use crate::clock::{Boot, ClockSource, Reading};
use crate::error::NodeError;
use crate::fsck::{FsckReport, check_stores};
use crate::keyring::{Keyring, MemberSecrets, Secrets, Unlock};
use crate::node::{KEYS_FOLDER, Node};
use crate::progress::Silent;
use crate::stores::Parts;
use crate::{CaptureReport, EpcFormat, InputFile};

pub(super) const MINUTE_MS: u64 = 60_000;
pub(super) const HOUR_MS: u64 = 60 * MINUTE_MS;
/// 2026-03-01T08:00:00Z.
const START_MS: u64 = 1_772_352_000_000;
const ORIGIN: &str = "lab.example/log";

/// A clock that stands still until it is told to go on.
#[derive(Clone)]
pub(super) struct FakeClock(Arc<Mutex<Reading>>);

impl FakeClock {
    fn new() -> Self {
        let boot = Some(Boot { id: "first".to_owned(), since_ms: HOUR_MS });
        Self(Arc::new(Mutex::new(Reading { wall_ms: START_MS, boot })))
    }

    /// Time passes.
    pub(super) fn pass(&self, ms: u64) {
        let mut reading = self.0.lock().unwrap();
        reading.wall_ms += ms;
        reading.boot.iter_mut().for_each(|boot| boot.since_ms += ms);
    }

    /// Somebody sets the clock; no time passes.
    pub(super) fn set_by(&self, ms: i64) {
        let mut reading = self.0.lock().unwrap();
        reading.wall_ms = reading.wall_ms.checked_add_signed(ms).unwrap();
    }

    /// The system starts anew.
    pub(super) fn restart(&self) {
        self.0.lock().unwrap().boot = Some(Boot { id: "second".to_owned(), since_ms: 0 });
    }

    fn source(&self) -> ClockSource {
        let clock = self.clone();
        ClockSource::new(move || clock.0.lock().unwrap().clone())
    }
}

/// A folder in memory where the system has such: what SQLite makes of syncs is its own affair, and
/// waiting for a real disk is most of the time that these tests take.
pub(super) fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A data directory whose log and vault are in memory, and the rest in a folder of its own.
pub(super) struct Lab {
    pub(super) folder: TempDir,
    pub(super) disk: FrozenDisk,
    pub(super) clock: FakeClock,
}

impl Lab {
    pub(super) fn new() -> Self {
        let folder = folder();
        let secrets = Secrets {
            origin: ORIGIN.to_owned(),
            log_seed: crate::keyring::random().unwrap(),
            hand: [1; 16],
            members: vec![MemberSecrets::generate("Farm", None).unwrap()],
        };
        Keyring::create(&folder.path().join(KEYS_FOLDER), &Unlock::KeyFile, secrets).unwrap();
        Self { folder, disk: FrozenDisk::new(), clock: FakeClock::new() }
    }

    pub(super) fn keyring(&self) -> Keyring {
        Keyring::open(&self.folder.path().join(KEYS_FOLDER), &Unlock::KeyFile).unwrap()
    }

    pub(super) fn parts(&self, disk: Arc<dyn Disk>) -> Parts {
        let folder = self.folder.path().to_owned();
        // A short journal, so that it is also replaced now and then.
        let log = Options { journal_bytes: 6_000 };
        Parts { disk, folder, keyring: self.keyring(), clock: self.clock.source(), log }
    }

    pub(super) fn begin(&self) -> Node {
        Node::begin(self.parts(Arc::new(self.disk.clone()))).unwrap()
    }

    pub(super) fn open(&self) -> Result<Node, NodeError> {
        Node::open_parts(self.parts(Arc::new(self.disk.clone())), &Silent)
    }

    /// Opens on a disk that fails by plan, in front of the lab's own.
    pub(super) fn open_lying(&self) -> (Node, Arc<LyingDisk<FrozenDisk>>) {
        let disk = Arc::new(LyingDisk::new(self.disk.clone(), Vec::new()));
        let node = Node::open_parts(self.parts(Arc::clone(&disk) as Arc<dyn Disk>), &Silent);
        (node.unwrap(), disk)
    }

    /// Everything is computed again; nothing may be wrong.
    pub(super) fn check(&self) {
        let report = self.fsck();
        assert!(report.faults.is_empty(), "{:#?}", report.faults);
    }

    pub(super) fn fsck(&self) -> FsckReport {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        check_stores(self.folder.path(), &disk, &self.keyring().secrets, &Silent).unwrap()
    }

    /// Removes state and index, as after a lost or restored folder.
    pub(super) fn lose(&self, names: &[&str]) {
        for name in names {
            for suffix in ["", "-wal", "-shm"] {
                let _absent =
                    std::fs::remove_file(self.folder.path().join(format!("{name}{suffix}")));
            }
        }
    }
}

/// An event of one pallet.
pub(super) fn event(id: Option<&str>, pallet: u64) -> String {
    let id = id.map_or_else(String::new, |id| format!(r#""eventID":"{id}","#));
    format!(
        r#"{{"type":"ObjectEvent",{id}"eventTime":"2026-02-01T10:00:00.000Z",
        "eventTimeZoneOffset":"+00:00","action":"OBSERVE","bizStep":"shipping",
        "epcList":["https://id.gs1.org/00/{}"]}}"#,
        sscc(pallet)
    )
}

/// What [`event`] is about.
pub(super) fn pallet(number: u64) -> String {
    format!("https://id.gs1.org/00/{}", sscc(number))
}

fn sscc(number: u64) -> String {
    let digits = format!("09521234{number:09}");
    let weigh = |(i, c): (usize, char)| c.to_digit(10).unwrap() * if i % 2 == 0 { 3 } else { 1 };
    let sum: u32 = digits.chars().enumerate().map(weigh).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

pub(super) fn document(events: &[String]) -> InputFile {
    let text = format!(
        r#"{{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-02-01T10:00:00.000Z",
        "epcisBody":{{"eventList":[{}]}}}}"#,
        events.join(",")
    );
    InputFile { name: "file.json".to_owned(), bytes: text.into_bytes() }
}

pub(super) fn capture(node: &Node, member: &str, file: &InputFile) -> CaptureReport {
    node.capture(Some(member), std::slice::from_ref(file), false, &Silent).unwrap()
}

/// Captures events by their ids; each must be taken.
pub(super) fn capture_ids(node: &Node, ids: &[&str]) {
    let events: Vec<String> = (0..).zip(ids).map(|(i, id)| event(Some(id), i)).collect();
    let report = capture(node, "Farm", &document(&events));
    assert_eq!(report.accepted, ids, "{:?}", report.rejected);
}

/// Ids of the events that the node gives, sorted.
pub(super) fn ids(node: &Node) -> Vec<String> {
    let answer = node.events(&crate::Scope::All, "", EpcFormat::NeverTranslates).unwrap();
    let id = |event: &Json| event.get("eventID").and_then(Json::as_str).unwrap().to_owned();
    let mut ids: Vec<String> = answer.events.iter().map(id).collect();
    ids.sort();
    ids
}
