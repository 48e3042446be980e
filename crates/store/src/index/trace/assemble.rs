//! From what a walk found to nodes at sites, edges and handovers.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::super::links::Kind;
use super::super::row::{LogPosition, MemberId};
use super::load::{Link, Loader, Parties};
use super::walk::Found;
use super::{
    Cut, CutReason, Direction, Edge, EdgeKind, EventRef, FRONTIER_MAX, Fragment, Handover, Limits,
    Node, Party, Start,
};

/// An edge between numbers, before nodes are known.
struct Step {
    from: (i64, Option<i64>),
    to: (i64, Option<i64>),
    kind: EdgeKind,
    at: i64,
    event: i64,
    quantity: Option<String>,
    unit: Option<i64>,
    made: Option<(Option<String>, Option<i64>)>,
}

/// When an identifier was at a site: time, event, site.
type Sighting = (i64, i64, i64);

pub(super) fn assemble(
    loader: &mut Loader<'_>,
    member: MemberId,
    mut found: Found,
    limits: &Limits,
) -> rusqlite::Result<Fragment> {
    let mut steps = steps(&mut found, limits.edges);
    let mut numbers: Vec<i64> =
        found.goods.iter().copied().chain(found.carriers.numbers()).collect();
    numbers.sort_unstable();
    loader.load_texts(&numbers)?;
    let mut sightings = sightings(&steps, &found);
    let unsighted: Vec<i64> =
        numbers.iter().copied().filter(|number| !sightings.contains_key(number)).collect();
    let last_seen = loader.last_seen(&unsighted)?;
    for (number, (at, event, site)) in &last_seen {
        if let Some(site) = site {
            sightings.entry(*number).or_default().push((*at, *event, *site));
        }
    }
    for list in sightings.values_mut() {
        list.sort_unstable();
        list.dedup();
    }
    let parties = loader.parties(found.handovers.values().map(|link| link.event).collect())?;
    moves(&found, &sightings, &parties, &mut steps);
    if steps.len() > limits.edges {
        steps.truncate(limits.edges);
        found.cut.get_or_insert(CutReason::Edges);
    }
    let present: HashSet<i64> = numbers
        .iter()
        .copied()
        .filter(|number| found.linked.contains(number) || last_seen.contains_key(number))
        .collect();
    let mut builder = Builder::new(loader, &sightings, &steps, &found, &parties)?;
    let edges: Vec<Edge> = steps.iter().map(|step| builder.edge(step)).collect();
    let handovers: Vec<Handover> =
        found.handovers.values().map(|link| builder.handover(link, &found, &parties)).collect();
    for number in numbers.iter().filter(|number| present.contains(number)) {
        if !builder.named.contains(number) {
            builder.node((*number, None), i64::MAX);
        }
    }
    let nodes = builder.nodes;
    let mut unknown: Vec<String> = found
        .starts
        .iter()
        .filter(|(number, _)| !present.contains(number))
        .map(|(_, id)| id.clone())
        .collect();
    unknown.dedup();
    let frontier: Vec<i64> = found.frontier.iter().copied().take(FRONTIER_MAX).collect();
    loader.load_texts(&frontier)?;
    let truncated = found.cut.map(|reason| Cut {
        reason,
        frontier: frontier.iter().map(|number| loader.id(*number)).collect(),
    });
    Ok(Fragment { member, nodes, edges, handovers, unknown, truncated })
}

/// The edges that the links make, in log order; notes in `found` if there are too many.
fn steps(found: &mut Found, edges_max: usize) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut belongs: HashSet<(i64, i64)> = HashSet::new();
    let is_node = |number: i64| found.goods.contains(&number) || found.carriers.is_carrier(number);
    for link in found.direct.values() {
        // Every event that names an item with its lot says so; once is enough.
        let repeated = link.kind == Kind::Belong && !belongs.insert((link.from, link.to));
        if !is_node(link.from) || !is_node(link.to) || repeated {
            continue;
        }
        let Some(kind) = edge_kind(link.kind) else { continue };
        steps.push(Step {
            from: (link.from, link.site),
            to: (link.to, link.site),
            kind,
            at: link.at,
            event: link.event,
            quantity: link.quantity.clone(),
            unit: link.unit,
            made: None,
        });
    }
    let mut too_many = false;
    'hubs: for hub in found.hubs.values() {
        for near in hub.near.values() {
            for far in &hub.far {
                if steps.len() >= edges_max {
                    too_many = true;
                    break 'hubs;
                }
                let down = found.direction == Direction::Down;
                let (input, output) = if down { (near, far) } else { (far, near) };
                if is_node(input.from) && is_node(output.to) {
                    steps.push(transformation(input, output));
                }
            }
        }
    }
    if too_many {
        found.cut.get_or_insert(CutReason::Edges);
    }
    steps.sort_by_key(|step| (step.at, step.event, step.from, step.to, step.kind));
    steps
}

