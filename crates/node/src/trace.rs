//! Trace across members: each is asked for itself, and hands the question on at its border.
//!
//! A member answers from its own records alone. Where it sent or received goods it names the
//! counterparty and what crossed; the counterparty is then asked for exactly that. That several
//! members live on one node changes nothing: no answer looks into another member's rows. Where
//! nobody answers, the gap stands in `missing` with its reason.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use countermark_epcis::gs1;
use countermark_store::index::trace::{self as walk, Fragment, Handover, Limits, Start};
use countermark_store::index::{Index, MemberId};

use serde::{Deserialize, Serialize};

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
}

/// How goods went from one node to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TraceEdge {
    /// Identifier that went in.
    pub from: String,
    /// Identifier that came out.
    pub to: String,
    /// The event that says so.
    #[serde(rename = "eventID")]
    pub event_id: String,
    /// How much, as the event writes it.
    #[serde(with = "crate::shapes::lexeme")]
    pub quantity: Option<String>,
    /// Unit of `quantity`; none for a count.
    pub unit: Option<String>,
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
    /// Likewise.
    pub edges: Vec<TraceEdge>,
    /// Gaps.
    pub missing: Vec<Missing>,
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
    let mut run = Run { index, members, trace: Trace::default(), nodes: BTreeSet::new() };
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
    dedupe(&mut trace.edges);
    dedupe(&mut trace.missing);
    Ok(trace)
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
            self.take(&fragment);
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
    fn take(&mut self, fragment: &Fragment) {
        let member = self.members.name(&fragment.member);
        for node in &fragment.nodes {
            let node =
                TraceNode { id: node.id.clone(), member: member.clone(), site: node.site.clone() };
            if self.nodes.insert(node.clone()) {
                self.trace.nodes.push(node);
            }
        }
        for edge in &fragment.edges {
            let id = |at: usize| fragment.nodes.get(at).map(|node| node.id.clone());
            let (Some(from), Some(to)) = (id(edge.from), id(edge.to)) else { continue };
            self.trace.edges.push(TraceEdge {
                from,
                to,
                event_id: edge.event.event_id.clone().unwrap_or_default(),
                quantity: edge.quantity.clone(),
                unit: edge.unit.clone(),
            });
        }
        self.trace.truncated |= fragment.truncated.is_some();
    }

    /// The questions that a member's handovers lead to. A handover itself is an edge from what was
    /// handed over to the same thing at the other side.
    fn onward(
        &mut self,
        fragment: &Fragment,
        way: walk::Direction,
    ) -> Result<Vec<Question>, NodeError> {
        let mut questions = Vec::new();
        let teller = self.members.name(&fragment.member);
        for handover in fragment.frontier(way) {
            if let Some(node) = fragment.nodes.get(handover.node) {
                self.trace.edges.push(TraceEdge {
                    from: node.id.clone(),
                    to: node.id.clone(),
                    event_id: handover.event.event_id.clone().unwrap_or_default(),
                    quantity: handover.quantity.clone(),
                    unit: handover.unit.clone(),
                });
            }
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
