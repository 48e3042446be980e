//! Trace across members: each is asked for itself, and hands the question on at its border.
//!
//! A member answers from its own records alone. Where it sent or received goods it names the
//! counterparty and what crossed; the counterparty is then asked for exactly that. That several
//! members live on one node changes nothing: no answer looks into another member's rows. Where
//! nobody answers, the gap stands in `missing` with its reason.

mod joined;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use countermark_epcis::gs1;
use countermark_epcis::time::Instant;
use countermark_store::index::trace::{self as walk, Fragment, Handover, Limits, Start};
use countermark_store::index::{Index, MemberId};

use serde::{Deserialize, Serialize};

use self::joined::{Handovers, Told};
use crate::error::NodeError;
use crate::scope::Scope;

/// Questions that one trace asks before it is cut.
const QUESTIONS_MAX: usize = 10_000;

/// Which way to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To the origin.
    Up,
    /// To the destination.
    Down,
    /// Both.
    Both,
}

/// An identifier at a member and site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TraceNode {
    /// The identifier, as canonical Digital Link where it is a GS1 one.
    pub id: String,
    /// Name of the member that says so.
    pub member: String,
    /// The place, if an event names one.
    pub site: Option<String>,
    /// The first time at which an edge touches it.
    pub time: Option<String>,
}

/// What an edge says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EdgeKind {
    /// The one was used up to make the other.
    Transform,
    /// The one was put into the other.
    Pack,
    /// The other was taken out of the one.
    Unpack,
    /// The one was attached to the other.
    Attach,
    /// The other was taken off the one.
    Detach,
    /// The other is an item of the lot.
    Belong,
    /// The same goods at another site of the member.
    Move,
    /// From one member to another.
    Handover,
}

impl EdgeKind {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Transform => "transform",
            Self::Pack => "pack",
            Self::Unpack => "unpack",
            Self::Attach => "attach",
            Self::Detach => "detach",
            Self::Belong => "belong",
            Self::Move => "move",
            Self::Handover => "handover",
        }
    }
}

/// How goods went from one node to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceEdge {
    /// Identifier that went in.
    pub from: String,
    /// Identifier that came out.
    pub to: String,
    /// What happened.
    pub kind: EdgeKind,
    /// The event that says so: of a handover the sender's where it is known.
    #[serde(rename = "eventID")]
    pub event_id: String,
    /// When, in UTC.
    pub time: String,
    /// The business step, as CBV's bare word where it is one of CBV's.
    pub step: Option<String>,
    /// Name of the member where it begins; of a handover that only the receiver tells of, the party
    /// that is named, if one is.
    pub from_member: Option<String>,
    /// The place where it begins, if an event names one.
    pub from_site: Option<String>,
    /// Name of the member where it ends; of a handover that only the sender tells of, the party that
    /// is named, if one is.
    pub to_member: Option<String>,
    /// The place where it ends, if an event names one.
    pub to_site: Option<String>,
    /// How much, as the event writes it.
    #[serde(with = "crate::shapes::lexeme")]
    pub quantity: Option<String>,
    /// Unit of `quantity`; none for a count.
    pub unit: Option<String>,
    /// Of a handover: whether the records of both sides were seen.
    pub both_sides: Option<bool>,
    /// Of such a handover: the receiver's event.
    #[serde(rename = "arrivalEventID")]
    pub arrival_event_id: Option<String>,
    /// When it was received, in UTC.
    pub arrival_time: Option<String>,
}

/// What a trace could not learn.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Missing {
    /// Name of the member, or the party's identifier where it is none.
    pub member: String,
    /// Why it is missing.
    pub reason: String,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// In the order in which they were found.
    pub nodes: Vec<TraceNode>,
    /// Oldest first.
    pub edges: Vec<TraceEdge>,
    /// Gaps.
    pub missing: Vec<Missing>,
    /// What the master data call the products, places and parties that are named.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// Whether a limit ended the trace early.
    pub truncated: bool,
}

impl Trace {
    /// The members that answered, each once, in the order in which they did.
    #[must_use]
    pub fn members(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        self.nodes.iter().map(|n| &*n.member).filter(|member| seen.insert(*member)).collect()
    }
}

