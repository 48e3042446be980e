use super::*;
use crate::disk::{CrashMode, Fault, FrozenDisk, LyingDisk, Operation, When};
use countermark_epcis::json::{self, Json};
use countermark_ledger::cid::{Profile, cid};
use countermark_ledger::record::{
    Classification, Commitment, RecordKeys, assemble, commit, disclose, verify,
};
use std::sync::atomic::{AtomicU64, Ordering};

const FOLDER: &str = "vault";

/// Bytes that never repeat; for tests only.
struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, out: &mut [u8]) -> io::Result<()> {
        use sha2::{Digest, Sha256};
        for chunk in out.chunks_mut(32) {
            let digest = Sha256::digest(self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
        Ok(())
    }
}

fn random() -> Arc<dyn Random> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Arc::new(Counting(AtomicU64::new(NEXT.fetch_add(1 << 32, Ordering::Relaxed))))
}

fn vault_key() -> WrapKey {
    WrapKey::from_bytes([0x11; 32])
}

fn open(disk: impl Disk + 'static) -> Result<(Vault, Recovery), VaultError> {
    Vault::open_with(Arc::new(disk), FOLDER, vault_key(), random(), None, 4096)
}

fn fresh(disk: &FrozenDisk) -> Vault {
    open(disk.clone()).unwrap().0
}

const EVENT: &str = r#"{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"ex":"https://example.org/"}],"type":"ObjectEvent","eventID":"urn:uuid:8f7e2f3a-0c1d-4a5b-9c6d-7e8f9a0b1c2d","eventTime":"2026-11-19T08:15:30.000+01:00","eventTimeZoneOffset":"+01:00","action":"OBSERVE","bizStep":"shipping","disposition":"in_transit","epcList":["https://id.gs1.org/01/04012345000016/21/90210","https://id.gs1.org/01/04012345000016/21/90211"],"quantityList":[{"epcClass":"https://id.gs1.org/01/04012345000023/10/K77","quantity":12.50,"uom":"KGM"}],"readPoint":{"id":"https://id.gs1.org/414/4012345000030"},"bizLocation":{"id":"https://id.gs1.org/414/4012345000047"},"bizTransactionList":[{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:4012345000030:PO-2026-1187"}],"sourceList":[{"type":"owning_party","source":"https://id.gs1.org/417/4012345000054"}],"destinationList":[{"type":"owning_party","destination":"https://id.gs1.org/417/4012345000061"}],"ex:driver":"A. Example","ilmd":{"ex:origin":"NL","ex:brix":11.20}}"#;

struct Made {
    id: [u8; 16],
    keys: RecordKeys,
    event: Json,
    commitment: Commitment,
}