fn transformation(input: &Link, output: &Link) -> Step {
    Step {
        from: (input.from, input.site),
        to: (output.to, output.site),
        kind: EdgeKind::Transform,
        at: output.at,
        event: output.event,
        quantity: input.quantity.clone(),
        unit: input.unit,
        made: Some((output.quantity.clone(), output.unit)),
    }
}

fn edge_kind(kind: Kind) -> Option<EdgeKind> {
    Some(match kind {
        Kind::Pack => EdgeKind::Pack,
        Kind::Unpack => EdgeKind::Unpack,
        Kind::Attach => EdgeKind::Attach,
        Kind::Detach => EdgeKind::Detach,
        Kind::Belong => EdgeKind::Belong,
        Kind::Input
        | Kind::Output
        | Kind::UnpackAll
        | Kind::DetachAll
        | Kind::Send
        | Kind::Receive => return None,
    })
}

/// What a handover moves: the end that is not outside.
fn moved(link: &Link) -> i64 {
    if link.kind == Kind::Send { link.from } else { link.to }
}

fn sightings(steps: &[Step], found: &Found) -> HashMap<i64, Vec<Sighting>> {
    let mut sightings: HashMap<i64, Vec<Sighting>> = HashMap::new();
    let handed =
        found.handovers.values().map(|link| ((moved(link), link.site), link.at, link.event));
    let ends = steps
        .iter()
        .flat_map(|step| [(step.from, step.at, step.event), (step.to, step.at, step.event)]);
    for ((number, site), at, event) in ends.chain(handed) {
        if let Some(site) = site {
            sightings.entry(number).or_default().push((at, event, site));
        }
    }
    sightings
}

/// Ties the sites of one identifier together.
fn moves(
    found: &Found,
    sightings: &HashMap<i64, Vec<Sighting>>,
    parties: &Parties,
    steps: &mut Vec<Step>,
) {
    let mut handed: HashMap<i64, Vec<&Link>> = HashMap::new();
    for link in found.handovers.values() {
        handed.entry(moved(link)).or_default().push(link);
    }
    let mut numbers: Vec<&i64> = sightings.keys().collect();
    numbers.sort_unstable();
    for number in numbers {
        let mut sites: Vec<Sighting> = Vec::new();
        for sighting in &sightings[number] {
            if !sites.iter().any(|known| known.2 == sighting.2) {
                sites.push(*sighting);
            }
        }
        let names = |event: i64, is_destination: bool, site: i64| {
            parties
                .get(&event)
                .into_iter()
                .flatten()
                .any(|(destination, _, party)| *destination == is_destination && *party == site)
        };
        let links: &[&Link] = handed.get(number).map_or(&[], Vec::as_slice);
        for (place, (at, event, site)) in sites.iter().enumerate().skip(1) {
            let received = |origin: i64| {
                links.iter().find(|link| {
                    link.kind == Kind::Receive
                        && link.site == Some(*site)
                        && names(link.event, false, origin)
                })
            };
            let sent = |origin: i64| {
                links.iter().find(|link| {
                    link.kind == Kind::Send
                        && link.site == Some(origin)
                        && names(link.event, true, *site)
                })
            };
            let told = sites.iter().filter(|other| other.2 != *site).find_map(|origin| {
                received(origin.2).or_else(|| sent(origin.2)).map(|link| (origin.2, *link))
            });
            let origin = told.map_or(sites[place - 1].2, |(origin, _)| origin);
            let link = told.map(|(_, link)| link);
            steps.push(Step {
                from: (*number, Some(origin)),
                to: (*number, Some(*site)),
                kind: EdgeKind::Move,
                at: link.map_or(*at, |link| link.at),
                event: link.map_or(*event, |link| link.event),
                quantity: link.and_then(|link| link.quantity.clone()),
                unit: link.and_then(|link| link.unit),
                made: None,
            });
        }
    }
}

struct Builder<'a> {
    ids: HashMap<i64, String>,
    sightings: &'a HashMap<i64, Vec<Sighting>>,
    strings: HashMap<i64, String>,
    events: HashMap<i64, (Option<String>, Option<i64>)>,
    nodes: Vec<Node>,
    places: HashMap<(i64, Option<i64>), usize>,
    named: HashSet<i64>,
}

