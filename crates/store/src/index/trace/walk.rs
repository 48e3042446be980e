//! The walk itself: level by level through the links of one member. The rules are in the module
//! above.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rust_decimal::Decimal;

use super::super::links::Kind;
use super::carriers::{Carriers, Passage, Stay, stays};
use super::load::{Link, Loader, Side};
use super::{CutReason, Direction, Limits, Start};

/// The inputs and outputs of a transformation that the walk came by.
#[derive(Debug, Default)]
pub(super) struct Hub {
    /// Links to what the walk came from.
    pub(super) near: BTreeMap<(i64, i64), Link>,
    /// Links to what it goes to.
    pub(super) far: Vec<Link>,
}

/// What a walk found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) direction: Direction,
    /// Identifiers that the walk began with, in the order given.
    pub(super) starts: Vec<(i64, String)>,
    pub(super) goods: HashSet<i64>,
    pub(super) carriers: Carriers,
    pub(super) hubs: BTreeMap<i64, Hub>,
    /// Packing, unpacking and belonging, by event and place in it.
    pub(super) direct: BTreeMap<(i64, i64), Link>,
    /// Sending and receiving, likewise.
    pub(super) handovers: BTreeMap<(i64, i64), Link>,
    /// Identifiers that have some link, hence an event, at the member.
    pub(super) linked: HashSet<i64>,
    pub(super) cut: Option<CutReason>,
    pub(super) frontier: BTreeSet<i64>,
}

pub(super) fn walk(
    loader: &mut Loader<'_>,
    starts: &[Start],
    direction: Direction,
    limits: &Limits,
) -> rusqlite::Result<Found> {
    let mut walk = Walk {
        found: Found {
            direction,
            starts: Vec::new(),
            goods: HashSet::new(),
            carriers: Carriers::default(),
            hubs: BTreeMap::new(),
            direct: BTreeMap::new(),
            handovers: BTreeMap::new(),
            linked: HashSet::new(),
            cut: None,
            frontier: BTreeSet::new(),
        },
        nodes_max: limits.nodes,
        queue: BTreeSet::new(),
        new_hubs: BTreeSet::new(),
        carrier_links: HashMap::new(),
    };
    for start in starts {
        let number = loader.number(&start.id)?;
        walk.found.starts.push((number, start.id.clone()));
        if start.carrying.is_empty() {
            walk.add_goods(number);
        }
        for content in &start.carrying {
            let content = loader.number(content)?;
            loader.load_texts(&[content])?;
            walk.add_stay(number, Stay { content, from: i64::MIN, until: i64::MAX });
        }
    }
    let mut level = 0;
    while !walk.queue.is_empty() {
        if walk.found.cut.is_some() || level == limits.levels {
            walk.found.cut.get_or_insert(CutReason::Levels);
            let queue = std::mem::take(&mut walk.queue);
            walk.found.frontier.extend(queue);
            break;
        }
        walk.level(loader)?;
        level += 1;
    }
    Ok(walk.found)
}

struct Walk {
    found: Found,
    nodes_max: usize,
    /// Identifiers whose links are to be followed on the next level.
    queue: BTreeSet<i64>,
    /// Transformations whose other side is to be looked up on this level.
    new_hubs: BTreeSet<i64>,
    /// Links of carriers, kept because a carrier is followed again when more is found in it.
    carrier_links: HashMap<i64, Vec<Link>>,
}

