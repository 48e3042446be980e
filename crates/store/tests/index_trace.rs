//! Traces through a story of five companies, and the rules of the trace graph one by one.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::*;
use countermark_epcis::facts::{Action, EventType, Role};
use countermark_store::index::trace::{
    CutReason, Direction, EdgeKind, Fragment, Handover, Limits, Start,
};
use countermark_store::index::{BlockRows, Erasure, FieldClass, MemberId};

const FARM: MemberId = [1; 16];
const PROCESSOR: MemberId = [2; 16];
const WAREHOUSE: MemberId = [3; 16];
const DISTRIBUTOR: MemberId = [4; 16];
const RETAILER: MemberId = [5; 16];
const ALL: [MemberId; 5] = [FARM, PROCESSOR, WAREHOUSE, DISTRIBUTOR, RETAILER];

fn handed(step: &str, at: i64, from: u32, to: u32) -> Ev {
    object(step, at)
        .site(&site(if step == "shipping" { from } else { to }))
        .source("possessing_party", &party(from))
        .destination("possessing_party", &party(to))
}

/// Two harvests become two products; product 31 goes on pallet 1 to the warehouse, on to the
/// distributor, is re-palletised there with other goods, and goes to the retailer.
fn story() -> Ledger {
    let mut ledger = Ledger::new();
    let (h1, h2) = (lot(1, "H1"), lot(1, "H2"));
    let (p1, p2, other) = (lot(31, "P1"), lot(32, "P2"), lot(99, "X"));
    ledger.capture(
        FARM,
        vec![
            object("commissioning", day(1)).site(&site(1)).some(Role::Epc, &h1, "500", "KGM"),
            object("commissioning", day(1)).site(&site(1)).some(Role::Epc, &h2, "300", "KGM"),
            handed("shipping", day(2), 1, 2).some(Role::Epc, &h1, "500", "KGM"),
            handed("shipping", day(2), 1, 2).some(Role::Epc, &h2, "300", "KGM"),
        ],
    );
    ledger.capture(
        PROCESSOR,
        vec![
            handed("receiving", day(3), 1, 2).some(Role::Epc, &h1, "498.5", "KGM"),
            handed("receiving", day(3), 1, 2).some(Role::Epc, &h2, "300", "KGM"),
            transform(day(4))
                .site(&site(2))
                .some(Role::Input, &h1, "450", "KGM")
                .some(Role::Input, &h2, "100", "KGM")
                .some(Role::Output, &p1, "1000", ""),
            transform(day(4)).site(&site(2)).some(Role::Input, &h2, "200", "KGM").some(
                Role::Output,
                &p2,
                "400",
                "",
            ),
            pack(&sscc(1), day(5)).site(&site(2)).some(Role::Child, &p1, "1000", ""),
            pack(&sscc(2), day(5)).site(&site(2)).some(Role::Child, &p2, "400", ""),
            handed("shipping", day(6), 2, 3).with(Role::Epc, &sscc(1)).with(Role::Epc, &sscc(2)),
        ],
    );
    ledger.capture(
        WAREHOUSE,
        vec![
            handed("receiving", day(7), 2, 3).with(Role::Epc, &sscc(1)).with(Role::Epc, &sscc(2)),
            handed("shipping", day(9), 3, 4).with(Role::Epc, &sscc(1)),
        ],
    );
    ledger.capture(
        DISTRIBUTOR,
        vec![
            handed("receiving", day(10), 3, 4).with(Role::Epc, &sscc(1)),
            unpack(&sscc(1), day(11)).site(&site(4)).some(Role::Child, &p1, "1000", ""),
            pack(&sscc(40), day(12)).site(&site(4)).some(Role::Child, &p1, "600", "").some(
                Role::Child,
                &other,
                "50",
                "",
            ),
            handed("shipping", day(13), 4, 5).with(Role::Epc, &sscc(40)),
        ],
    );
    ledger.capture(
        RETAILER,
        vec![
            handed("receiving", day(14), 4, 5).with(Role::Epc, &sscc(40)),
            unpack(&sscc(40), day(15)).site(&site(5)).some(Role::Child, &p1, "600", "").some(
                Role::Child,
                &other,
                "50",
                "",
            ),
            object("retail_selling", day(16)).site(&site(5)).some(Role::Epc, &p1, "10", ""),
        ],
    );
    ledger
}

