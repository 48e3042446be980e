//! The figures that have a goal, beside it.

use super::report::{BenchReport, Goal, rounded};

/// The name that the peer with the goal has in a report.
pub const JSONB_PEER: &str = "PostgreSQL JSONB with GIN index";

fn goal(name: impl Into<String>, figure: f64, goal: f64, unit: &str, at_most: bool) -> Goal {
    let reached = if at_most { figure <= goal } else { figure >= goal };
    Goal {
        name: name.into(),
        figure: rounded(figure),
        goal,
        unit: unit.to_owned(),
        at_most,
        reached,
    }
}

/// The goals of what was measured.
pub(super) fn goals(report: &BenchReport) -> Vec<Goal> {
    let mut goals = Vec::new();
    let mut at_most = |name: String, figure: f64, bound: f64, unit: &str| {
        goals.push(goal(name, figure, bound, unit, true));
    };
    at_most("handed over to provable, p99".to_owned(), report.provable.p99_ms, 250.0, "ms");
    if let Some(proof) = report.proofs.iter().find(|proof| proof.of == "event") {
        at_most("proof of one event".to_owned(), proof.proof_bytes as f64, 4096.0, "bytes");
        at_most("proof of one event verified".to_owned(), proof.verify_microseconds, 1000.0, "us");
    }
    if let Some(trace) = &report.trace {
        let (events, lots) = (trace.events, trace.recall_lots);
        let name = format!("trace of {} levels among {events} events, p99", trace.levels);
        at_most(name, trace.p99_ms, 50.0, "ms");
        at_most(format!("recall of {lots} lots"), trace.recall_ms, 1000.0, "ms");
    }
    if let Some(all) = report.stores.iter().find(|share| share.store == "all") {
        at_most("bytes in all stores".to_owned(), all.of_json, 3.0, "x the JSON");
    }
    let opened = &report.opened;
    at_most(format!("opening a node of {} events", opened.events), opened.open_ms, 1000.0, "ms");
    if let Some(bytes) = opened.idle_bytes {
        at_most("idle memory".to_owned(), bytes as f64 / 1e6, 100.0, "MB");
    }
    let at_least = captures(report);
    at_least.into_iter().chain(goals).collect()
}

fn captures(report: &BenchReport) -> Vec<Goal> {
    let best = |rates: &mut dyn Iterator<Item = f64>| rates.fold(0.0, f64::max);
    let per_document = report.payload.events_per_document;
    let captures = report.captures.iter().filter(|c| c.events_per_document == per_document);
    let ours = best(&mut captures.map(|capture| capture.rate.events_per_second));
    let mut goals = Vec::new();
    let peers = report.peers.iter().filter(|peer| peer.name == JSONB_PEER);
    let peer = best(&mut peers.map(|peer| peer.rate.events_per_second));
    if peer > 0.0 {
        let name = format!("capture beside {JSONB_PEER}, the better of each");
        goals.push(goal(name, ours / peer, 1.0, "x", false));
    }
    if report.floor.events_per_second > 0.0 {
        let of_floor = ours / report.floor.events_per_second;
        goals.push(goal("capture beside the floor", of_floor, 0.5, "x", false));
    }
    goals
}

impl BenchReport {
    /// Sets each peer beside our capture with as many clients, and every figure beside its goal.
    pub fn compare(&mut self) {
        let per_document = self.payload.events_per_document;
        for peer in &mut self.peers {
            let alike = |c: &&super::Capture| {
                c.clients == peer.clients && c.events_per_document == per_document
            };
            let ours = self.captures.iter().find(alike).map_or(0.0, |c| c.rate.events_per_second);
            let theirs = peer.rate.events_per_second;
            peer.ours_of_it = if theirs > 0.0 { rounded(ours / theirs) } else { 0.0 };
        }
        self.goals = goals(self);
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::{Capture, Payload, Peer, Rate, Share};
    use super::*;

    fn capture(clients: usize, events_per_document: usize, rate: usize) -> Capture {
        let rate = Rate::of(rate, 1.0, None);
        Capture { clients, events_per_document, rate, ..Capture::default() }
    }

    #[test]
    fn peers_are_compared_with_as_many_clients_and_like_documents() {
        let peer = |clients, rate| Peer {
            name: JSONB_PEER.to_owned(),
            clients,
            rate: Rate::of(rate, 1.0, None),
            ..Peer::default()
        };
        let mut report = BenchReport {
            payload: Payload { events_per_document: 500, ..Payload::default() },
            floor: Rate::of(40_000, 1.0, None),
            captures: vec![
                capture(1, 10_000, 99_000),
                capture(1, 500, 9_000),
                capture(4, 500, 18_000),
            ],
            peers: vec![peer(1, 18_000), peer(4, 24_000), peer(7, 10)],
            stores: vec![Share { store: "all".to_owned(), of_json: 3.5, ..Share::default() }],
            ..BenchReport::default()
        };
        report.compare();
        let ours: Vec<f64> = report.peers.iter().map(|peer| peer.ours_of_it).collect();
        assert_eq!(ours, [0.5, 0.75, 0.0]);
        let found: Vec<(f64, f64, bool)> =
            report.goals.iter().map(|goal| (goal.figure, goal.goal, goal.reached)).collect();
        assert_eq!(found[..2], [(0.75, 1.0, false), (0.45, 0.5, false)]);
        assert!(found.contains(&(3.5, 3.0, false)) && found.contains(&(0.0, 250.0, true)));
    }
}
