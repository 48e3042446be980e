use super::*;
use crate::limits::IDEMPOTENCY_DAYS;
use crate::record_header::RecordHeaderError;
use crate::state::entries::TagEntry;
use crate::statement::{Clock, Erasure};
use StatementRefusal as Refusal;

fn fault(refusal: Refusal) -> (usize, RecordFault) {
    match refusal {
        Refusal::Record { index, fault } => (index, fault),
        other => panic!("{other}"),
    }
}

#[test]
fn a_header_that_does_not_fit_its_statement_is_refused_with_its_place() {
    let world = World::with_members(2);
    let good = world.header(2, 50, 50);
    let second = |change: fn(&mut RecordHeader)| {
        let mut header = world.header(2, 51, 51);
        change(&mut header);
        fault(world.refusal(world.capture(2, &[good.clone(), header])))
    };
    assert_eq!(second(|h| h.signing_key = [0; 32]), (1, RecordFault::Signer));
    assert_eq!(second(|h| h.key_sequence += 1), (1, RecordFault::Signer));
    assert_eq!(second(|h| h.time_bucket += 1), (1, RecordFault::Time));
    assert_eq!(second(|h| h.root = [0; 32]).1, RecordFault::Header(RecordHeaderError::Root));
    let unknown_rules = RecordFault::Header(RecordHeaderError::RuleSet(2));
    assert_eq!(second(|h| h.rule_set = 2).1, unknown_rules);
    assert_eq!(second(|h| h.record_id = [50; 16]).1, RecordFault::IdKnown([50; 16]));
    let duplicate = RecordFault::Duplicate { earlier: [50; 16] };
    assert_eq!(second(|h| h.idempotency_tag = [50; 32]), (1, duplicate));
    assert_eq!(second(|h| h.previous_version = Some([9; 16])).1, RecordFault::PreviousVersion);
    assert!(world.state.value(&keys::record(&[50; 16])).unwrap().is_none());
}

#[test]
fn a_batch_must_be_what_its_statement_says() {
    let world = World::with_members(2);
    let headers = [world.header(2, 50, 50).encode(), world.header(2, 51, 51).encode()];
    let object = encode_batch(&headers).unwrap();
    let body = Capture { batch_root: batch_root(&headers), count: 2, object: object_hash(&object) };
    let refused = |body: Capture, object: Vec<u8>| {
        world.refusal(world.says_at(2, 2, 1, Body::Capture(body), vec![object]))
    };
    let count = Capture { count: 1, ..body.clone() };
    let stated = BatchFault::Count { stated: 1, found: 2 };
    assert_eq!(refused(count, object.clone()), Refusal::Batch(stated));
    let root = Capture { batch_root: [0; 32], ..body.clone() };
    assert_eq!(refused(root, object.clone()), Refusal::Batch(BatchFault::Root));
    let other = Capture { object: [0; 32], ..body.clone() };
    assert!(matches!(refused(other, object), Refusal::Objects(_)));
    let no_batch = Capture { object: object_hash(&[1]), ..body };
    assert!(matches!(refused(no_batch, vec![1]), Refusal::Batch(BatchFault::Object(_))));
}

#[test]
fn the_same_tag_is_taken_again_only_by_a_new_version_of_its_newest_record() {
    let mut world = World::with_members(3);
    let capture = world.capture(2, &[world.header(2, 50, 7)]);
    world.accept(vec![capture]);
    let version = |world: &World, member: u8, record: u8, previous: Option<[u8; 16]>| {
        let mut header = world.header(member, record, 7);
        header.previous_version = previous;
        world.capture(member, &[header])
    };
    let duplicate = |refusal: Refusal, earlier: u8| {
        assert_eq!(fault(refusal).1, RecordFault::Duplicate { earlier: [earlier; 16] });
    };
    duplicate(world.refusal(version(&world, 2, 51, None)), 50);
    duplicate(world.refusal(version(&world, 3, 51, None)), 50);
    let of_another = world.refusal(version(&world, 3, 51, Some([50; 16])));
    assert_eq!(fault(of_another).1, RecordFault::PreviousVersion);
    let second = version(&world, 2, 51, Some([50; 16]));
    world.accept(vec![second]);
    duplicate(world.refusal(version(&world, 2, 52, Some([50; 16]))), 51);
    let third = version(&world, 2, 52, Some([51; 16]));
    world.accept(vec![third]);
    let tag = TagEntry::load(&world.state, &keys::tag(&[7; 32])).unwrap().unwrap();
    assert_eq!((tag.count, tag.last_record), (3, [52; 16]));
}

