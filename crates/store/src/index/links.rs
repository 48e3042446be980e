//! Which links of the trace graph an event makes. The rules, in the direction in which goods flow:
//!
//! | event | links |
//! | --- | --- |
//! | Transformation | each input → the transformation, the transformation → each output; the events of one `transformationID` at one member share one transformation |
//! | Aggregation ADD, OBSERVE | each child → parent: *pack* |
//! | Aggregation DELETE | parent → each child: *unpack*; without children: everything leaves the parent |
//! | Association ADD, OBSERVE / DELETE | the same, as *attach* and *detach* |
//! | Object, Aggregation, Transaction with the step shipping or departing | → outside: *send*, of the parent where there is one, else of what the event is about |
//! | … with the step receiving, arriving or accepting | outside → : *receive*, likewise |
//! | any that names an item together with its lot | lot → item: *belong* |
//! | any with an error declaration | none, and those of the event that it takes back are removed |
//!
//! An ordinary object event makes no link: the same identifier at the next place is the same node
//! family. A transaction event ties documents to goods and moves nothing unless its step does.

use countermark_epcis::facts::{Action, EventType, Facts, Role};

use super::terms;

/// What a link says. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i64)]
pub(crate) enum Kind {
    Input = 1,
    Output = 2,
    Pack = 3,
    Unpack = 4,
    UnpackAll = 5,
    Attach = 6,
    Detach = 7,
    DetachAll = 8,
    Send = 9,
    Receive = 10,
    Belong = 11,
}

impl Kind {
    pub(crate) fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            1 => Kind::Input,
            2 => Kind::Output,
            3 => Kind::Pack,
            4 => Kind::Unpack,
            5 => Kind::UnpackAll,
            6 => Kind::Attach,
            7 => Kind::Detach,
            8 => Kind::DetachAll,
            9 => Kind::Send,
            10 => Kind::Receive,
            11 => Kind::Belong,
            _ => return None,
        })
    }
}

/// One end of a link: an identifier by its place in [`Facts::identifiers`], the transformation, or
/// the world outside the member, or the lot that an identifier says it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Identifier(usize),
    Hub,
    Outside,
    LotOf(usize),
}

/// A link; `amount` is the identifier whose quantity it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) from: End,
    pub(crate) to: End,
    pub(crate) kind: Kind,
    pub(crate) amount: usize,
}

const STEP: &str = "https://ref.gs1.org/cbv/BizStep-";

fn is_step(facts: &Facts, words: &[&str]) -> bool {
    let word = facts.biz_step.as_deref().and_then(|step| step.strip_prefix(STEP));
    word.is_some_and(|word| words.contains(&word))
}

/// The links that an event makes.
pub(crate) fn links(facts: &Facts) -> Vec<Link> {
    if facts.error_declaration.is_some() {
        return Vec::new();
    }
    let mut links = Vec::new();
    match facts.event_type {
        EventType::Transformation => transformation(facts, &mut links),
        EventType::Aggregation => {
            containment(facts, [Kind::Pack, Kind::Unpack, Kind::UnpackAll], &mut links);
            handover(facts, &mut links);
        }
        EventType::Association => {
            containment(facts, [Kind::Attach, Kind::Detach, Kind::DetachAll], &mut links);
        }
        EventType::Object | EventType::Transaction => handover(facts, &mut links),
        EventType::Extended => {}
    }
    for (at, fact) in facts.identifiers.iter().enumerate() {
        if terms::lot_of(&fact.id, &fact.canonical).is_some() {
            let own = End::Identifier(at);
            links.push(Link { from: End::LotOf(at), to: own, kind: Kind::Belong, amount: at });
        }
    }
    links
}

fn with_role(facts: &Facts, role: Role) -> impl Iterator<Item = usize> + '_ {
    facts
        .identifiers
        .iter()
        .enumerate()
        .filter(move |(_, fact)| fact.role == role)
        .map(|(at, _)| at)
}

fn transformation(facts: &Facts, links: &mut Vec<Link>) {
    for at in with_role(facts, Role::Input) {
        links.push(Link { from: End::Identifier(at), to: End::Hub, kind: Kind::Input, amount: at });
    }
    for at in with_role(facts, Role::Output) {
        links.push(Link {
            from: End::Hub,
            to: End::Identifier(at),
            kind: Kind::Output,
            amount: at,
        });
    }
}

fn containment(facts: &Facts, [enter, leave, leave_all]: [Kind; 3], links: &mut Vec<Link>) {
    let Some(parent) = with_role(facts, Role::Parent).next() else { return };
    let parent_end = End::Identifier(parent);
    let removed = facts.action == Some(Action::Delete);
    let before = links.len();
    for child in with_role(facts, Role::Child) {
        let child_end = End::Identifier(child);
        links.push(if removed {
            Link { from: parent_end, to: child_end, kind: leave, amount: child }
        } else {
            Link { from: child_end, to: parent_end, kind: enter, amount: child }
        });
    }
    if removed && links.len() == before {
        links.push(Link { from: parent_end, to: End::Outside, kind: leave_all, amount: parent });
    }
}

fn handover(facts: &Facts, links: &mut Vec<Link>) {
    let sent = is_step(facts, &["shipping", "departing"]);
    let received = is_step(facts, &["receiving", "arriving", "accepting"]);
    if !sent && !received {
        return;
    }
    let parents: Vec<usize> = with_role(facts, Role::Parent).collect();
    let goods: Vec<usize> = if parents.is_empty() {
        with_role(facts, Role::Epc).chain(with_role(facts, Role::Child)).collect()
    } else {
        parents
    };
    for at in goods {
        let own = End::Identifier(at);
        links.push(if sent {
            Link { from: own, to: End::Outside, kind: Kind::Send, amount: at }
        } else {
            Link { from: End::Outside, to: own, kind: Kind::Receive, amount: at }
        });
    }
}

/// The number of the transformation that an event belongs to: negative, so that it is no
/// identifier's; odd where it is a `transformationID` (by its number as a text), else even.
pub(crate) fn hub(ordinal: i64, transformation: Option<i64>) -> i64 {
    match transformation {
        Some(text) => -(2 * text + 1),
        None => -(2 * ordinal + 2),
    }
}
