use super::*;
use crate::statement::{Document, DocumentDigest, Endorsement, Erasure};
use proptest::prelude::*;

/// What someone tries. Small numbers, so that members, records and tags meet.
#[derive(Debug, Clone)]
enum Attempt {
    Add {
        member: u8,
        hand: u8,
    },
    Register {
        by: u8,
        member: u8,
        key: u8,
    },
    Rotate {
        member: u8,
        key: u8,
        to: u8,
    },
    Revoke {
        by: u8,
        member: u8,
        key: u8,
    },
    Suspend {
        by: u8,
        member: u8,
    },
    Resume {
        member: u8,
    },
    Leave {
        member: u8,
    },
    Capture {
        member: u8,
        records: Vec<(u8, u8, Option<u8>)>,
    },
    Document {
        member: u8,
        document: u8,
    },
    Endorse {
        member: u8,
        record: u8,
    },
    Erase {
        member: u8,
        record: u8,
        class: u8,
    },
    /// An earlier candidate, offered again.
    Replay {
        which: prop::sample::Index,
    },
    /// An earlier candidate with one byte changed.
    Forge {
        which: prop::sample::Index,
        at: prop::sample::Index,
    },
    /// The next statement, numbered too high.
    Ahead {
        member: u8,
        by: u64,
    },
}

fn any_attempt() -> impl Strategy<Value = Attempt> {
    let small = 1u8..6;
    let record = (1u8..30, 1u8..30, prop::option::weighted(0.2, 1u8..30));
    prop_oneof![
        2 => (small.clone(), small.clone()).prop_map(|(member, hand)| Attempt::Add { member, hand }),
        3 => (small.clone(), small.clone(), 1u8..9)
            .prop_map(|(by, member, key)| Attempt::Register { by, member, key }),
        1 => (small.clone(), 1u8..9, 1u8..9)
            .prop_map(|(member, key, to)| Attempt::Rotate { member, key, to }),
        1 => (small.clone(), small.clone(), 1u8..9)
            .prop_map(|(by, member, key)| Attempt::Revoke { by, member, key }),
        1 => (small.clone(), small.clone())
            .prop_map(|(by, member)| Attempt::Suspend { by, member }),
        1 => small.clone().prop_map(|member| Attempt::Resume { member }),
        1 => small.clone().prop_map(|member| Attempt::Leave { member }),
        8 => (small.clone(), prop::collection::vec(record, 1..4))
            .prop_map(|(member, records)| Attempt::Capture { member, records }),
        2 => (small.clone(), 0u8..9)
            .prop_map(|(member, document)| Attempt::Document { member, document }),
        3 => (small.clone(), 1u8..30).prop_map(|(member, record)| Attempt::Endorse { member, record }),
        2 => (small.clone(), 1u8..30, 1u8..12)
            .prop_map(|(member, record, class)| Attempt::Erase { member, record, class }),
        2 => any::<prop::sample::Index>().prop_map(|which| Attempt::Replay { which }),
        2 => any::<(prop::sample::Index, prop::sample::Index)>()
            .prop_map(|(which, at)| Attempt::Forge { which, at }),
        1 => (small, 1u64..3).prop_map(|(member, by)| Attempt::Ahead { member, by }),
    ]
}