/// Lets time pass with the confirmation that a jump needs.
fn pass(world: &mut World, hours: u64) {
    let previous_ms = world.tip.parent_time_ms.unwrap();
    world.clock = previous_ms + hours * 3_600_000;
    let body = Clock { height: world.tip.height, previous_ms, new_ms: world.clock };
    let confirm = world.says(FOUNDER, Body::Clock(body));
    world.accept(vec![confirm]);
}

#[test]
fn a_tag_expires_after_the_stated_days_and_is_then_removed() {
    let mut world = World::with_members(2);
    let capture = world.capture(2, &[world.header(2, 50, 7), world.header(2, 51, 8)]);
    world.accept(vec![capture]);
    pass(&mut world, IDEMPOTENCY_DAYS * 24 - 2);
    let again = world.capture(2, &[world.header(2, 52, 7)]);
    assert_eq!(fault(world.refusal(again)).1, RecordFault::Duplicate { earlier: [50; 16] });
    // A new version keeps its tag for the full time again.
    let mut version = world.header(2, 53, 8);
    version.previous_version = Some([51; 16]);
    let version = world.capture(2, &[version]);
    world.accept(vec![version]);
    let before = world.state.entries().count();
    pass(&mut world, 3);
    assert!(world.state.value(&keys::tag(&[7; 32])).unwrap().is_none());
    let kept = TagEntry::load(&world.state, &keys::tag(&[8; 32])).unwrap().unwrap();
    assert_eq!((kept.count, kept.last_record), (2, [53; 16]));
    // Gone: one tag, its list, the list's count; new: a clock entry and two for the statement.
    assert_eq!(world.state.entries().count(), before - 3 + 2);
    let again = world.capture(2, &[world.header(2, 52, 7)]);
    world.accept(vec![again]);
    pass(&mut world, IDEMPOTENCY_DAYS * 48);
    pass(&mut world, 2);
    while let Some(sweep) = world.state.value(keys::SWEEP).unwrap()
        && crate::state::entries::SweepEntry::decode(&sweep).unwrap().bucket
            <= world.clock / 3_600_000
    {
        pass(&mut world, 2);
    }
    assert_eq!(world.state.entries().filter(|(k, _)| k.starts_with(b"tag/")).count(), 0);
    assert_eq!(world.state.entries().filter(|(k, _)| k.starts_with(b"expiry/")).count(), 0);
}

#[test]
fn only_its_member_erases_a_record_and_each_class_once() {
    let mut world = World::with_members(3);
    let capture = world.capture(2, &[world.header(2, 50, 50)]);
    world.accept(vec![capture]);
    let erase = |world: &World, member: u8, record: u8, classes: Vec<u8>, time_ms: u64| {
        let body = Erasure { record: [record; 16], classes, reason: 1, time_ms };
        world.says(member, Body::Erasure(body))
    };
    let now = world.clock;
    assert!(matches!(world.refusal(erase(&world, 3, 50, vec![9], now)), Refusal::Permission(_)));
    assert!(matches!(world.refusal(erase(&world, 2, 51, vec![9], now)), Refusal::Erasure(_)));
    assert!(matches!(
        world.refusal(erase(&world, 2, 50, vec![9], now + 60_000)),
        Refusal::Erasure(_)
    ));
    let first = erase(&world, 2, 50, vec![2, 9], now);
    world.accept(vec![first]);
    assert!(matches!(world.refusal(erase(&world, 2, 50, vec![1, 9], now)), Refusal::Erasure(_)));
    let second = erase(&world, 2, 50, vec![1, 11], now);
    world.accept(vec![second]);
    let record = RecordEntry::load(&world.state, &keys::record(&[50; 16])).unwrap().unwrap();
    assert_eq!(record.erased, 1 << 1 | 1 << 2 | 1 << 9 | 1 << 11);
}
