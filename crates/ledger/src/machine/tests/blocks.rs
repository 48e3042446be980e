use super::*;
use crate::statement::{Clock, Document, DocumentDigest};

fn document(world: &World, id: u8) -> Candidate {
    let body = Document {
        document: [id; 16],
        digest: DocumentDigest::Open([id; 32]),
        media_class: 0,
        size: 1,
    };
    world.says(FOUNDER, Body::Document(body))
}

#[test]
fn a_block_whose_header_says_anything_else_is_refused_by_field() {
    let world = World::with_members(2);
    let (block, _) = world.block(vec![document(&world, 1)]);
    type Change = fn(&mut BlockHeader);
    let changes: [(&str, Change); 11] = [
        ("origin", |h| h.origin = "ledger.example/2".into()),
        ("height", |h| h.height += 1),
        ("parent", |h| h.parent[0] ^= 1),
        ("log size", |h| h.log_size += 1),
        ("log root", |h| h.log_root[0] ^= 1),
        ("statement count", |h| h.statement_count += 1),
        ("statements root", |h| h.statements_root[0] ^= 1),
        ("state root", |h| h.state_root[0] ^= 1),
        ("rule set", |h| h.rule_set += 1),
        ("proposer", |h| h.proposer[0] ^= 1),
        ("time", |h| h.time_ms = 0),
    ];
    for (name, change) in changes {
        let mut changed = block.clone();
        change(&mut changed.header);
        match apply(&world.state, &world.tip, &changed).unwrap_err() {
            ApplyError::Refused(BlockRefusal::Header { field, .. }) => assert_eq!(field, name),
            ApplyError::Refused(BlockRefusal::TimeOrder { .. }) => assert_eq!("time", name),
            other => panic!("{name}: {other}"),
        }
    }
}

#[test]
fn statements_and_objects_that_do_not_belong_make_the_block_fall() {
    let world = World::with_members(2);
    let capture = world.capture(2, &[world.header(2, 50, 50)]);
    let (block, _) = world.block(vec![document(&world, 1), capture]);
    let refused = |change: fn(&mut BlockInput)| {
        let mut changed = block.clone();
        change(&mut changed);
        match apply(&world.state, &world.tip, &changed).unwrap_err() {
            ApplyError::Refused(refusal) => refusal,
            other => panic!("{other}"),
        }
    };
    assert_eq!(refused(|b| b.objects.push(vec![1])), BlockRefusal::Objects);
    assert_eq!(refused(|b| b.objects.push(b.objects[0].clone())), BlockRefusal::Objects);
    assert!(matches!(refused(|b| b.objects.clear()), BlockRefusal::Statement { index: 1, .. }));
    let reordered = refused(|b| b.statements.swap(0, 1));
    assert!(matches!(reordered, BlockRefusal::Header { field: "statements root", .. }));
    let replayed = refused(|b| b.statements.push(b.statements[0].clone()));
    assert!(matches!(replayed, BlockRefusal::Statement { index: 2, .. }));
    assert_eq!(refused(|b| b.statements.clear()), BlockRefusal::Empty);
    let many = refused(|b| b.statements = vec![vec![]; STATEMENTS_PER_BLOCK_MAX + 1]);
    assert!(matches!(many, BlockRefusal::TooLarge(_)));
    let long = refused(|b| b.objects.push(vec![0; OBJECT_BYTES_MAX + 1]));
    assert!(matches!(long, BlockRefusal::TooLarge(_)));
}

#[test]
fn a_block_that_was_applied_does_not_apply_again() {
    let mut world = World::with_members(2);
    let (block, effects) = world.block(vec![document(&world, 1)]);
    let tip = world.tip;
    world.commit(&block, &effects);
    assert!(matches!(
        apply(&world.state, &tip, &block).unwrap_err(),
        ApplyError::State(StateError::Height { .. })
    ));
    let refused = apply(&world.state, &world.tip, &block).unwrap_err();
    assert!(matches!(refused, ApplyError::Refused(BlockRefusal::TimeOrder { .. })));
}

#[test]
fn a_block_is_read_again_from_its_leaves_and_objects() {
    let world = World::with_members(2);
    let capture = world.capture(2, &[world.header(2, 50, 50)]);
    let (block, effects) = world.block(vec![document(&world, 1), capture]);
    let read = BlockInput::from_leaves(&effects.leaves, block.objects.clone());
    assert_eq!(read, Ok(block));
    let no_header = BlockInput::from_leaves(&effects.leaves[1..], vec![]);
    assert_eq!(no_header, Err(BlockHeaderError::Leaf));
    let header_twice = [&effects.leaves[0], &effects.leaves[0]];
    let refused = BlockInput::from_leaves(&header_twice, vec![]);
    assert_eq!(refused, Err(BlockHeaderError::NotAStatement));
}

