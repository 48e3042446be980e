use super::*;
use crate::statement::{Clock, Document, DocumentDigest, Endorsement, PreviousLog};
use StatementRefusal as Refusal;

fn document(id: u8) -> Body {
    Body::Document(Document {
        document: [id; 16],
        digest: DocumentDigest::Open([id; 32]),
        media_class: 1,
        size: 1,
    })
}

#[test]
fn a_forged_signature_a_foreign_log_and_an_unknown_key_are_refused_by_name() {
    let world = World::with_members(2);
    let mut forged = world.says(2, document(1));
    let last = forged.statement.len() - 1;
    forged.statement[last] ^= 1;
    assert_eq!(world.refusal(forged), Refusal::Signature);

    let mut foreign = Statement {
        key: id_of(2),
        member: [2; 16],
        sequence: 1,
        origin: "ledger.example/2".into(),
        body: document(1),
        objects: vec![],
    };
    let signed = foreign.clone().sign(&signing_key(2)).unwrap();
    assert_eq!(world.refusal(candidate(signed)), Refusal::Origin("ledger.example/2".into()));
    foreign.origin = ORIGIN.into();
    foreign.member = [1; 16];
    let signed = foreign.sign(&signing_key(2)).unwrap();
    assert_eq!(world.refusal(candidate(signed)), Refusal::KeyOfAnother);

    let unknown = world.says_at(2, 77, 1, document(1), vec![]);
    assert_eq!(world.refusal(unknown), Refusal::KeyUnknown(id_of(77)));
    let garbage = Candidate { statement: vec![1, 2, 3], objects: vec![] };
    assert!(matches!(world.refusal(garbage), Refusal::Malformed(_)));
}

#[test]
fn a_key_signs_in_sequence_and_nothing_twice() {
    let mut world = World::with_members(2);
    let first = world.says_at(2, 2, 1, document(1), vec![]);
    let second = world.says_at(2, 2, 2, document(2), vec![]);
    let fourth = world.says_at(2, 2, 4, document(4), vec![]);
    let sequence = |expected, found| Refusal::Sequence { expected, found };
    assert_eq!(world.refusal(second.clone()), sequence(1, 2));
    world.accept(vec![first.clone(), second.clone()]);
    assert_eq!(world.refusal(first), sequence(3, 1));
    assert_eq!(world.refusal(fourth), sequence(3, 4));
    // A refused statement leaves its number free.
    let known = world.says_at(2, 2, 3, document(1), vec![]);
    assert_eq!(world.refusal(known), Refusal::DocumentKnown);
    let third = world.says_at(2, 2, 3, document(3), vec![]);
    world.accept(vec![third]);
}

#[test]
fn only_the_founder_adds_suspends_and_resumes_and_only_a_member_itself_leaves() {
    let mut world = World::with_members(3);
    let add = MemberAction::Add { name_digest: [0; 32], hand: [9; 16], roles: vec![] };
    let by_another = world.member_action(2, 9, add);
    assert!(matches!(world.refusal(by_another), Refusal::Permission(_)));
    assert!(matches!(world.refusal(world.add(2, 5)), Refusal::MemberState(_)));
    let action = |by, member, action| world.member_action(by, member, action);
    assert!(matches!(world.refusal(action(2, 3, MemberAction::Suspend)), Refusal::Permission(_)));
    assert!(matches!(world.refusal(action(1, 3, MemberAction::Leave)), Refusal::Permission(_)));
    assert!(matches!(world.refusal(action(1, 1, MemberAction::Suspend)), Refusal::MemberState(_)));
    assert!(matches!(
        world.refusal(action(1, 9, MemberAction::Suspend)),
        Refusal::MemberUnknown(_)
    ));

    let suspend = action(1, 2, MemberAction::Suspend);
    world.accept(vec![suspend]);
    assert_eq!(world.refusal(world.says(2, document(1))), Refusal::MemberInactive([2; 16]));
    let resume = world.member_action(1, 2, MemberAction::Resume);
    world.accept(vec![resume]);
    let leave = world.member_action(2, 2, MemberAction::Leave);
    world.accept(vec![leave]);
    assert_eq!(world.refusal(world.says(2, document(1))), Refusal::MemberInactive([2; 16]));
    let resume = world.member_action(1, 2, MemberAction::Resume);
    assert!(matches!(world.refusal(resume), Refusal::MemberState(_)));
}