impl Trace {
    /// Everything that is named: goods, places and parties.
    pub(crate) fn identifiers(&self) -> BTreeSet<String> {
        let nodes = self.nodes.iter().flat_map(|node| [Some(&node.id), node.site.as_ref()]);
        let edges = self.edges.iter().flat_map(|edge| {
            [edge.from_member.as_ref(), edge.to_member.as_ref(), Some(&edge.from), Some(&edge.to)]
        });
        let missing = self.missing.iter().map(|gap| Some(&gap.member));
        nodes.chain(edges).chain(missing).flatten().cloned().collect()
    }
}

/// CBV's bare word of a business step; any other as it is.
fn step_word(step: Option<&str>) -> Option<String> {
    let step = step?;
    Some(step.strip_prefix("https://ref.gs1.org/cbv/BizStep-").unwrap_or(step).to_owned())
}

fn kind_of(kind: walk::EdgeKind) -> EdgeKind {
    match kind {
        walk::EdgeKind::Transform => EdgeKind::Transform,
        walk::EdgeKind::Pack => EdgeKind::Pack,
        walk::EdgeKind::Unpack => EdgeKind::Unpack,
        walk::EdgeKind::Attach => EdgeKind::Attach,
        walk::EdgeKind::Detach => EdgeKind::Detach,
        walk::EdgeKind::Belong => EdgeKind::Belong,
        walk::EdgeKind::Move => EdgeKind::Move,
    }
}

/// Who can be asked here, and whom a party's identifier stands for.
pub(crate) struct Members {
    /// Id and name of every member of this node.
    pub(crate) names: Vec<(MemberId, String)>,
    /// GLN → member, as far as known.
    pub(crate) by_gln: BTreeMap<String, MemberId>,
    /// Whose records may be looked at.
    pub(crate) scope: Scope,
}

impl Members {
    fn name(&self, id: &MemberId) -> String {
        let known = self.names.iter().find(|(member, _)| member == id);
        known.map_or_else(|| countermark_ledger::ids::hex(id), |(_, name)| name.clone())
    }

    /// Those who may be asked.
    fn seen(&self) -> impl Iterator<Item = &MemberId> {
        self.names.iter().map(|(id, _)| id).filter(|id| self.scope.holds(id))
    }

    /// In whose name is asked, where not everyone may be.
    fn asker(&self) -> Option<String> {
        match &self.scope {
            Scope::All => None,
            Scope::Member(own) => Some(self.name(own)),
        }
    }

    fn of_party(&self, party: &str) -> Option<MemberId> {
        self.by_gln.get(&gln_of(party)?).copied()
    }
}

/// The GLN in a party's or location's identifier.
pub(crate) fn gln_of(id: &str) -> Option<String> {
    let identifier = gs1::Identifier::parse(id).ok()?;
    let gln = identifier.get("414").or_else(|| identifier.get("417"))?;
    Some(gln.to_owned())
}

/// Traces an identifier through the members of a node that may be asked.
pub(crate) fn trace(
    index: &Index,
    members: &Members,
    id: &str,
    direction: Direction,
) -> Result<Trace, NodeError> {
    let mut run = Run {
        index,
        members,
        trace: Trace::default(),
        nodes: BTreeSet::new(),
        handovers: Handovers::default(),
    };
    let mut known = false;
    let ways: &[walk::Direction] = match direction {
        Direction::Up => &[walk::Direction::Up],
        Direction::Down => &[walk::Direction::Down],
        Direction::Both => &[walk::Direction::Up, walk::Direction::Down],
    };
    for way in ways {
        known |= run.follow(id, *way)?;
    }
    if !known {
        let who = members.asker();
        let who = who.map_or_else(
            || "no member of this node has".to_owned(),
            |own| format!("{own} does not have"),
        );
        let what = format!("{who} a record of {id}");
        return Err(NodeError::NotFound(what));
    }
    let mut trace = run.trace;
    trace.edges.extend(run.handovers.edges());
    trace.edges.sort_by(|a, b| (&a.time, a).cmp(&(&b.time, b)));
    trace.edges.dedup();
    dedupe(&mut trace.missing);
    date_nodes(&mut trace);
    Ok(trace)
}

/// Says of each node when an edge first touches it.
fn date_nodes(trace: &mut Trace) {
    let mut first: BTreeMap<(&str, Option<&str>, Option<&str>), &str> = BTreeMap::new();
    for edge in &trace.edges {
        let (from, to) = (edge.from_member.as_deref(), edge.to_member.as_deref());
        let arrival = edge.arrival_time.as_deref().unwrap_or(&edge.time);
        let ends = [
            (&*edge.from, from, edge.from_site.as_deref(), &*edge.time),
            (&*edge.to, to, edge.to_site.as_deref(), arrival),
        ];
        for (id, member, site, time) in ends {
            let earliest = first.entry((id, member, site)).or_insert(time);
            *earliest = time.min(earliest);
        }
    }
    for node in &mut trace.nodes {
        let key = (&*node.id, Some(&*node.member), node.site.as_deref());
        node.time = first.get(&key).map(|time| (*time).to_owned());
    }
}

