//! Handovers as edges: what one side sent and what the other received are one edge where both are
//! known.

use std::collections::{BTreeMap, BTreeSet};

use countermark_epcis::time::Instant;
use countermark_store::index::trace::Handover;
use countermark_store::index::{LogPosition, MemberId};

use super::{EdgeKind, TraceEdge, step_word};

/// A handover as one member tells it.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) member: MemberId,
    pub(super) teller: String,
    /// What was handed over, and where the teller had it.
    pub(super) id: String,
    pub(super) site: Option<String>,
    /// The other side: a member's name, else the party as it is written.
    pub(super) other: Option<String>,
    /// The members that may be meant; none where no party that is named is known as one.
    pub(super) known: BTreeSet<MemberId>,
    /// Whether the trace goes on through it.
    pub(super) leads_on: bool,
    pub(super) handover: Handover,
}

impl Told {
    /// Names under which the other side may know what was handed over.
    fn names(&self) -> impl Iterator<Item = &str> {
        let starts = self.handover.starts.iter();
        let within = starts.flat_map(|start| {
            std::iter::once(&*start.id).chain(start.carrying.iter().map(String::as_str))
        });
        std::iter::once(&*self.id).chain(within)
    }

    fn may_be_with(&self, other: &Told) -> bool {
        other.member != self.member
            && (self.known.is_empty() || self.known.contains(&other.member))
            && (other.known.is_empty() || other.known.contains(&self.member))
    }
}

/// All handovers that were told of, each member's word once.
#[derive(Debug, Default)]
pub(super) struct Handovers {
    told: Vec<Told>,
    places: BTreeMap<(MemberId, LogPosition, String, bool), usize>,
}

impl Handovers {
    pub(super) fn add(&mut self, told: Told) {
        let event = told.handover.event.position;
        let key = (told.member, event, told.id.clone(), told.handover.is_sent);
        if let Some(at) = self.places.get(&key) {
            self.told[*at].leads_on |= told.leads_on;
            return;
        }
        self.places.insert(key, self.told.len());
        self.told.push(told);
    }

    /// The edges that they make.
    pub(super) fn edges(&self) -> Vec<TraceEdge> {
        let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, told) in self.told.iter().enumerate().filter(|(_, t)| !t.handover.is_sent) {
            let names: BTreeSet<&str> = told.names().collect();
            for name in names {
                by_name.entry(name).or_default().push(at);
            }
        }
        let mut sends: Vec<&Told> = self.told.iter().filter(|t| t.handover.is_sent).collect();
        sends.sort_by_key(|told| (told.handover.at_ms, told.handover.event.position));
        let mut taken = BTreeSet::new();
        let mut edges = Vec::new();
        for send in sends {
            match self.receipt_of(send, &by_name, &taken) {
                Some(at) => {
                    taken.insert(at);
                    let receipt = &self.told[at];
                    if send.leads_on || receipt.leads_on {
                        edges.push(edge(Some(send), Some(receipt)));
                    }
                }
                None if send.leads_on => edges.push(edge(Some(send), None)),
                None => {}
            }
        }
        let receipts = self.told.iter().enumerate().filter(|(_, t)| !t.handover.is_sent);
        for (at, receipt) in receipts {
            if receipt.leads_on && !taken.contains(&at) {
                edges.push(edge(None, Some(receipt)));
            }
        }
        edges
    }

    /// The other side's word of a sending: of the same thing, not yet another's, nearest in time;
    /// else of what was in it or around it.
    fn receipt_of(
        &self,
        send: &Told,
        by_name: &BTreeMap<&str, Vec<usize>>,
        taken: &BTreeSet<usize>,
    ) -> Option<usize> {
        let apart = |at: &usize| self.told[*at].handover.at_ms.abs_diff(send.handover.at_ms);
        let fits = |at: &&usize| send.may_be_with(&self.told[**at]);
        let same = by_name.get(&*send.id).into_iter().flatten().filter(fits);
        let same = same.filter(|at| self.told[**at].id == send.id && !taken.contains(at));
        if let Some(found) = same.min_by_key(|at| (apart(at), **at)) {
            return Some(*found);
        }
        let around = send.names().flat_map(|name| by_name.get(name).into_iter().flatten());
        around.filter(fits).min_by_key(|at| (apart(at), **at)).copied()
    }
}

fn edge(send: Option<&Told>, receipt: Option<&Told>) -> TraceEdge {
    let told = send.or(receipt);
    let handover = told.map(|told| &told.handover);
    let id = |told: Option<&Told>| told.map(|told| told.id.clone());
    let from = id(send).or_else(|| id(receipt)).unwrap_or_default();
    let to = id(receipt).or_else(|| id(send)).unwrap_or_default();
    let other = |told: &Told| told.other.clone();
    let arrival = send.and(receipt);
    TraceEdge {
        from,
        to,
        kind: EdgeKind::Handover,
        event_id: handover.and_then(|h| h.event.event_id.clone()).unwrap_or_default(),
        time: handover.map(|h| Instant::format_ms(h.at_ms)).unwrap_or_default(),
        step: handover.and_then(|h| step_word(h.event.step.as_deref())),
        from_member: send.map(|t| t.teller.clone()).or_else(|| receipt.and_then(other)),
        from_site: send.and_then(|told| told.site.clone()),
        to_member: receipt.map(|t| t.teller.clone()).or_else(|| send.and_then(other)),
        to_site: receipt.and_then(|told| told.site.clone()),
        quantity: handover.and_then(|h| h.quantity.clone()),
        unit: handover.and_then(|h| h.unit.clone()),
        both_sides: Some(send.is_some() && receipt.is_some()),
        arrival_event_id: arrival.and_then(|told| told.handover.event.event_id.clone()),
        arrival_time: arrival.map(|told| Instant::format_ms(told.handover.at_ms)),
    }
}