#[test]
fn a_key_is_registered_with_proof_that_it_is_held() {
    let mut world = World::with_members(2);
    let register = |by, member, public_key, proof| {
        world.key_action(by, member, KeyAction::Register { public_key, proof })
    };
    let of_another_member = register(2, 2, public(12), possession(1, 12));
    assert_eq!(world.refusal(of_another_member), Refusal::Possession);
    let of_another_key = register(2, 2, public(12), possession(2, 13));
    assert_eq!(world.refusal(of_another_key), Refusal::Possession);
    let weak = register(2, 2, std::array::from_fn(|i| u8::from(i == 0)), [0; 64]);
    assert_eq!(world.refusal(weak), Refusal::Possession);
    let known = register(2, 2, public(1), possession(2, 1));
    assert!(matches!(world.refusal(known), Refusal::KeyState(_)));
    // The founder could sign in a member's name if it could add a key to it.
    let by_founder = register(1, 2, public(12), possession(2, 12));
    assert!(matches!(world.refusal(by_founder), Refusal::Permission(_)));
    let further = register(2, 2, public(12), possession(2, 12));
    world.accept(vec![further]);
    let with_it = world.says_at(2, 12, 1, document(1), vec![]);
    world.accept(vec![with_it]);
}

#[test]
fn a_rotated_or_revoked_key_signs_nothing_more_and_its_interval_ends() {
    let mut world = World::with_members(2);
    let rotate =
        KeyAction::Rotate { old: id_of(2), public_key: public(12), proof: possession(2, 12) };
    let by_founder = world.key_action(1, 2, rotate.clone());
    assert!(matches!(world.refusal(by_founder), Refusal::Permission(_)));
    let before = world.says_at(2, 2, 1, document(1), vec![]);
    let body = Body::Key(KeyBody { member: [2; 16], action: rotate });
    let rotated = world.says_at(2, 2, 2, body, vec![]);
    let after = world.says_at(2, 2, 3, document(2), vec![]);
    let proposal = world.propose(&[before, rotated, after.clone()]);
    assert_eq!(proposal.refusals, vec![(2, Refusal::KeyRevoked(id_of(2)))]);
    let (block, effects) = proposal.block.unwrap();
    let height = block.header.height;
    world.commit(&block, &effects);
    assert_eq!(world.refusal(after), Refusal::KeyRevoked(id_of(2)));

    let root = world.state.root().unwrap();
    let key = keys::signing_key(&id_of(2));
    let value = world.state.value(&key).unwrap().unwrap();
    let proof = crate::state::prove(&world.state, &key).unwrap();
    let entry =
        crate::state::entries::KeyEntry::from_proof(&root, &id_of(2), &value, &proof).unwrap();
    assert_eq!((entry.member, entry.public_key), ([2; 16], public(2)));
    assert!(entry.valid_at(height) && !entry.valid_at(height + 1));
    let other = crate::state::entries::KeyEntry::from_proof(&root, &id_of(1), &value, &proof);
    assert!(other.is_err());

    let frozen = world.key_action(1, 2, KeyAction::Revoke { key: id_of(12) });
    world.accept(vec![frozen]);
    let replaced = world.register(1, 2, 22);
    world.accept(vec![replaced]);
    let last = world.key_action(1, 1, KeyAction::Revoke { key: id_of(1) });
    assert!(matches!(world.refusal(last), Refusal::KeyState(_)));
    let not_theirs = world.key_action(1, 1, KeyAction::Revoke { key: id_of(22) });
    assert_eq!(world.refusal(not_theirs), Refusal::KeyOfAnother);
}