impl Made {
    fn new(seed: u8) -> Self {
        let mut event = json::parse(EVENT.as_bytes()).unwrap();
        event.set("eventID", Json::string(format!("urn:uuid:event-{seed}")));
        let provenance = json::parse(br#"{"sourceDocument":"5f1d0c"}"#).unwrap();
        let classes = Classification::new().extension("ex:driver", FieldClass::Personal);
        let keys = RecordKeys::from_random(&std::array::from_fn(|i| {
            (i as u8).wrapping_mul(31) ^ seed ^ (i >> 5) as u8
        }));
        let commitment = commit(&event, &provenance, &classes, &keys).unwrap();
        Self { id: [seed; 16], keys, event, commitment }
    }

    fn record<'a>(&'a self, subject: Option<&'a [u8]>) -> NewRecord<'a> {
        NewRecord { id: self.id, bodies: &self.commitment.bodies, keys: &self.keys, subject }
    }

    fn check(&self, stored: &StoredRecord, erased: &[FieldClass]) {
        for (class, body) in &self.commitment.bodies {
            let state = &stored.classes[class.index()];
            if erased.contains(class) {
                assert_eq!(state, &ClassState::Erased, "{class:?}");
            } else {
                let key = self.keys.class(*class).clone();
                assert_eq!(state, &ClassState::Body { key, body: body.clone() }, "{class:?}");
            }
        }
        if erased.is_empty() {
            let (event, _) = assemble(&stored.bodies()).unwrap();
            assert_eq!(event.to_text(), self.event.to_text());
        }
    }
}

fn put(vault: &mut Vault, records: &[&Made]) -> Result<Vec<Location>, VaultError> {
    let records: Vec<NewRecord<'_>> = records.iter().map(|made| made.record(None)).collect();
    vault.put_batch(20_777, &records)
}

#[test]
fn records_come_back_after_reopening_and_are_found_by_scanning() {
    let disk = FrozenDisk::new();
    let mut vault = fresh(&disk);
    let made: Vec<Made> = (0..12).map(Made::new).collect();
    let mut places = Vec::new();
    for pair in made.chunks(2) {
        places.extend(put(&mut vault, &pair.iter().collect::<Vec<_>>()).unwrap());
    }
    drop(vault);
    let (vault, recovery) = open(disk.clone()).unwrap();
    assert_eq!(recovery, Recovery::default());
    for (made, place) in made.iter().zip(&places) {
        made.check(&vault.get(*place, &made.id).unwrap(), &[]);
        assert_eq!(Location::from_u64(place.to_u64()), *place);
        assert_eq!(vault.find(&made.id).unwrap(), Some(*place));
    }
    assert!(disk.files().contains_key("vault/bodies-000001"), "segments are bounded");
    assert!(disk.files().contains_key("vault/keys-000001"), "segments are bounded");
    assert_eq!(vault.find(&[99; 16]).unwrap(), None);
    assert!(matches!(vault.get(places[0], &[1; 16]), Err(VaultError::Misplaced { .. })));
}

#[test]
fn no_value_stands_in_clear_in_any_file() {
    let disk = FrozenDisk::new();
    let made = Made::new(1);
    let mut vault = fresh(&disk);
    vault.put_batch(1, &[made.record(Some(b"driver-7"))]).unwrap();
    for (path, bytes) in disk.files() {
        for clear in ["A. Example", "90210", "PO-2026", "driver-7", "shipping"] {
            let found = bytes.windows(clear.len()).any(|window| window == clear.as_bytes());
            assert!(!found, "{clear} in {path}");
        }
    }
}

#[test]
fn an_erased_class_is_gone_and_everything_else_still_proves() {
    let disk = FrozenDisk::new();
    let mut vault = fresh(&disk);
    let (made, other) = (Made::new(1), Made::new(2));
    let places = put(&mut vault, &[&made, &other]).unwrap();
    let before = disk.files();
    vault.erase(places[0], &made.id, &[FieldClass::Quantity]).unwrap();
    let gone = |path: &str| {
        let (old, new) = (&before[path], &disk.files()[path]);
        old.iter().zip(new).filter(|(old, new)| old != new).count()
    };
    assert!(gone("vault/bodies-000000") > 32 && gone("vault/keys-000000") > 32);
    drop(vault);
    let (vault, recovery) = open(disk).unwrap();
    assert_eq!(recovery, Recovery::default());
    let stored = vault.get(places[0], &made.id).unwrap();
    made.check(&stored, &[FieldClass::Quantity]);
    other.check(&vault.get(places[1], &other.id).unwrap(), &[]);
    let sources = stored.sources();
    for pointer in ["/bizStep", "/epcList/1", "/readPoint", "/ex:driver", "/ilmd/ex:origin"] {
        let openings = disclose(&sources, &[pointer]).unwrap();
        let verified = verify(&made.commitment.digests, &openings).unwrap();
        assert_eq!(verified.value(pointer), made.event.pointer(pointer), "{pointer}");
    }
    assert!(disclose(&sources, &["/quantityList"]).is_err());
}

#[test]
fn erasing_a_subject_erases_its_fields_in_every_record() {
    let disk = FrozenDisk::new();
    let mut vault = fresh(&disk);
    let made: Vec<Made> = (0..3).map(Made::new).collect();
    let subjects: [Option<&[u8]>; 3] = [Some(b"driver-7"), Some(b"driver-7"), Some(b"driver-8")];
    let records: Vec<_> = made.iter().zip(subjects).map(|(made, s)| made.record(s)).collect();
    let places = vault.put_batch(3, &records).unwrap();
    assert!(!vault.erase_subject(b"driver-9").unwrap());
    assert!(vault.erase_subject(b"driver-7").unwrap());
    let vault = open(disk).unwrap().0;
    for ((made, place), subject) in made.iter().zip(places).zip(subjects) {
        let erased: &[_] = if subject == Some(b"driver-7") { &[FieldClass::Personal] } else { &[] };
        made.check(&vault.get(place, &made.id).unwrap(), erased);
    }
}

#[test]
fn another_key_is_recognised_before_anything_is_written() {
    let disk = FrozenDisk::new();
    put(&mut fresh(&disk), &[&Made::new(1)]).unwrap();
    let before = disk.files();
    let key = WrapKey::from_bytes([0x12; 32]);
    let error = Vault::open(Arc::new(disk.clone()), FOLDER, key, random(), None).unwrap_err();
    assert!(error.to_string().contains("wrong passphrase"), "{error}");
    assert_eq!(disk.files(), before);
}

#[test]
fn a_missing_table_of_day_keys_is_not_taken_for_a_new_vault() {
    let disk = FrozenDisk::new();
    put(&mut fresh(&disk), &[&Made::new(1)]).unwrap();
    disk.remove("vault/daykeys").unwrap();
    let key = WrapKey::from_bytes([0x12; 32]);
    let error = Vault::open(Arc::new(disk), FOLDER, key, random(), None).unwrap_err();
    assert!(matches!(&error, VaultError::Damaged { path, .. } if path == "vault/daykeys"));
}

#[test]
fn what_is_known_to_be_certain_is_never_cut_off_as_torn() {
    let disk = FrozenDisk::new();
    let mut vault = fresh(&disk);
    put(&mut vault, &[&Made::new(1)]).unwrap();
    let last = put(&mut vault, &[&Made::new(2)]).unwrap()[0];
    let open = |disk: &FrozenDisk, certain| {
        Vault::open(Arc::new(disk.clone()), FOLDER, vault_key(), random(), certain)
    };
    assert_eq!(open(&disk, Some(last)).unwrap().1, Recovery::default());
    let length = disk.files()["vault/keys-000000"].len() as u64;
    for offset in [u64::from(last.offset) - 8, u64::from(last.offset), length - 1] {
        let image = disk.crash_image(CrashMode::Kept);
        assert!(image.alter("vault/keys-000000", offset, 1));
        let before = image.files();
        let error = open(&image, Some(last)).unwrap_err();
        assert!(
            matches!(&error, VaultError::Damaged { path, .. } if path.ends_with("keys-000000"))
        );
        assert_eq!(image.files(), before, "nothing was cut off");
        assert_eq!(open(&image, None).unwrap().1.cut.len(), 2, "keys and bodies of a torn put");
    }
    let image = disk.crash_image(CrashMode::Kept);
    image.truncate("vault/keys-000000", u64::from(last.offset) - 8).unwrap();
    assert!(matches!(open(&image, Some(last)), Err(VaultError::Damaged { .. })));
}

#[test]
fn a_vault_without_the_newest_known_record_is_refused_and_left_as_it_is() {
    let disk = FrozenDisk::new();
    let mut vault = fresh(&disk);
    let made: Vec<Made> = (0..13).map(Made::new).collect();
    for made in &made {
        put(&mut vault, &[made]).unwrap();
    }
    drop(vault);
    let open = |disk: &FrozenDisk, newest: u8, read_only| {
        let known = Known { newest: Some([newest; 16]), read_only, certain: None };
        Vault::open_known(Arc::new(disk.clone()), FOLDER, vault_key(), random(), known, 4096)
    };
    // Also where the newest known one lies in an earlier segment.
    for newest in [0, 4, 12] {
        assert_eq!(open(&disk, newest, false).unwrap().1, Recovery::default());
    }
    let keys = disk.files().into_keys().rfind(|path| path.contains("keys-")).unwrap();
    assert_ne!(keys, "vault/keys-000000", "segments are bounded");
    let last = disk.files()[&keys].len() as u64 - 1;
    assert!(disk.alter(&keys, last, 1));
    disk.append("vault/daykeys", &[1; 20]).unwrap();
    let before = disk.files();
    for read_only in [false, true] {
        let error = open(&disk, 12, read_only).unwrap_err();
        assert!(matches!(&error, VaultError::Behind { path, .. } if *path == keys), "{error}");
        assert_eq!(disk.files(), before, "nothing was cut off");
    }
    // The ledger names only what came before: the last append is torn, and a reader leaves it.
    let (mut reader, told) = open(&disk, 11, true).unwrap();
    assert_eq!(told.cut.len(), 3, "{told:?}");
    assert_eq!(reader.find(&made[12].id).unwrap(), None);
    let place = reader.find(&made[11].id).unwrap().unwrap();
    made[11].check(&reader.get(place, &made[11].id).unwrap(), &[]);
    assert!(matches!(put(&mut reader, &[&made[12]]), Err(VaultError::ReadOnly)));
    assert_eq!(disk.files(), before, "a reader changes nothing");
    assert_eq!(open(&disk, 11, false).unwrap().1, told);
    assert_eq!(open(&disk, 11, false).unwrap().1, Recovery::default());
}

#[test]
fn a_reader_leaves_an_erasure_that_was_cut_short_to_the_next_writer() {
    let disk = FrozenDisk::new();
    let made = Made::new(1);
    let mut vault = fresh(&disk);
    let place = put(&mut vault, &[&made]).unwrap()[0];
    let whole = disk.files();
    vault.erase(place, &made.id, &[FieldClass::Quantity]).unwrap();
    drop(vault);
    // The tombstone is there, the zeros are not.
    let path = "vault/bodies-000000";
    disk.write_at(path, 0, &whole[path]).unwrap();
    let before = disk.files();
    let known = Known { read_only: true, ..Known::default() };
    let image = Arc::new(disk.clone());
    let told = Vault::open_known(image, FOLDER, vault_key(), random(), known, 4096).unwrap().1;
    assert_eq!((told.erasures_finished, told.cut.len()), (1, 0));
    assert_eq!(disk.files(), before, "a reader changes nothing");
    assert_eq!(open(disk.clone()).unwrap().1, told);
    assert_ne!(disk.files(), before);
}

#[test]
fn two_members_of_one_node_cannot_read_each_other() {
    let disk = FrozenDisk::new();
    let open = |folder: &str, key: u8| {
        let key = WrapKey::from_bytes([key; 32]);
        Vault::open(Arc::new(disk.clone()), folder, key, random(), None).map(|(vault, _)| vault)
    };
    let made = Made::new(1);
    let place = put(&mut open("vault/a", 1).unwrap(), &[&made]).unwrap()[0];
    put(&mut open("vault/b", 2).unwrap(), &[&Made::new(2)]).unwrap();
    assert!(matches!(open("vault/a", 2), Err(VaultError::WrongKey { .. })));
    assert!(open("vault/b", 2).unwrap().get(place, &made.id).is_err());
    made.check(&open("vault/a", 1).unwrap().get(place, &made.id).unwrap(), &[]);
}

#[test]
fn an_altered_byte_is_refused_with_its_file() {
    let disk = FrozenDisk::new();
    let made = Made::new(1);
    let mut vault = fresh(&disk);
    let place = vault.put_batch(9, &[made.record(Some(b"driver-7"))]).unwrap()[0];
    // A later append makes the first one certain.
    put(&mut vault, &[&Made::new(2)]).unwrap();
    drop(vault);
    let mut refused = 0;
    let first_frames = |path: &str, length: usize| match path {
        "vault/keys-000000" | "vault/bodies-000000" => length / 2,
        // Header and first entry: the second is the other day's.
        "vault/daykeys" => 104,
        _ => length,
    };
    for (path, bytes) in disk.files() {
        for offset in 0..first_frames(&path, bytes.len()) {
            assert!(disk.alter(&path, offset as u64, 0x40));
            let image = disk.crash_image(CrashMode::Kept);
            let result = open(image).and_then(|(vault, _)| vault.get(place, &made.id));
            match result {
                Ok(stored) => panic!("{path} byte {offset}: {stored:?}"),
                Err(VaultError::Damaged { path: named, .. }) => {
                    assert_eq!(named, path, "byte {offset}");
                }
                Err(VaultError::WrongKey { path: named }) => assert_eq!(named, path),
                Err(error) => panic!("{path} byte {offset}: {error}"),
            }
            refused += 1;
            assert!(disk.alter(&path, offset as u64, 0x40));
        }
    }
    assert!(refused > 1000, "{refused}");
}

#[test]
fn a_document_comes_back_and_one_altered_moved_or_cut_does_not() {
    let disk = FrozenDisk::new();
    let mut vault = fresh(&disk);
    let content: Vec<u8> =
        (0..2_500_000u32).flat_map(|i| (i / 7).to_le_bytes()).take(2_500_000).collect();
    let mut places = Vec::new();
    for (id, content) in [(1, &content[..]), (2, &[][..]), (3, &content[..1 << 20])] {
        let stored = vault.put_document(5, &[id; 16], &mut &content[..], Profile::KUBO_V1).unwrap();
        assert_eq!(stored.length, content.len() as u64);
        assert_eq!(stored.cid, cid(content, Profile::KUBO_V1));
        let mut out = Vec::new();
        vault.get_document(stored.location, &[id; 16], &mut out).unwrap();
        assert!(out == content, "document {id}");
        places.push(stored.location);
    }
    let path = format!("vault/documents/{}", "01".repeat(16));
    let length = disk.files()[&path].len() as u64;
    for offset in [0, 3, 4, 1000, length / 2, length - 1] {
        assert!(disk.alter(&path, offset, 1));
        let error = vault.get_document(places[0], &[1; 16], &mut Vec::new()).unwrap_err();
        assert!(matches!(&error, VaultError::Damaged { path: named, .. } if *named == path));
        assert!(disk.alter(&path, offset, 1));
    }
    let first = 4 + u32::from_be_bytes(disk.files()[&path][..4].try_into().unwrap());
    disk.truncate(&path, u64::from(first)).unwrap();
    assert!(vault.get_document(places[0], &[1; 16], &mut Vec::new()).is_err(), "pieces dropped");
    vault.erase_document(places[0], &[1; 16]).unwrap();
    assert!(!disk.files().contains_key(&path));
    let vault = open(disk).unwrap().0;
    let erased = vault.get_document(places[0], &[1; 16], &mut Vec::new());
    assert!(matches!(erased, Err(VaultError::Erased)));
    assert!(vault.get_document(places[2], &[3; 16], &mut Vec::new()).is_ok());
}

#[test]
fn a_document_that_cannot_be_read_leaves_the_vault_usable() {
    struct Broken(u32);
    impl io::Read for Broken {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            if self.0 > 400 { Err(io::Error::other("gone")) } else { Ok(out.len().min(8192)) }
        }
    }
    let disk = FrozenDisk::new();
    let mut vault = fresh(&disk);
    let result = vault.put_document(5, &[1; 16], &mut Broken(0), Profile::KUBO_V1);
    assert!(matches!(result, Err(VaultError::Source(_))));
    assert!(!disk.files().keys().any(|path| path.contains("documents")));
    assert!(put(&mut vault, &[&Made::new(1)]).is_ok());
}