fn member_of(ledger: &Ledger, handover: &Handover, direction: Direction) -> Option<MemberId> {
    let _ = ledger;
    let named = handover.parties.iter().find(|named| {
        named.is_destination == (direction == Direction::Down)
            && named.kind.ends_with("possessing_party")
    })?;
    (1..=5).find(|number| party(*number) == named.id).map(|number| ALL[number as usize - 1])
}

/// Asks one member after the other, as the interface of the trace between members does.
fn trace_all(
    ledger: &Ledger,
    first: MemberId,
    id: &str,
    direction: Direction,
) -> BTreeMap<MemberId, Fragment> {
    let mut fragments = BTreeMap::new();
    let mut questions = vec![(first, vec![Start::goods(id)])];
    while let Some((member, starts)) = questions.pop() {
        let fragment =
            ledger.index.trace_member(&member, &starts, direction, &Limits::default()).unwrap();
        assert_eq!(fragment.truncated, None);
        let mut next: BTreeMap<MemberId, BTreeSet<Start>> = BTreeMap::new();
        for handover in fragment.frontier(direction) {
            let to = member_of(ledger, handover, direction).expect("a party of the story");
            next.entry(to).or_default().extend(handover.starts.iter().cloned());
        }
        questions.extend(next.into_iter().map(|(to, starts)| (to, starts.into_iter().collect())));
        fragments.insert(member, fragment);
    }
    fragments
}

fn ids(fragment: &Fragment) -> BTreeSet<String> {
    fragment.nodes.iter().map(|node| node.id.clone()).collect()
}

fn set<const N: usize>(ids: [String; N]) -> BTreeSet<String> {
    ids.into()
}

/// Edges as text: kind, from, to, quantity.
fn edges(fragment: &Fragment) -> BTreeSet<(EdgeKind, String, String, Option<String>)> {
    let id = |at: usize| fragment.nodes[at].id.clone();
    fragment
        .edges
        .iter()
        .map(|edge| (edge.kind, id(edge.from), id(edge.to), edge.quantity.clone()))
        .collect()
}

fn down(ledger: &Ledger, member: MemberId, id: &str) -> Fragment {
    let starts = [Start::goods(id)];
    ledger.index.trace_member(&member, &starts, Direction::Down, &Limits::default()).unwrap()
}

fn up(ledger: &Ledger, member: MemberId, id: &str) -> Fragment {
    let starts = [Start::goods(id)];
    ledger.index.trace_member(&member, &starts, Direction::Up, &Limits::default()).unwrap()
}

#[test]
fn a_harvest_is_followed_down_through_five_companies() {
    let ledger = story();
    let found = trace_all(&ledger, FARM, &lot(1, "H1"), Direction::Down);
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), ALL);
    assert_eq!(ids(&found[&FARM]), set([lot(1, "H1")]));
    assert_eq!(ids(&found[&PROCESSOR]), set([lot(1, "H1"), lot(31, "P1"), sscc(1)]));
    assert_eq!(ids(&found[&WAREHOUSE]), set([sscc(1)]));
    assert_eq!(ids(&found[&DISTRIBUTOR]), set([sscc(1), lot(31, "P1"), sscc(40)]));
    assert_eq!(ids(&found[&RETAILER]), set([sscc(40), lot(31, "P1")]));
    assert!(edges(&found[&PROCESSOR]).contains(&(
        EdgeKind::Transform,
        lot(1, "H1"),
        lot(31, "P1"),
        Some("450".into())
    )));
    let packed = edges(&found[&DISTRIBUTOR]);
    assert_eq!(
        packed,
        BTreeSet::from([
            (EdgeKind::Unpack, sscc(1), lot(31, "P1"), Some("1000".into())),
            (EdgeKind::Pack, lot(31, "P1"), sscc(40), Some("600".into())),
        ])
    );
    // The received amount stands beside the shipped one.
    let received = &found[&PROCESSOR].handovers.iter().find(|handover| !handover.is_sent).unwrap();
    assert_eq!(received.quantity.as_deref(), Some("498.5"));
    assert_eq!(received.unit.as_deref(), Some("KGM"));
    assert_eq!(found[&FARM].nodes[0].site, Some(site(1)));
}