#[test]
fn block_time_moves_on_though_the_clock_stands_still_or_goes_back() {
    let mut world = World::with_members(2);
    let parent = world.tip.parent_time_ms.unwrap();
    world.clock = parent - 5_000_000;
    let (block, _) = world.block(vec![document(&world, 1)]);
    assert_eq!(block.header.time_ms, parent + 1);
}

#[test]
fn a_jump_over_an_hour_needs_a_confirmation_in_its_block() {
    let mut world = World::with_members(2);
    let parent = world.tip.parent_time_ms.unwrap();
    let jump = parent + 10 * CLOCK_JUMP_MS_MAX;
    world.clock = jump;
    let alone = propose(&world.state, &world.tip, jump, &[document(&world, 1)]);
    let refused = BlockRefusal::ClockJump { parent, found: jump };
    assert_eq!(alone, Err(refused.into()));
    let height = world.tip.height;
    let clock = |height, previous_ms, new_ms| {
        world.says(FOUNDER, Body::Clock(Clock { height, previous_ms, new_ms }))
    };
    for unfit in [
        clock(height + 1, parent, jump),
        clock(height, parent + 1, jump),
        clock(height, parent, jump + 1),
        clock(height, parent, parent + 1),
    ] {
        let proposal = world.propose(&[unfit]);
        assert!(proposal.block.is_none());
        assert!(matches!(proposal.refusals[0].1, StatementRefusal::Clock(_)));
    }
    // A confirmation of a time from which the block's is again a jump does not do.
    let halfway = clock(height, parent, jump - 2 * CLOCK_JUMP_MS_MAX);
    assert!(propose(&world.state, &world.tip, jump, &[halfway]).is_err());
    let confirmed = clock(height, parent, jump - 1_000);
    let (block, effects) = world.block(vec![confirmed]);
    assert_eq!(block.header.time_ms, jump);
    // The same block without the confirmation is refused.
    let mut without = block.clone();
    without.statements = vec![document(&world, 1).statement];
    let refused = apply(&world.state, &world.tip, &without).unwrap_err();
    assert!(matches!(refused, ApplyError::Refused(BlockRefusal::ClockJump { .. })));
    assert_eq!(clock_confirmation(&world.tip, jump - 1_000).unwrap().new_ms, jump - 1_000);
    assert_eq!(clock_confirmation(&world.tip, parent + CLOCK_JUMP_MS_MAX), None);
    world.commit(&block, &effects);
    let just_within = world.tip.parent_time_ms.unwrap() + CLOCK_JUMP_MS_MAX;
    world.clock = just_within;
    let next = document(&world, 1);
    world.accept(vec![next]);
}

#[test]
fn a_fresh_proposal_lies_within_five_seconds_of_the_voters_clock() {
    let header = crate::block::tests::sample();
    let at = header.time_ms;
    assert!(check_fresh(&header, at + PROPOSAL_SKEW_MS_MAX).is_ok());
    assert!(check_fresh(&header, at - PROPOSAL_SKEW_MS_MAX).is_ok());
    assert!(check_fresh(&header, at + PROPOSAL_SKEW_MS_MAX + 1).is_err());
    assert!(check_fresh(&header, at - PROPOSAL_SKEW_MS_MAX - 1).is_err());
}

#[test]
fn what_does_not_fit_a_block_is_put_off_and_not_lost() {
    let world = World::with_members(2);
    let fits = document(&world, 1);
    let mut padded = document(&world, 2);
    padded.objects = (0..15u8).map(|i| vec![i; OBJECT_BYTES_MAX]).collect();
    padded.objects.push(vec![77; OBJECT_BYTES_MAX - padded.statement.len()]);
    let proposal = world.propose(&[fits.clone(), padded.clone()]);
    assert_eq!(proposal.refusals, vec![(1, StatementRefusal::BlockFull)]);
    assert!(proposal.refusals[0].1.is_retryable());
    padded.objects.push(vec![78; OBJECT_BYTES_MAX]);
    let refusal = world.refusal(padded);
    assert!(!refusal.is_retryable());
}