/// What a run did before the disk stopped.
#[derive(Default)]
struct Acknowledged {
    records: Vec<(usize, Location)>,
    erased: Vec<(usize, FieldClass)>,
    /// Begun, but not acknowledged: may have happened or not.
    maybe: Vec<(usize, FieldClass)>,
    subject_erased: bool,
    document: Option<(Location, bool)>,
}

/// A run over all that the vault writes; stops at the first error.
fn run(vault: &mut Vault, made: &[Made], done: &mut Acknowledged) -> Result<(), VaultError> {
    for (i, pair) in made.chunks(2).enumerate() {
        let subject: &[u8] = b"driver-7";
        let records: Vec<_> =
            pair.iter().map(|made| made.record((i == 0).then_some(subject))).collect();
        for (j, place) in vault.put_batch(i as u32, &records)?.into_iter().enumerate() {
            done.records.push((2 * i + j, place));
        }
        if i == 1 {
            done.maybe.push((1, FieldClass::Identity));
            vault.erase(done.records[1].1, &made[1].id, &[FieldClass::Identity])?;
            done.erased.append(&mut done.maybe);
            let document = vault
                .put_document(7, &[9; 16], &mut &b"a certificate"[..], Profile::KUBO_V1)?
                .location;
            done.document = Some((document, false));
        }
    }
    done.maybe.extend([(0, FieldClass::Personal), (1, FieldClass::Personal)]);
    vault.erase_subject(b"driver-7")?;
    done.subject_erased = true;
    done.erased.append(&mut done.maybe);
    if let Some((place, _)) = done.document {
        done.document = Some((place, true));
        vault.erase_document(place, &[9; 16])?;
        done.document = None;
    }
    Ok(())
}