#[test]
fn a_sold_lot_is_followed_up_to_both_harvests_and_to_nothing_else() {
    let ledger = story();
    let found = trace_all(&ledger, RETAILER, &lot(31, "P1"), Direction::Up);
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), ALL);
    assert_eq!(ids(&found[&RETAILER]), set([lot(31, "P1"), sscc(40)]));
    assert_eq!(ids(&found[&DISTRIBUTOR]), set([lot(31, "P1"), sscc(40), sscc(1)]));
    assert_eq!(ids(&found[&WAREHOUSE]), set([sscc(1)]));
    assert_eq!(ids(&found[&PROCESSOR]), set([lot(31, "P1"), sscc(1), lot(1, "H1"), lot(1, "H2")]));
    assert_eq!(ids(&found[&FARM]), set([lot(1, "H1"), lot(1, "H2")]));
}

#[test]
fn a_pallet_asked_for_itself_is_followed_up_to_all_that_is_on_it() {
    let ledger = story();
    let fragment = up(&ledger, DISTRIBUTOR, &sscc(40));
    assert_eq!(ids(&fragment), set([sscc(40), lot(31, "P1"), lot(99, "X"), sscc(1)]));
}

#[test]
fn a_pallet_that_carries_a_lot_does_not_lead_to_the_other_goods_on_it() {
    let ledger = story();
    let starts =
        [Start { id: sscc(40), carrying: vec![lot(31, "P1")] }, Start::goods(lot(31, "P1"))];
    let down = Direction::Down;
    let fragment = ledger.index.trace_member(&RETAILER, &starts, down, &Limits::default()).unwrap();
    assert!(!ids(&fragment).contains(&lot(99, "X")));
}

#[test]
fn content_unpacked_under_another_name_is_followed() {
    let mut ledger = Ledger::new();
    let case = key("01", "0952123000077");
    let shown = unpack(&sscc(1), day(2)).some(Role::Child, &case, "10", "");
    ledger.capture(RETAILER, vec![shown]);
    let starts = [Start { id: sscc(1), carrying: vec![lot(7, "L")] }, Start::goods(lot(7, "L"))];
    let fragment =
        ledger.index.trace_member(&RETAILER, &starts, Direction::Down, &Limits::default()).unwrap();
    assert_eq!(ids(&fragment), set([sscc(1), case]));
    assert_eq!(fragment.unknown, [lot(7, "L")]);
}

#[test]
fn a_member_answers_from_its_own_rows_only() {
    let ledger = story();
    let fragment = down(&ledger, FARM, &lot(31, "P1"));
    assert_eq!(fragment.nodes, []);
    assert_eq!(fragment.unknown, [lot(31, "P1")]);
    let stranger = down(&ledger, [9; 16], &lot(1, "H1"));
    assert_eq!(stranger.unknown, [lot(1, "H1")]);
    assert!(ids(&down(&ledger, FARM, &lot(1, "H1"))).is_disjoint(&set([lot(31, "P1"), sscc(1)])));
}

#[test]
fn any_form_of_an_identifier_begins_a_trace() {
    let ledger = story();
    let urn = countermark_epcis::gs1::Identifier::parse(&lot(1, "H1")).unwrap();
    for form in [urn.epc_urn(Some(7)).unwrap(), urn.element_string()] {
        assert_eq!(down(&ledger, PROCESSOR, &form), down(&ledger, PROCESSOR, &lot(1, "H1")));
    }
}

const CRATE: &str = "https://id.gs1.org/8003/009521234000014C1";