fn dedupe<T: Ord + Clone>(items: &mut Vec<T>) {
    let mut seen = BTreeSet::new();
    items.retain(|item| seen.insert(item.clone()));
}

/// A question to one member, and what led to it.
struct Question {
    to: MemberId,
    starts: Vec<Start>,
    /// The handover that led here, by whom it was told.
    asked_by: Option<(String, Handover)>,
    /// Whether a silent answer is a gap: the handover names this member.
    is_named: bool,
}

/// Whether a member knew any of these.
fn knows(answered: &BTreeSet<(MemberId, Start)>, member: MemberId, starts: &[Start]) -> bool {
    starts.iter().any(|start| answered.contains(&(member, start.clone())))
}

struct Run<'a> {
    index: &'a Index,
    members: &'a Members,
    trace: Trace,
    nodes: BTreeSet<TraceNode>,
    handovers: Handovers,
}

impl Run<'_> {
    /// Whether any member knew the identifier.
    fn follow(&mut self, id: &str, way: walk::Direction) -> Result<bool, NodeError> {
        let start = || vec![Start::goods(id)];
        let ask =
            |to: &MemberId| Question { to: *to, starts: start(), asked_by: None, is_named: false };
        let mut questions: VecDeque<Question> = self.members.seen().map(ask).collect();
        let mut asked: BTreeSet<(MemberId, Start)> = BTreeSet::new();
        let mut answered: BTreeSet<(MemberId, Start)> = BTreeSet::new();
        let mut known = false;
        let mut count = 0;
        while let Some(mut question) = questions.pop_front() {
            let all = question.starts.clone();
            question.starts.retain(|start| asked.insert((question.to, start.clone())));
            // Goods may be known by their lot and not by the pallet that carried them, or the other
            // way round: a gap is only what is known by nothing that was handed over.
            if question.starts.is_empty() {
                if question.is_named && !knows(&answered, question.to, &all) {
                    self.silent(&question, way);
                }
                continue;
            }
            count += 1;
            if count > QUESTIONS_MAX {
                self.trace.truncated = true;
                break;
            }
            let fragment = self
                .index
                .trace_member(&question.to, &question.starts, way, &Limits::default())
                .map_err(|e| NodeError::Store(e.to_string()))?;
            let of = |start: &Start| (question.to, start.clone());
            let named = question.starts.iter().filter(|s| !fragment.unknown.contains(&s.id));
            answered.extend(named.map(of));
            known |= !fragment.nodes.is_empty() && question.asked_by.is_none();
            if question.is_named && !knows(&answered, question.to, &all) {
                self.silent(&question, way);
            }
            self.take(&fragment, way);
            questions.extend(self.onward(&fragment, way)?);
        }
        Ok(known)
    }

    /// Somebody else may hold more, and has not let the one who asks see it.
    fn withheld(&mut self, member: String) {
        let asker = self.members.asker().unwrap_or_default();
        let reason = format!("what it holds is not released to {asker}, and it was not asked");
        self.trace.missing.push(Missing { member, reason });
    }

    fn silent(&mut self, question: &Question, way: walk::Direction) {
        let Some((teller, handover)) = &question.asked_by else { return };
        let goods = handover.starts.first().map_or("goods", |start| &*start.id);
        let verb = if way == walk::Direction::Down { "sent to it" } else { "received from it" };
        let when = countermark_epcis::time::Instant::format_ms(handover.at_ms);
        let reason = format!("has no record of {goods}, which {teller} says it {verb} on {when}");
        self.trace.missing.push(Missing { member: self.members.name(&question.to), reason });
    }

    /// Adds what one member answered.
    fn take(&mut self, fragment: &Fragment, way: walk::Direction) {
        let member = self.members.name(&fragment.member);
        for node in &fragment.nodes {
            let (id, site) = (node.id.clone(), node.site.clone());
            let node = TraceNode { id, member: member.clone(), site, time: None };
            if self.nodes.insert(node.clone()) {
                self.trace.nodes.push(node);
            }
        }
        for edge in &fragment.edges {
            let (from, to) = (fragment.nodes.get(edge.from), fragment.nodes.get(edge.to));
            let (Some(from), Some(to)) = (from, to) else { continue };
            self.trace.edges.push(TraceEdge {
                from: from.id.clone(),
                to: to.id.clone(),
                kind: kind_of(edge.kind),
                event_id: edge.event.event_id.clone().unwrap_or_default(),
                time: Instant::format_ms(edge.at_ms),
                step: step_word(edge.event.step.as_deref()),
                from_member: Some(member.clone()),
                from_site: from.site.clone(),
                to_member: Some(member.clone()),
                to_site: to.site.clone(),
                quantity: edge.quantity.clone(),
                unit: edge.unit.clone(),
                both_sides: None,
                arrival_event_id: None,
                arrival_time: None,
            });
        }
        for handover in &fragment.handovers {
            let Some(node) = fragment.nodes.get(handover.node) else { continue };
            let others = handover.parties.iter().filter(|p| p.is_destination == handover.is_sent);
            let others: Vec<&str> = others.map(|party| &*party.id).collect();
            let members = others.iter().filter_map(|party| self.members.of_party(party));
            let known: BTreeSet<MemberId> = members.filter(|id| *id != fragment.member).collect();
            let name = known.first().map(|id| self.members.name(id));
            self.handovers.add(Told {
                member: fragment.member,
                teller: member.clone(),
                id: node.id.clone(),
                site: node.site.clone(),
                other: name.or_else(|| others.first().map(|party| (*party).to_owned())),
                known,
                leads_on: handover.is_sent == (way == walk::Direction::Down),
                handover: handover.clone(),
            });
        }
        self.trace.truncated |= fragment.truncated.is_some();
    }

    /// The questions that a member's handovers lead to.
    fn onward(
        &mut self,
        fragment: &Fragment,
        way: walk::Direction,
    ) -> Result<Vec<Question>, NodeError> {
        let mut questions = Vec::new();
        let teller = self.members.name(&fragment.member);
        for handover in fragment.frontier(way) {
            let wanted = way == walk::Direction::Down;
            let parties: Vec<&str> = handover
                .parties
                .iter()
                .filter(|party| party.is_destination == wanted)
                .map(|party| &*party.id)
                .collect();
            let named: BTreeSet<MemberId> = parties
                .iter()
                .filter_map(|party| self.members.of_party(party))
                .filter(|member| *member != fragment.member)
                .collect();
            let ask = |to: MemberId, is_named: bool| Question {
                to,
                starts: handover.starts.clone(),
                asked_by: Some((teller.clone(), handover.clone())),
                is_named,
            };
            if named.is_empty() {
                self.unnamed(fragment, handover, &parties, way, &mut |to| {
                    questions.push(ask(to, false));
                })?;
            }
            for member in named {
                if self.members.scope.holds(&member) {
                    questions.push(ask(member, true));
                } else {
                    self.withheld(self.members.name(&member));
                }
            }
        }
        Ok(questions)
    }

    /// The handover names no member that is known by its GLN. Whoever here recorded the other side of
    /// it, with the same goods, is the counterparty and is asked; if nobody did, the party is a gap.
    fn unnamed(
        &mut self,
        fragment: &Fragment,
        handover: &Handover,
        parties: &[&str],
        way: walk::Direction,
        ask: &mut dyn FnMut(MemberId),
    ) -> Result<(), NodeError> {
        if self.members.asker().is_some() {
            // Whether another member holds the other side is not for the one who asks to learn.
            let party = parties.first().copied().unwrap_or("an unnamed party");
            self.withheld(party.to_owned());
            return Ok(());
        }
        let mut anyone = false;
        for member in self.members.seen().filter(|id| **id != fragment.member) {
            let limits = Limits { levels: 2, ..Limits::default() };
            let answer = self
                .index
                .trace_member(member, &handover.starts, way, &limits)
                .map_err(|e| NodeError::Store(e.to_string()))?;
            if answer.handovers.iter().any(|other| other.is_sent != handover.is_sent) {
                anyone = true;
                ask(*member);
            }
        }
        if !anyone {
            let party = parties.first().copied().unwrap_or("an unnamed party");
            let reason = "is no member of this node and was not asked".to_owned();
            self.trace.missing.push(Missing { member: party.to_owned(), reason });
        }
        Ok(())
    }
}