/// All that was acknowledged is there, what was erased is not, and writing goes on.
fn holds_after_reopening(disk: &FrozenDisk, made: &[Made], done: &Acknowledged, what: &str) {
    let (mut vault, _) = open(disk.clone()).unwrap_or_else(|error| panic!("{what}: {error}"));
    for (i, place) in &done.records {
        let stored = vault
            .get(*place, &made[*i].id)
            .unwrap_or_else(|error| panic!("{what}: record {i}: {error}"));
        let erased: Vec<FieldClass> = FieldClass::ALL
            .into_iter()
            .filter(|class| {
                let sure = done.erased.contains(&(*i, *class));
                let now = stored.classes[class.index()] == ClassState::Erased;
                assert!(now || !sure, "{what}: record {i} {class:?} is back");
                sure || (now && done.maybe.contains(&(*i, *class)))
            })
            .collect();
        made[*i].check(&stored, &erased);
    }
    if let Some((place, erasing)) = done.document {
        let mut out = Vec::new();
        match vault.get_document(place, &[9; 16], &mut out) {
            Ok(_) => assert_eq!(out, b"a certificate", "{what}"),
            Err(error) => assert!(erasing, "{what}: {error}"),
        }
    }
    let more = Made::new(200);
    let place = put(&mut vault, &[&more]).unwrap_or_else(|error| panic!("{what}: {error}"))[0];
    drop(vault);
    let (vault, recovery) = open(disk.clone()).unwrap();
    assert_eq!(recovery, Recovery::default(), "{what}");
    more.check(&vault.get(place, &more.id).unwrap(), &[]);
}