#[test]
fn endorsements_count_each_hand_once() {
    let mut world = World::with_members(3);
    // Member 4 shares the hand of member 2.
    let add = world.add(4, 2);
    world.accept(vec![add]);
    let register = world.register(FOUNDER, 4, 4);
    world.accept(vec![register]);
    let header = world.header(2, 50, 50);
    let capture = world.capture(2, std::slice::from_ref(&header));
    world.accept(vec![capture]);
    let hash = crate::record_header::batch_leaf_hash(&header.encode());
    let record = |hash| Body::Endorsement(Endorsement::Record { id: [50; 16], hash });
    assert_eq!(world.refusal(world.says(3, record([0; 32]))), Refusal::EndorsedUnknown);
    for of_the_makers_hand in [2, 4] {
        let endorse = world.says(of_the_makers_hand, record(hash));
        assert_eq!(world.refusal(endorse), Refusal::EndorsedAlready);
    }
    let endorse = world.says(3, record(hash));
    world.accept(vec![endorse]);
    assert_eq!(world.refusal(world.says(3, record(hash))), Refusal::EndorsedAlready);
    let endorse = world.says(1, record(hash));
    world.accept(vec![endorse]);
    let standing = standing(&world.state, &[50; 16]).unwrap().unwrap();
    assert_eq!(standing.hands, vec![[2; 16], [1; 16], [3; 16]]);
    assert!(standing.is_effective());
    assert!(!Standing { required: 4, ..standing }.is_effective());
    assert_eq!(super::super::standing(&world.state, &[51; 16]).unwrap(), None);

    let genesis = genesis_statement().sign(&signing_key(1)).unwrap().leaf_hash();
    let statement = |hash| Body::Endorsement(Endorsement::Statement { hash });
    assert_eq!(world.refusal(world.says(2, statement([9; 32]))), Refusal::EndorsedUnknown);
    assert_eq!(world.refusal(world.says(1, statement(genesis))), Refusal::EndorsedAlready);
    let endorse = world.says(2, statement(genesis));
    world.accept(vec![endorse]);
}

#[test]
fn a_log_begins_with_one_genesis_statement_signed_by_the_key_that_it_brings() {
    let (state, tip) = (MemoryState::new(), Tip::start());
    let offer = |candidates: &[Candidate]| propose(&state, &tip, START_MS, candidates);
    let world = World::new();
    let other_first = offer(&[world.says_at(1, 1, 1, document(1), vec![])]);
    assert_eq!(other_first, Err(BlockRefusal::NoGenesis.into()));

    let genesis = genesis_statement();
    let sign = |statement: Statement| candidate(statement.sign(&signing_key(1)).unwrap());
    let refused = |statement: Statement| offer(&[sign(statement)]).unwrap().refusals[0].1.clone();
    let changed = |change: fn(&mut Genesis)| {
        let mut statement = genesis.clone();
        if let Body::Genesis(body) = &mut statement.body {
            change(body);
        }
        statement
    };
    assert_eq!(refused(changed(|body| body.member_key = public(2))), Refusal::Signature);
    assert!(matches!(refused(changed(|body| body.log_key = [0xff; 32])), Refusal::KeyState(_)));
    let later = Statement { sequence: 2, ..genesis.clone() };
    assert_eq!(refused(later), Refusal::Sequence { expected: 1, found: 2 });
    let rule_set = offer(&[sign(changed(|body| body.rule_set = 9))]);
    assert_eq!(rule_set, Err(BlockRefusal::RuleSet(9).into()));
    let after_loss = changed(|body| {
        let previous = PreviousLog { origin: "o".into(), size: 3, root: [1; 32] };
        body.previous = Some(previous);
    });
    assert_eq!(offer(&[sign(after_loss)]).unwrap().refusals, vec![]);
    // Twice, in one block or later, is refused.
    let again = Statement { sequence: 2, ..genesis.clone() };
    let proposal = offer(&[sign(genesis), sign(again.clone())]).unwrap();
    assert_eq!(proposal.refusals, vec![(1, Refusal::Genesis)]);
    assert_eq!(world.refusal(sign(again)), Refusal::Genesis);
}

#[test]
fn an_object_must_come_along_and_only_a_capture_names_one() {
    let world = World::with_members(2);
    let mut capture = world.capture(2, &[world.header(2, 50, 50)]);
    let object = capture.objects.pop().unwrap();
    assert_eq!(world.refusal(capture), Refusal::ObjectMissing(object_hash(&object)));
    let with_object = world.says_at(2, 2, 1, document(1), vec![object]);
    assert!(matches!(world.refusal(with_object), Refusal::Objects(_)));
    let clock = Body::Clock(Clock { height: 1, previous_ms: 1, new_ms: 2 });
    assert!(matches!(world.refusal(world.says(2, clock)), Refusal::Permission(_)));
}