impl Walk {
    fn level(&mut self, loader: &mut Loader<'_>) -> rusqlite::Result<()> {
        let queue: Vec<i64> = std::mem::take(&mut self.queue).into_iter().collect();
        loader.load_texts(&queue)?;
        for number in &queue {
            if loader.text(*number).starts_with("/00/") {
                self.found.carriers.set_single_use(*number);
            }
        }
        let wanted: Vec<i64> = queue
            .iter()
            .copied()
            .filter(|number| !self.carrier_links.contains_key(number))
            .collect();
        let (from, rest) = loader.links(Side::From, &wanted)?;
        let (to, more_rest) = loader.links(Side::To, &wanted)?;
        let unread: BTreeSet<i64> = rest.into_iter().chain(more_rest).collect();
        if !unread.is_empty() {
            self.found.cut.get_or_insert(CutReason::Rows);
            self.found.frontier.extend(unread.iter().copied());
        }
        let mut links: HashMap<i64, Vec<Link>> = HashMap::new();
        for link in from {
            links.entry(link.from).or_default().push(link);
        }
        for link in to {
            // A link from a thing to itself was found by its other side.
            if link.from != link.to {
                links.entry(link.to).or_default().push(link);
            }
        }
        for number in queue.into_iter().filter(|number| !unread.contains(number)) {
            let mut own = match links.remove(&number) {
                Some(own) => own,
                None => self.carrier_links.get(&number).cloned().unwrap_or_default(),
            };
            own.sort_by_key(|link| (link.event, link.seq));
            if !own.is_empty() {
                self.found.linked.insert(number);
            }
            if self.found.goods.contains(&number) {
                self.goods(number, &own);
            } else {
                self.carrier(number, &own);
                self.carrier_links.insert(number, own);
            }
        }
        self.transformations(loader)
    }

    fn add_goods(&mut self, number: i64) {
        if number <= 0 || self.found.goods.contains(&number) || !self.has_room(number) {
            return;
        }
        self.found.goods.insert(number);
        self.queue.insert(number);
    }

    fn add_stay(&mut self, carrier: i64, stay: Stay) {
        if carrier <= 0 || self.found.goods.contains(&carrier) {
            return;
        }
        if !self.found.carriers.is_carrier(carrier) && !self.has_room(carrier) {
            return;
        }
        if self.found.carriers.add(carrier, stay) {
            self.queue.insert(carrier);
        }
    }

    fn has_room(&mut self, number: i64) -> bool {
        let room = self.found.goods.len() + self.found.carriers.len() < self.nodes_max;
        if !room {
            self.found.cut.get_or_insert(CutReason::Nodes);
            self.found.frontier.insert(number);
        }
        room
    }

    fn time(&self, at: i64) -> i64 {
        if self.found.direction == Direction::Down { at } else { at.saturating_neg() }
    }

    fn down(&self) -> bool {
        self.found.direction == Direction::Down
    }

    fn keep(&mut self, link: &Link) {
        self.found.direct.insert((link.event, link.seq), link.clone());
    }

    fn goods(&mut self, number: i64, links: &[Link]) {
        for link in links {
            match link.kind {
                Kind::Send | Kind::Receive => {
                    self.found.handovers.insert((link.event, link.seq), link.clone());
                }
                Kind::Input | Kind::Output => self.transformed(link),
                Kind::Belong => {
                    let next = if self.down() { link.to } else { link.from };
                    if next != number {
                        self.keep(link);
                        self.add_goods(next);
                    }
                }
                Kind::Pack | Kind::Attach | Kind::Unpack | Kind::Detach => {
                    let (content, carrier) = ends(link);
                    // A unit that is itself goods gives what comes out of it.
                    if carrier == number && !self.enters(link) {
                        self.keep(link);
                        self.add_goods(content);
                    }
                }
                Kind::UnpackAll | Kind::DetachAll => {}
            }
        }
        self.contained(number, links, None);
    }

    /// Whether, in the direction of the walk, the link leads from content into a carrier.
    fn enters(&self, link: &Link) -> bool {
        matches!(link.kind, Kind::Pack | Kind::Attach) == self.down()
    }

    /// Follows a thing into what it was packed in. `own`: the stays of its content, where the thing
    /// is a carrier itself; only what overlaps with them counts.
    fn contained(&mut self, number: i64, links: &[Link], own: Option<&[Stay]>) {
        let mut by_carrier: BTreeMap<i64, Vec<&Link>> = BTreeMap::new();
        for link in links.iter().filter(|link| is_containment(link.kind)) {
            let (content, carrier) = ends(link);
            if content == number && carrier != number {
                by_carrier.entry(carrier).or_default().push(link);
            }
        }
        for (carrier, links) in by_carrier {
            let passages = links.iter().map(|link| self.passage(link)).collect();
            let mut kept = false;
            for stay in stays(number, passages) {
                match own {
                    None => {
                        kept = true;
                        self.add_stay(carrier, stay);
                    }
                    Some(own) => {
                        for held in own.iter().filter_map(|held| overlap(&stay, held)) {
                            kept = true;
                            self.add_stay(carrier, held);
                        }
                    }
                }
            }
            for link in links {
                let time = self.time(link.at);
                let during = own.is_none_or(|own| own.iter().any(|held| held.covers(time)));
                if kept && during && self.enters(link) {
                    self.keep(link);
                }
            }
        }
    }