fn reused_crate() -> Ledger {
    let mut ledger = Ledger::new();
    let (a, b) = (lot(1, "A"), lot(1, "B"));
    ledger.capture(
        FARM,
        vec![
            pack(CRATE, day(1)).some(Role::Child, &a, "10", "KGM"),
            handed("shipping", day(2), 1, 2).with(Role::Epc, CRATE),
            unpack(CRATE, day(3)).some(Role::Child, &a, "4", "KGM"),
            handed("shipping", day(4), 1, 3).with(Role::Epc, CRATE),
            unpack(CRATE, day(5)).some(Role::Child, &a, "6", "KGM"),
            pack(CRATE, day(6)).some(Role::Child, &b, "10", "KGM"),
            handed("shipping", day(7), 1, 4).with(Role::Epc, CRATE),
        ],
    );
    ledger
}

#[test]
fn a_reused_crate_is_followed_only_while_the_goods_are_in_it() {
    let ledger = reused_crate();
    let times = |id: &str| -> Vec<i64> {
        down(&ledger, FARM, id).handovers.iter().map(|handover| handover.at_ms).collect()
    };
    assert_eq!(times(&lot(1, "A")), [day(2), day(4)]);
    assert_eq!(times(&lot(1, "B")), [day(7)]);
    assert!(!ids(&down(&ledger, FARM, &lot(1, "A"))).contains(&lot(1, "B")));
}

#[test]
fn unpacking_everything_ends_what_a_crate_carries() {
    let mut ledger = Ledger::new();
    ledger.capture(
        FARM,
        vec![
            pack(CRATE, day(1)).with(Role::Child, &lot(1, "A")),
            unpack(CRATE, day(3)),
            handed("shipping", day(4), 1, 3).with(Role::Epc, CRATE),
        ],
    );
    assert_eq!(down(&ledger, FARM, &lot(1, "A")).handovers, []);
}

#[test]
fn nested_carriers_hand_over_what_is_in_them() {
    let mut ledger = Ledger::new();
    ledger.capture(
        FARM,
        vec![
            pack(CRATE, day(1)).some(Role::Child, &lot(1, "A"), "10", "KGM"),
            pack(&sscc(5), day(2)).with(Role::Child, CRATE),
            handed("shipping", day(3), 1, 2).with(Role::Epc, &sscc(5)),
        ],
    );
    let fragment = down(&ledger, FARM, &lot(1, "A"));
    let starts: BTreeSet<Start> = fragment.handovers[0].starts.iter().cloned().collect();
    assert_eq!(
        starts,
        BTreeSet::from([
            Start { id: sscc(5), carrying: vec![CRATE.into()] },
            Start { id: CRATE.into(), carrying: vec![lot(1, "A")] },
            Start::goods(lot(1, "A")),
        ])
    );
}

#[test]
fn the_events_of_one_transformation_id_are_one_transformation() {
    let mut ledger = Ledger::new();
    ledger.capture(
        FARM,
        vec![
            transform(day(1)).transformation("urn:example:t1").some(
                Role::Input,
                &lot(1, "A"),
                "5",
                "KGM",
            ),
            transform(day(3)).transformation("urn:example:t1").some(
                Role::Output,
                &lot(2, "B"),
                "4",
                "KGM",
            ),
            transform(day(3)).transformation("urn:example:t2").some(
                Role::Output,
                &lot(2, "C"),
                "4",
                "KGM",
            ),
        ],
    );
    let fragment = down(&ledger, FARM, &lot(1, "A"));
    assert_eq!(
        edges(&fragment),
        BTreeSet::from([(EdgeKind::Transform, lot(1, "A"), lot(2, "B"), Some("5".into()))])
    );
    assert_eq!(fragment.edges[0].made.as_deref(), Some("4"));
    assert_eq!(edges(&up(&ledger, FARM, &lot(2, "B"))), edges(&fragment));
}