#[test]
fn a_crash_at_any_sync_loses_nothing_that_was_acknowledged() {
    let made: Vec<Made> = (0..6).map(Made::new).collect();
    let whole = FrozenDisk::new();
    let mut all = Acknowledged::default();
    run(&mut fresh(&whole), &made, &mut all).unwrap();
    let syncs = whole.syncs();
    assert!(syncs > 15, "{syncs}");
    for stop in 0..syncs {
        let disk = FrozenDisk::new();
        let mut vault = fresh(&disk);
        disk.freeze_at_sync(stop);
        let mut done = Acknowledged::default();
        assert!(run(&mut vault, &made, &mut done).is_err(), "stop {stop}");
        assert!(matches!(put(&mut vault, &[&made[0]]), Err(VaultError::Failed)));
        let mut modes = vec![CrashMode::Dropped, CrashMode::Kept];
        for seed in 0..8 {
            modes.extend([CrashMode::Torn { seed }, CrashMode::Zeroed { seed }]);
        }
        for mode in modes {
            let what = format!("stop {stop} of {syncs}, {mode:?}");
            holds_after_reopening(&disk.crash_image(mode), &made, &done, &what);
        }
    }
}

#[test]
fn a_disk_that_fails_after_having_written_loses_nothing_either() {
    let made: Vec<Made> = (0..4).map(Made::new).collect();
    for operation in [
        Operation::Append,
        Operation::Create,
        Operation::WriteAt,
        Operation::Sync,
        Operation::Remove,
    ] {
        for when in [When::Before, When::After, When::Partly(37)] {
            for nth in 0..40 {
                let inner = FrozenDisk::new();
                let fault = Fault { operation, nth, when, kind: io::ErrorKind::StorageFull };
                let lying = LyingDisk::new(inner.clone(), vec![fault]);
                let mut vault = open(lying).unwrap().0;
                let mut done = Acknowledged::default();
                if run(&mut vault, &made, &mut done).is_ok() {
                    break;
                }
                drop(vault);
                let what = format!("{operation:?} {nth} {when:?}");
                holds_after_reopening(&inner, &made, &done, &what);
            }
        }
    }
}

#[test]
fn stored_bytes_stay_below_one_point_three_of_the_event() {
    let disk = FrozenDisk::new();
    let mut vault =
        Vault::open(Arc::new(disk.clone()), FOLDER, vault_key(), random(), None).unwrap().0;
    let made: Vec<Made> = (0..100).map(Made::new).collect();
    put(&mut vault, &made.iter().collect::<Vec<_>>()).unwrap();
    let events: usize = made.iter().map(|made| made.event.to_text().len()).sum();
    let of = |family: &str| -> usize {
        let files = disk.files();
        files.iter().filter(|(path, _)| path.contains(family)).map(|(_, b)| b.len()).sum()
    };
    let (bodies, keys) = (of("bodies"), of("keys-"));
    assert!((bodies + keys) * 10 <= events * 13, "{bodies} + {keys} for {events}");
}