    fn passage(&self, link: &Link) -> Passage {
        Passage {
            at: self.time(link.at),
            event: link.event,
            entered: self.enters(link),
            is_class: link.is_class,
            quantity: link.quantity.as_deref().and_then(decimal),
            unit: link.unit,
        }
    }

    fn transformed(&mut self, link: &Link) {
        let (hub, onward) = match link.kind {
            Kind::Input => (link.to, self.down()),
            _ => (link.from, !self.down()),
        };
        if !onward {
            return;
        }
        let entry = self.found.hubs.entry(hub).or_insert_with(|| {
            self.new_hubs.insert(hub);
            Hub::default()
        });
        entry.near.insert((link.event, link.seq), link.clone());
    }

    fn carrier(&mut self, number: i64, links: &[Link]) {
        let emptied: Vec<i64> = links
            .iter()
            .filter(|link| matches!(link.kind, Kind::UnpackAll | Kind::DetachAll))
            .map(|link| self.time(link.at))
            .collect();
        self.found.carriers.empty_at(number, &emptied);
        let own: Vec<Stay> = self.found.carriers.stays_in(number).collect();
        let holds = |at: i64| own.iter().any(|stay| stay.covers(at));
        let mut left: Vec<&Link> = Vec::new();
        for link in links {
            if !holds(self.time(link.at)) {
                continue;
            }
            match link.kind {
                Kind::Send | Kind::Receive => {
                    self.found.handovers.insert((link.event, link.seq), link.clone());
                }
                Kind::Input | Kind::Output => self.transformed(link),
                kind if is_containment(kind) && ends(link).1 == number && !self.enters(link) => {
                    left.push(link);
                }
                _ => {}
            }
        }
        let is_known = |content: i64| own.iter().any(|stay| stay.content == content);
        let any_known = left.iter().any(|link| is_known(ends(link).0));
        for link in left {
            let content = ends(link).0;
            if is_known(content) {
                self.keep(link);
            } else if !any_known {
                self.keep(link);
                self.add_goods(content);
            }
        }
        self.contained(number, links, Some(&own));
    }

    /// Looks up the other side of the transformations that this level came to.
    fn transformations(&mut self, loader: &mut Loader<'_>) -> rusqlite::Result<()> {
        let hubs: Vec<i64> = std::mem::take(&mut self.new_hubs).into_iter().collect();
        let side = if self.down() { Side::From } else { Side::To };
        let (links, unread) = loader.links(side, &hubs)?;
        for hub in unread {
            self.found.cut.get_or_insert(CutReason::Rows);
            let near = self.found.hubs.get(&hub).into_iter().flat_map(|hub| hub.near.values());
            let numbers: Vec<i64> =
                near.map(|link| if side == Side::From { link.from } else { link.to }).collect();
            self.found.frontier.extend(numbers);
        }
        for link in links {
            let (hub, next) =
                if side == Side::From { (link.from, link.to) } else { (link.to, link.from) };
            self.add_goods(next);
            if let Some(hub) = self.found.hubs.get_mut(&hub) {
                hub.far.push(link);
            }
        }
        Ok(())
    }
}

fn is_containment(kind: Kind) -> bool {
    matches!(kind, Kind::Pack | Kind::Unpack | Kind::Attach | Kind::Detach)
}

/// Content and carrier of a containment link.
fn ends(link: &Link) -> (i64, i64) {
    match link.kind {
        Kind::Unpack | Kind::Detach => (link.to, link.from),
        _ => (link.from, link.to),
    }
}

fn overlap(one: &Stay, other: &Stay) -> Option<Stay> {
    let stay = Stay {
        content: one.content,
        from: one.from.max(other.from),
        until: one.until.min(other.until),
    };
    (stay.from <= stay.until).then_some(stay)
}

fn decimal(lexeme: &str) -> Option<Decimal> {
    lexeme.parse().or_else(|_| Decimal::from_scientific(lexeme)).ok()
}