#[test]
fn an_item_that_names_its_lot_belongs_to_it() {
    let mut ledger = Ledger::new();
    let item = format!("{}/21/S1", lot(1, "A"));
    let own = format!("{}/21/S1", key("01", "0952123000001"));
    ledger.capture(FARM, vec![object("inspecting", day(1)).site(&site(1)).with(Role::Epc, &item)]);
    let expected = BTreeSet::from([(EdgeKind::Belong, lot(1, "A"), own.clone(), None)]);
    assert_eq!(edges(&down(&ledger, FARM, &lot(1, "A"))), expected);
    assert_eq!(edges(&up(&ledger, FARM, &own)), expected);
}

#[test]
fn sites_of_one_member_are_tied_by_the_transfers_between_them() {
    let mut ledger = Ledger::new();
    let own = |step: &str, at: i64, from: u32, to: u32| {
        object(step, at)
            .site(&site(if step == "shipping" { from } else { to }))
            .source("location", &site(from))
            .destination("location", &site(to))
            .some(Role::Epc, &lot(1, "A"), "5", "")
    };
    ledger.capture(
        RETAILER,
        vec![
            own("shipping", day(1), 50, 51),
            own("receiving", day(2), 50, 51),
            own("shipping", day(3), 50, 52),
            own("receiving", day(4), 50, 52),
        ],
    );
    let fragment = down(&ledger, RETAILER, &lot(1, "A"));
    let moves: BTreeSet<_> = fragment
        .edges
        .iter()
        .map(|edge| {
            (
                edge.kind,
                fragment.nodes[edge.from].site.clone().unwrap(),
                fragment.nodes[edge.to].site.clone().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        moves,
        BTreeSet::from([
            (EdgeKind::Move, site(50), site(51)),
            (EdgeKind::Move, site(50), site(52)),
        ])
    );
}

#[test]
fn a_cycle_ends() {
    let mut ledger = Ledger::new();
    let rework = |from: &str, to: &str, at: i64| {
        transform(at).some(Role::Input, from, "1", "").some(Role::Output, to, "1", "")
    };
    let (a, b) = (lot(1, "A"), lot(1, "B"));
    ledger.capture(
        FARM,
        vec![
            rework(&a, &b, day(1)),
            rework(&b, &a, day(2)),
            rework(&a, &a, day(3)),
            pack(&sscc(1), day(4)).with(Role::Child, &sscc(2)),
            pack(&sscc(2), day(5)).with(Role::Child, &sscc(1)).some(Role::Child, &a, "1", ""),
        ],
    );
    let fragment = down(&ledger, FARM, &a);
    assert_eq!(ids(&fragment), set([a.clone(), b.clone(), sscc(1), sscc(2)]));
    assert_eq!(fragment.truncated, None);
    assert_eq!(ids(&up(&ledger, FARM, &b)), set([a, b]));
}

fn chain(length: usize) -> Ledger {
    let mut ledger = Ledger::new();
    let events = (0..length)
        .map(|step| {
            transform(day(step as i64))
                .some(Role::Input, &lot(1, &format!("L{step}")), "1", "")
                .some(Role::Output, &lot(1, &format!("L{}", step + 1)), "1", "")
        })
        .collect();
    ledger.capture(FARM, events);
    ledger
}

#[test]
fn every_limit_ends_the_walk_and_says_where() {
    let ledger = chain(10);
    let start = [Start::goods(lot(1, "L0"))];
    let trace = |limits: Limits| {
        ledger.index.trace_member(&FARM, &start, Direction::Down, &limits).unwrap()
    };
    let all = Limits::default();
    let cut = trace(Limits { levels: 3, ..all }).truncated.unwrap();
    assert_eq!((cut.reason, cut.frontier), (CutReason::Levels, vec![lot(1, "L3")]));
    let cut = trace(Limits { nodes: 4, ..all }).truncated.unwrap();
    assert_eq!((cut.reason, cut.frontier), (CutReason::Nodes, vec![lot(1, "L4")]));
    let fragment = trace(Limits { edges: 5, ..all });
    assert_eq!(fragment.truncated.unwrap().reason, CutReason::Edges);
    assert_eq!(fragment.edges.len(), 5);
    let fragment = trace(Limits { rows: 7, ..all });
    assert_eq!(fragment.truncated.as_ref().unwrap().reason, CutReason::Rows);
    assert!(!fragment.truncated.unwrap().frontier.is_empty());
    assert_eq!(trace(all).truncated, None);
    assert_eq!(trace(Limits { levels: 11, ..all }).edges.len(), 10);
}

#[test]
fn an_error_declaration_takes_the_links_of_its_event_back_in_either_order() {
    let wrong = transform(day(1))
        .id("urn:uuid:00000000-0000-4000-8000-00000000abcd")
        .some(Role::Input, &lot(1, "A"), "1", "")
        .some(Role::Output, &lot(1, "B"), "1", "");
    for events in [
        vec![wrong.clone(), wrong.clone().declared_wrong(day(2))],
        vec![wrong.clone().declared_wrong(day(2)), wrong.clone()],
    ] {
        let mut ledger = Ledger::new();
        ledger.capture(FARM, vec![wrong.clone()]);
        assert_eq!(down(&ledger, FARM, &lot(1, "A")).edges.len(), 1);
        // The same id at another member is another matter.
        ledger.capture(PROCESSOR, events.clone());
        assert_eq!(down(&ledger, PROCESSOR, &lot(1, "A")).edges, []);
        assert_eq!(down(&ledger, FARM, &lot(1, "A")).edges.len(), 1);
    }
}

#[test]
fn a_new_version_takes_the_links_of_the_old_one_back() {
    let mut ledger = Ledger::new();
    let made = |output: &str| {
        transform(day(1)).some(Role::Input, &lot(1, "A"), "1", "").some(
            Role::Output,
            output,
            "1",
            "",
        )
    };
    let old = ledger.capture(FARM, vec![made(&lot(1, "B"))]).remove(0);
    let mut new = ledger.row(FARM, made(&lot(1, "C")));
    new.previous = Some(old.record_id);
    ledger.apply(BlockRows { height: 0, records: vec![new], erasures: vec![] });
    assert_eq!(ids(&down(&ledger, FARM, &lot(1, "A"))), set([lot(1, "A"), lot(1, "C")]));
}

#[test]
fn erased_classes_leave_the_trace() {
    let mut ledger = Ledger::new();
    let sent =
        handed("shipping", day(1), 1, 2).some(Role::Epc, &lot(1, "SECRETLOT"), "77.25", "KGM");
    let row = ledger.capture(FARM, vec![sent]).remove(0);
    let path = ledger.path();
    let secrets = [b"SECRETLOT".to_vec(), b"77.25".to_vec(), site(1).into(), party(2).into()];
    let found = || -> Vec<bool> {
        let files = ["", "-wal"].map(|end| format!("{}{end}", path.display()));
        let bytes: Vec<u8> =
            files.iter().flat_map(|file| std::fs::read(file).unwrap_or_default()).collect();
        let holds = |secret: &Vec<u8>| bytes.windows(secret.len()).any(|window| window == secret);
        secrets.iter().map(holds).collect()
    };
    assert_eq!(found(), [true; 4]);
    let mut erase = |class: FieldClass| {
        let erasure = Erasure { record_id: row.record_id, classes: 1 << class as u16 };
        ledger.apply(BlockRows { height: 0, records: vec![], erasures: vec![erasure] });
        down(&ledger, FARM, &lot(1, "SECRETLOT"))
    };
    assert_eq!(erase(FieldClass::Location).nodes[0].site, None);
    let fragment = erase(FieldClass::Transport);
    assert_eq!((fragment.handovers.len(), fragment.nodes.len()), (0, 1));
    // A lot stands in a quantity list: it goes with the amount.
    assert_eq!(erase(FieldClass::Quantity).unknown, [lot(1, "SECRETLOT")]);
    assert_eq!(found(), [false; 4]);
    assert_eq!(erase(FieldClass::Identity).unknown, [lot(1, "SECRETLOT")]);
}

/// The trace of transformations and packing without times, the slow and simple way.
fn naive(links: &[(u32, u32)], from: u32, seen: &mut BTreeSet<u32>) {
    if seen.insert(from) {
        for (one, other) in links.iter().filter(|(one, _)| *one == from) {
            assert_eq!(*one, from);
            naive(links, *other, seen);
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(48))]

    #[test]
    fn a_trace_of_transformations_finds_what_naive_recursion_finds(
        events in proptest::collection::vec(
            (
                proptest::collection::vec(0_u32..40, 0..4),
                proptest::collection::vec(0_u32..40, 0..4),
                0_u32..6,
            ),
            0..40,
        ),
        start in 0_u32..40,
    ) {
        let mut ledger = Ledger::new();
        let name = |number: u32| lot(1, &format!("N{number}"));
        // Every third goes by a shared transformation id.
        let shared: BTreeMap<u32, (Vec<u32>, Vec<u32>)> = events
            .iter()
            .filter(|(_, _, group)| *group < 2)
            .fold(BTreeMap::new(), |mut groups, (inputs, outputs, group)| {
                let entry: &mut (Vec<u32>, Vec<u32>) = groups.entry(*group).or_default();
                entry.0.extend(inputs);
                entry.1.extend(outputs);
                groups
            });
        let single = events.iter().filter(|(_, _, group)| *group >= 2);
        let links: Vec<(u32, u32)> = single
            .map(|(inputs, outputs, _)| (inputs, outputs))
            .chain(shared.values().map(|(inputs, outputs)| (inputs, outputs)))
            .flat_map(|(inputs, outputs)| {
                inputs.iter().flat_map(|one| outputs.iter().map(|other| (*one, *other)))
            })
            .collect();
        let captured = events
            .iter()
            .map(|(inputs, outputs, group)| {
                let mut event = transform(day(1));
                if *group < 2 {
                    event = event.transformation(&format!("urn:example:{group}"));
                }
                for one in inputs {
                    event = event.some(Role::Input, &name(*one), "1", "");
                }
                for one in outputs {
                    event = event.some(Role::Output, &name(*one), "1", "");
                }
                event
            })
            .collect();
        ledger.capture(FARM, captured);
        let named = events.iter().any(|(inputs, outputs, _)| {
            inputs.contains(&start) || outputs.contains(&start)
        });
        for (direction, links) in [
            (Direction::Down, links.clone()),
            (Direction::Up, links.iter().map(|(one, other)| (*other, *one)).collect()),
        ] {
            let mut expected = BTreeSet::new();
            naive(&links, start, &mut expected);
            let starts = [Start::goods(name(start))];
            let fragment = ledger
                .index
                .trace_member(&FARM, &starts, direction, &Limits::default())
                .unwrap();
            let expected: BTreeSet<String> =
                if named { expected.into_iter().map(name).collect() } else { BTreeSet::new() };
            proptest::prop_assert_eq!(ids(&fragment), expected.clone());
            let found: BTreeSet<(String, String)> = fragment
                .edges
                .iter()
                .map(|edge| (fragment.nodes[edge.from].id.clone(), fragment.nodes[edge.to].id.clone()))
                .collect();
            let expected_edges: BTreeSet<(String, String)> = links
                .iter()
                .filter(|(one, _)| expected.contains(&name(*one)))
                .map(|(one, other)| {
                    let (from, to) =
                        if direction == Direction::Down { (one, other) } else { (other, one) };
                    (name(*from), name(*to))
                })
                .collect();
            proptest::prop_assert_eq!(found, expected_edges);
        }
    }
}

#[test]
fn an_association_is_followed_like_packing() {
    let mut ledger = Ledger::new();
    let attach = event(EventType::Association, day(1))
        .action(Action::Add)
        .with(Role::Parent, CRATE)
        .with(Role::Child, "https://id.gs1.org/8004/9521234SENSOR");
    ledger.capture(FARM, vec![attach, handed("shipping", day(2), 1, 2).with(Role::Epc, CRATE)]);
    let fragment = down(&ledger, FARM, "https://id.gs1.org/8004/9521234SENSOR");
    assert_eq!(fragment.edges[0].kind, EdgeKind::Attach);
    assert_eq!(fragment.handovers.len(), 1);
}