fn make(world: &World, attempt: &Attempt, earlier: &[Candidate]) -> Candidate {
    let document = |id| {
        Body::Document(Document {
            document: [id; 16],
            digest: DocumentDigest::Salted([id; 32]),
            media_class: 0,
            size: 0,
        })
    };
    match attempt {
        Attempt::Add { member, hand } => world.add(*member, *hand),
        Attempt::Register { by, member, key } => world.register(*by, *member, *key),
        Attempt::Rotate { member, key, to } => {
            let (public_key, proof) = (public(*to), possession(*member, *to));
            let action = KeyAction::Rotate { old: id_of(*key), public_key, proof };
            world.key_action(*member, *member, action)
        }
        Attempt::Revoke { by, member, key } => {
            world.key_action(*by, *member, KeyAction::Revoke { key: id_of(*key) })
        }
        Attempt::Suspend { by, member } => world.member_action(*by, *member, MemberAction::Suspend),
        Attempt::Resume { member } => world.member_action(1, *member, MemberAction::Resume),
        Attempt::Leave { member } => world.member_action(*member, *member, MemberAction::Leave),
        Attempt::Capture { member, records } => {
            let headers: Vec<_> = records
                .iter()
                .map(|(record, tag, previous)| {
                    let mut header = world.header(*member, *record, *tag);
                    header.previous_version = previous.map(|record| [record; 16]);
                    header
                })
                .collect();
            world.capture(*member, &headers)
        }
        Attempt::Document { member, document: id } => world.says(*member, document(*id)),
        Attempt::Endorse { member, record } => {
            let entry = RecordEntry::load(&world.state, &keys::record(&[*record; 16])).unwrap();
            let hash = entry.map_or([0; 32], |entry| entry.header_hash);
            world.says(*member, Body::Endorsement(Endorsement::Record { id: [*record; 16], hash }))
        }
        Attempt::Erase { member, record, class } => {
            let time_ms = world.clock;
            let (record, classes) = ([*record; 16], vec![*class]);
            world.says(*member, Body::Erasure(Erasure { record, classes, reason: 2, time_ms }))
        }
        Attempt::Replay { which } if !earlier.is_empty() => which.get(earlier).clone(),
        Attempt::Forge { which, at } if !earlier.is_empty() => {
            let mut forged = which.get(earlier).clone();
            let at = at.index(forged.statement.len());
            forged.statement[at] ^= 1;
            forged
        }
        Attempt::Replay { .. } | Attempt::Forge { .. } => {
            Candidate { statement: vec![0], objects: vec![] }
        }
        Attempt::Ahead { member, by } => {
            let sequence = world.next(*member) + by;
            world.says_at(*member, *member, sequence, document(9), vec![])
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn replicas_that_apply_the_proposed_blocks_reach_the_same_root(
        rounds in prop::collection::vec(prop::collection::vec(any_attempt(), 1..6), 1..14)
    ) {
        let mut proposer = World::with_members(3);
        let mut replica = proposer.clone();
        let mut earlier: Vec<Candidate> = Vec::new();
        for round in &rounds {
            let candidates: Vec<Candidate> =
                round.iter().map(|attempt| make(&proposer, attempt, &earlier)).collect();
            let proposal = proposer.propose(&candidates);
            let taken = proposal.block.as_ref().map_or(0, |(block, _)| block.statements.len());
            prop_assert_eq!(taken + proposal.refusals.len(), candidates.len());
            // Whatever was refused makes a block fall that holds it alone.
            for (place, refusal) in proposal.refusals.iter().take(2) {
                let alone = proposer.propose(&candidates[*place..=*place]);
                if let Some((_, again)) = alone.refusals.first() {
                    prop_assert_eq!(again.is_retryable(), refusal.is_retryable());
                    prop_assert!(alone.block.is_none());
                }
            }
            if let Some((block, effects)) = proposal.block {
                let applied = apply(&replica.state, &replica.tip, &block).unwrap();
                prop_assert_eq!(&applied, &effects);
                prop_assert_eq!(applied.writes.root, block.header.state_root);
                proposer.commit(&block, &effects);
                replica.commit(&block, &applied);
                prop_assert_eq!(&replica.state, &proposer.state);
                // Not one statement of it can be taken a second time.
                let again: Vec<Candidate> = block.statements.iter()
                    .map(|s| Candidate { statement: s.clone(), objects: block.objects.clone() })
                    .collect();
                prop_assert!(proposer.propose(&again).block.is_none());
            }
            earlier.extend(candidates);
        }
    }

    #[test]
    fn a_changed_byte_anywhere_in_a_block_makes_it_fall(
        which in 0usize..4, at in any::<prop::sample::Index>(), flip in 1u8..
    ) {
        let world = World::with_members(2);
        let capture = world.capture(2, &[world.header(2, 50, 50), world.header(2, 51, 51)]);
        let add = world.add(7, 7);
        let (mut block, _) = world.block(vec![add, capture]);
        let part = match which {
            0 => &mut block.statements[0],
            1 => &mut block.statements[1],
            2 => &mut block.objects[0],
            _ => {
                let mut leaf = block.header.leaf();
                let at = at.index(leaf.len());
                leaf[at] ^= flip;
                if let Ok(header) = BlockHeader::from_leaf(&leaf) {
                    // A proposer is free in the time, within the rules: that is another block.
                    let same_time = header.time_ms == block.header.time_ms;
                    block.header = header;
                    let applied = apply(&world.state, &world.tip, &block);
                    prop_assert!(applied.is_err() || !same_time);
                }
                return Ok(());
            }
        };
        let at = at.index(part.len());
        part[at] ^= flip;
        prop_assert!(apply(&world.state, &world.tip, &block).is_err());
    }
}