impl<'a> Builder<'a> {
    fn new(
        loader: &Loader<'_>,
        sightings: &'a HashMap<i64, Vec<Sighting>>,
        steps: &[Step],
        found: &Found,
        parties: &Parties,
    ) -> rusqlite::Result<Self> {
        let mut texts: Vec<i64> = sightings.values().flatten().map(|(.., site)| *site).collect();
        texts.extend(steps.iter().flat_map(|step| {
            step.unit.into_iter().chain(step.made.as_ref().and_then(|(_, unit)| *unit))
        }));
        texts.extend(found.handovers.values().filter_map(|link| link.unit));
        texts.extend(parties.values().flatten().flat_map(|(_, kind, party)| [*kind, *party]));
        let mut events: Vec<i64> = steps.iter().map(|step| step.event).collect();
        events.extend(found.handovers.values().map(|link| link.event));
        let events = loader.event_ids(events)?;
        texts.extend(events.values().filter_map(|(_, step)| *step));
        let contents = found.carriers.numbers().flat_map(|number| found.carriers.contents(number));
        let numbers = found.goods.iter().copied().chain(found.carriers.numbers()).chain(contents);
        Ok(Builder {
            ids: numbers.map(|number| (number, loader.id(number))).collect(),
            sightings,
            strings: loader.strings(texts)?,
            events,
            nodes: Vec::new(),
            places: HashMap::new(),
            named: HashSet::new(),
        })
    }

    fn text(&self, number: Option<i64>) -> Option<String> {
        number.and_then(|number| self.strings.get(&number).cloned())
    }

    fn id(&self, number: i64) -> String {
        self.ids.get(&number).cloned().unwrap_or_default()
    }

    /// The node of an identifier at a site. Where an event says no site, the one where it was last
    /// before, else the first where it was seen.
    fn node(&mut self, (number, site): (i64, Option<i64>), at: i64) -> usize {
        let list: &[Sighting] = self.sightings.get(&number).map_or(&[], Vec::as_slice);
        let site = site.or_else(|| {
            let before = list.partition_point(|(seen, ..)| *seen <= at);
            list.get(before.saturating_sub(1)).map(|(.., site)| *site)
        });
        self.named.insert(number);
        if let Some(place) = self.places.get(&(number, site)) {
            return *place;
        }
        let node = Node { id: self.id(number), site: self.text(site) };
        self.nodes.push(node);
        self.places.insert((number, site), self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    fn event(&self, ordinal: i64) -> EventRef {
        let (event_id, step) = self.events.get(&ordinal).cloned().unwrap_or_default();
        let position = LogPosition::from_ordinal(ordinal);
        EventRef { position, event_id, step: self.text(step) }
    }

    fn edge(&mut self, step: &Step) -> Edge {
        let (made, made_unit) = step.made.clone().unwrap_or_default();
        Edge {
            from: self.node(step.from, step.at),
            to: self.node(step.to, step.at),
            kind: step.kind,
            event: self.event(step.event),
            at_ms: step.at,
            quantity: step.quantity.clone(),
            unit: self.text(step.unit),
            made,
            made_unit: self.text(made_unit),
        }
    }

    fn handover(&mut self, link: &Link, found: &Found, parties: &Parties) -> Handover {
        let number = moved(link);
        let time =
            if found.direction == Direction::Down { link.at } else { link.at.saturating_neg() };
        let named = parties.get(&link.event).into_iter().flatten();
        Handover {
            node: self.node((number, link.site), link.at),
            is_sent: link.kind == Kind::Send,
            event: self.event(link.event),
            at_ms: link.at,
            quantity: link.quantity.clone(),
            unit: self.text(link.unit),
            parties: named
                .map(|(is_destination, kind, party)| Party {
                    is_destination: *is_destination,
                    kind: self.text(Some(*kind)).unwrap_or_default(),
                    id: self.text(Some(*party)).unwrap_or_default(),
                })
                .collect(),
            starts: self.starts(number, time, found),
        }
    }

    /// The thing itself and, as deep as it goes, what of interest was in it at that time.
    fn starts(&self, number: i64, time: i64, found: &Found) -> Vec<Start> {
        let mut starts: BTreeMap<i64, Start> = BTreeMap::new();
        let mut queue = BTreeSet::from([number]);
        while let Some(number) = queue.pop_first() {
            let mut carrying = Vec::new();
            if !found.goods.contains(&number) {
                for content in found.carriers.content_at(number, time) {
                    carrying.push(self.ids.get(&content).cloned().unwrap_or_default());
                    if !starts.contains_key(&content) {
                        queue.insert(content);
                    }
                }
            }
            carrying.retain(|id| !id.is_empty());
            starts.insert(number, Start { id: self.id(number), carrying });
        }
        starts.into_values().filter(|start| !start.id.is_empty()).collect()
    }
}
