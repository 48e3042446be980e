//! How fast is it, and beside what? The newest committed result, drawn and as a table.

use std::fmt::Write;
use std::sync::LazyLock;

use askama::Template;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use super::docs;
use crate::guard::Caller;
use crate::page::{self, Frame};
use crate::page_parts::State as Known;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

pub(crate) fn routes() -> Vec<Route> {
    let page = Operation::page("The newest benchmark result");
    vec![Route::get("/app/benchmark", Access::SignedIn, get(show), page)]
}

/// What the page shows of a result; the schema `bench` has more.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    version: String,
    time: String,
    machine: Machine,
    on: Vec<String>,
    floor: Rate,
    captures: Vec<Capture>,
    peers: Vec<Peer>,
    stores: Vec<Store>,
    goals: Vec<Goal>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Machine {
    processor: Option<String>,
    cores: u64,
    load_before: Option<f64>,
    file_system: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rate {
    events_per_second: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Capture {
    clients: u64,
    events_per_document: u64,
    events_per_second: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Peer {
    name: String,
    what: String,
    clients: u64,
    events_per_second: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Store {
    store: String,
    bytes_per_event: f64,
    of_json: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Goal {
    name: String,
    figure: f64,
    goal: f64,
    unit: String,
    at_most: bool,
    reached: bool,
}

/// The newest result: they are named by their month.
static NEWEST: LazyLock<Option<Outcome>> = LazyLock::new(|| {
    let (_, bytes) =
        docs::files("benchmark/").filter(|(name, _)| name.ends_with(".json")).last()?;
    serde_json::from_slice(bytes).ok()
});

struct Bar {
    words: String,
    what: String,
    value: f64,
    text: String,
    is_ours: bool,
}

struct GoalLine {
    name: String,
    figure: String,
    goal: String,
    state: Known,
    words: &'static str,
}

#[derive(Template)]
#[template(path = "benchmark.html")]
struct BenchmarkPage {
    frame: Frame,
    views: String,
    found: Option<Found>,
}

struct Found {
    sentence: String,
    about: String,
    is_loaded: bool,
    on: &'static [String],
    rates: Vec<Bar>,
    rates_picture: String,
    stores: Vec<Bar>,
    stores_picture: String,
    goals: Vec<GoalLine>,
}

fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn figure(value: f64, unit: &str) -> String {
    let number = if value.abs() >= 1000.0 { grouped(value) } else { format!("{value:.3}") };
    let number = if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        number
    };
    format!("{number} {unit}")
}

fn rates(outcome: &'static Outcome) -> Vec<Bar> {
    let bar = |words: String, what: &str, rate: f64, is_ours| Bar {
        words,
        what: what.to_owned(),
        value: rate,
        text: format!("{} events/s", grouped(rate)),
        is_ours,
    };
    let plural = |clients: u64| if clients == 1 { "" } else { "s" };
    let mut bars: Vec<Bar> = outcome
        .captures
        .iter()
        .map(|one| {
            let (clients, size) = (one.clients, one.events_per_document);
            let words =
                format!("Countermark, {clients} client{}, {size} a document", plural(clients));
            bar(words, "everything on", one.events_per_second, true)
        })
        .collect();
    let floor = "parse, normalise, commit, group signature, append, sync: without the rest";
    bars.push(bar("Floor of this run".to_owned(), floor, outcome.floor.events_per_second, false));
    bars.extend(outcome.peers.iter().map(|peer| {
        let words = format!("{}, {} client{}", peer.name, peer.clients, plural(peer.clients));
        bar(words, &peer.what, peer.events_per_second, false)
    }));
    bars
}

fn stores(outcome: &'static Outcome) -> Vec<Bar> {
    let bar = |store: &Store| Bar {
        words: store.store.clone(),
        what: format!("{:.2} × the JSON", store.of_json),
        value: store.bytes_per_event,
        text: format!("{} bytes an event", grouped(store.bytes_per_event)),
        is_ours: store.store == "all",
    };
    outcome.stores.iter().map(bar).collect()
}

/// Bars beneath one another, each with its words above and its value beside.
fn picture(bars: &[Bar], title: &str) -> String {
    const ROW: usize = 48;
    const LENGTH: f64 = 560.0;
    let most = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let height = bars.len() * ROW;
    let escape = crate::lanes::escape;
    let mut out = format!(
        "<svg class=\"bars\" viewBox=\"-12 -4 780 {height}\" role=\"img\" aria-label=\"{}\">",
        escape(title)
    );
    for (at, bar) in bars.iter().enumerate() {
        let length = if most > 0.0 { (bar.value / most * LENGTH).max(2.0) } else { 2.0 };
        let class = if bar.is_ours { "bar-ours" } else { "bar-other" };
        let (text, bar_top) = (at * ROW + 16, at * ROW + 22);
        // Writing to a string does not fail.
        let _written = write!(
            out,
            "<text x=\"0\" y=\"{text}\">{}</text><rect class=\"{class}\" x=\"0\" y=\"{bar_top}\" \
             width=\"{length:.0}\" height=\"18\"/><text class=\"value\" x=\"{:.0}\" y=\"{}\">{}</text>",
            escape(&bar.words),
            length + 8.0,
            bar_top + 14,
            escape(&bar.text)
        );
    }
    out.push_str("</svg>");
    out
}

fn found(outcome: &'static Outcome) -> Found {
    let goals: Vec<GoalLine> = outcome
        .goals
        .iter()
        .map(|goal| GoalLine {
            name: goal.name.clone(),
            figure: figure(goal.figure, &goal.unit),
            goal: format!(
                "{} {}",
                if goal.at_most { "at most" } else { "at least" },
                figure(goal.goal, &goal.unit)
            ),
            state: if goal.reached { Known::Proven } else { Known::Contradicted },
            words: if goal.reached { "reached" } else { "not reached" },
        })
        .collect();
    let reached = outcome.goals.iter().filter(|goal| goal.reached).count();
    let best = outcome.captures.iter().map(|one| one.events_per_second).fold(0.0, f64::max);
    let machine = &outcome.machine;
    let load = machine.load_before.unwrap_or(0.0);
    let (rates, stores) = (rates(outcome), stores(outcome));
    Found {
        sentence: format!(
            "{} events a second with everything on; {reached} of {} goals reached",
            grouped(best),
            outcome.goals.len()
        ),
        about: format!(
            "Version {}, {} UTC, {} with {} cores, {}. Load before: {load:.2}.",
            outcome.version,
            outcome.time.get(..16).unwrap_or(&outcome.time).replace('T', " "),
            machine.processor.as_deref().unwrap_or("a processor without a name"),
            machine.cores,
            machine.file_system.as_deref().unwrap_or("an unknown file system"),
        ),
        is_loaded: load > 0.5,
        on: &outcome.on,
        rates_picture: picture(
            &rates,
            "Events a second, longer is better; the table has the same figures",
        ),
        rates,
        stores_picture: picture(
            &stores,
            "Bytes an event in each store; the table has the same figures",
        ),
        stores,
        goals,
    }
}

async fn show(Caller(caller): Caller) -> Result<Response, Problem> {
    page::html(&BenchmarkPage {
        frame: Frame::new("Benchmark", "benchmark", Some(&caller)),
        views: crate::assets::path("views.css"),
        found: NEWEST.as_ref().map(found),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_committed_result_is_drawn() {
        let results: Vec<_> =
            docs::files("benchmark/").filter(|(name, _)| name.ends_with(".json")).collect();
        assert!(!results.is_empty());
        for (name, bytes) in results {
            let read: Result<Outcome, _> = serde_json::from_slice(bytes);
            assert!(read.is_ok(), "{name}: {:?}", read.err());
        }
        let found = found(NEWEST.as_ref().unwrap());
        assert!(found.rates_picture.matches("<rect").count() >= 3);
        assert!(!found.rates_picture.contains("NaN"));
    }

    #[test]
    fn figures_are_written_as_people_read_them() {
        assert_eq!(grouped(1_234_567.4), "1,234,567");
        assert_eq!(figure(0.369, "x"), "0.369 x");
        assert_eq!(figure(250.0, "ms"), "250 ms");
        assert_eq!(figure(4096.0, "bytes"), "4,096 bytes");
    }
}
