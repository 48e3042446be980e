//! The layout holds for any graph, not only for those that make sense.

use std::collections::BTreeSet;

use countermark_epcis::time::Instant;
use countermark_node::trace::{EdgeKind, Trace, TraceEdge, TraceNode};
use proptest::prelude::*;

use super::{MARKS_MAX, SLOT, lay_out, svg};

const KINDS: [EdgeKind; 4] =
    [EdgeKind::Transform, EdgeKind::Pack, EdgeKind::Move, EdgeKind::Handover];

/// One random edge: between lots, members, sites, at times.
#[derive(Debug, Clone)]
struct Dice {
    lots: (u8, u8),
    members: (u8, u8),
    sites: (Option<u8>, Option<u8>),
    kind: usize,
    hours: (u32, u32),
    both: bool,
    quantity: Option<String>,
}

fn dice() -> impl Strategy<Value = Dice> {
    (
        (0..20_u8, 0..20_u8),
        (0..4_u8, 0..4_u8),
        (proptest::option::of(0..3_u8), proptest::option::of(0..3_u8)),
        0..4_usize,
        (0..9_000_u32, 0..200_u32),
        any::<bool>(),
        proptest::option::of("-?[0-9]{1,6}(\\.[0-9]{1,3})?|1e400|x"),
    )
        .prop_map(|(lots, members, sites, kind, hours, both, quantity)| Dice {
            lots,
            members,
            sites,
            kind,
            hours,
            both,
            quantity,
        })
}

fn lot(number: u8) -> String {
    format!("https://id.gs1.org/01/09521234543213/10/L<{number}>")
}

fn time(hours: u32) -> String {
    Instant::format_ms(1_772_352_000_000 + i64::from(hours) * 3_600_000)
}

fn edge(dice: &Dice) -> TraceEdge {
    let kind = KINDS[dice.kind];
    let is_handover = kind == EdgeKind::Handover;
    let member = |n: u8| Some(format!("Member & {n}"));
    let site = |n: Option<u8>| n.map(|n| format!("https://id.gs1.org/414/{n}\"'"));
    let to_member = if is_handover { dice.members.1 } else { dice.members.0 };
    let arrival = (is_handover && dice.both).then(|| time(dice.hours.0 + dice.hours.1));
    TraceEdge {
        from: lot(dice.lots.0),
        to: lot(dice.lots.1),
        kind,
        event_id: format!("urn:x:{}", dice.hours.0 % 50),
        time: time(dice.hours.0),
        step: Some("ship<ping>".to_owned()),
        from_member: member(dice.members.0),
        from_site: site(dice.sites.0),
        to_member: member(to_member),
        to_site: site(dice.sites.1).filter(|_| !is_handover || dice.both),
        quantity: dice.quantity.clone(),
        unit: dice.both.then(|| "KGM".to_owned()),
        both_sides: is_handover.then_some(dice.both),
        arrival_event_id: arrival.as_ref().map(|_| "urn:x:arrival".to_owned()),
        arrival_time: arrival,
    }
}

fn trace(edges: &[Dice]) -> Trace {
    let edges: Vec<TraceEdge> = edges.iter().map(edge).collect();
    let node = |id: &String, member: &Option<String>, site: &Option<String>| TraceNode {
        id: id.clone(),
        member: member.clone().unwrap(),
        site: site.clone(),
        time: None,
    };
    let nodes = edges.iter().flat_map(|edge| {
        [
            node(&edge.from, &edge.from_member, &edge.from_site),
            node(&edge.to, &edge.to_member, &edge.to_site),
        ]
    });
    Trace { nodes: nodes.collect(), edges: edges.clone(), ..Trace::default() }
}

proptest! {
    #[test]
    fn any_trace_is_drawn_without_overlap_and_twice_the_same(
        edges in proptest::collection::vec(dice(), 0..260)
    ) {
        let trace = trace(&edges);
        let picture = lay_out(&trace, &lot(1));
        prop_assert_eq!(&picture, &lay_out(&trace, &lot(1)));
        prop_assert!(picture.marks.len() <= MARKS_MAX);
        let mut taken = BTreeSet::new();
        for mark in &picture.marks {
            let lane = &picture.lanes[mark.lane];
            prop_assert!(taken.insert((mark.x, mark.y)), "two marks at one place");
            prop_assert!(mark.y >= lane.top && mark.y + SLOT / 2 <= lane.top + lane.height);
            prop_assert!(mark.x > 0 && mark.x < picture.width);
        }
        let places: Vec<(i64, i64)> = taken.into_iter().collect();
        for pair in places.windows(2) {
            let ((x, y), (next_x, next_y)) = (pair[0], pair[1]);
            prop_assert!(next_x - x >= 44 || (next_x == x && next_y - y >= 40));
        }
        let drawn = svg(&picture, "A \"trace\"");
        prop_assert_eq!(&drawn, &svg(&lay_out(&trace, &lot(1)), "A \"trace\""));
        prop_assert!(!drawn.contains("<ping>") && !drawn.contains("\"trace\""));
        prop_assert!(!drawn.contains("style=") && !drawn.contains("NaN"));
    }
}

#[test]
fn marks_stand_in_the_order_of_time_and_idle_weeks_are_broken() {
    let dice = |hours| Dice {
        lots: (1, 1),
        members: (0, 1),
        sites: (Some(0), Some(1)),
        kind: 3,
        hours: (hours, 5),
        both: true,
        quantity: None,
    };
    let picture = lay_out(&trace(&[dice(0), dice(24 * 30)]), &lot(1));
    let times: Vec<i64> = picture.marks.iter().map(|mark| mark.time_ms).collect();
    assert!(times.is_sorted() && times.len() == 4, "{times:?}");
    let breaks: Vec<&str> =
        picture.ticks.iter().filter(|t| t.is_break).map(|t| &*t.words).collect();
    assert_eq!(breaks, ["4 weeks"]);
    assert_eq!(picture.lanes.len(), 2);
}

#[test]
fn what_one_side_alone_recorded_leaves_the_picture_with_its_name() {
    let dice = Dice {
        lots: (1, 1),
        members: (0, 3),
        sites: (Some(0), None),
        kind: 3,
        hours: (0, 0),
        both: false,
        quantity: None,
    };
    let picture = lay_out(&trace(&[dice]), &lot(1));
    assert_eq!((picture.marks.len(), picture.ribbons.len()), (1, 1));
    let ribbon = &picture.ribbons[0];
    assert!(ribbon.to.is_none() && ribbon.is_one_sided && !ribbon.comes_in);
    assert!(svg(&picture, "").contains("held by Member &amp; 3"));
}

#[test]
fn many_events_are_folded_by_site_product_and_day() {
    let dice = |hours| Dice {
        lots: (1, 2),
        members: (0, 0),
        sites: (Some(0), Some(0)),
        kind: 1,
        hours: (hours, 0),
        both: false,
        quantity: None,
    };
    let edges: Vec<Dice> = (0..400).map(dice).collect();
    let mut trace = trace(&edges);
    for (at, edge) in trace.edges.iter_mut().enumerate() {
        edge.event_id = format!("urn:x:{at}");
    }
    let picture = lay_out(&trace, &lot(1));
    assert!(picture.is_folded);
    // The first of them is at eight o'clock.
    assert_eq!(picture.marks.len(), (400_usize + 8).div_ceil(24), "one for each day");
    let events: usize = picture.marks.iter().map(|mark| mark.events.len()).sum();
    assert_eq!(events, 400, "each event is counted");
}
