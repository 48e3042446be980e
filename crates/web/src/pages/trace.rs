//! Where did it come from, where did it go? The answer in a sentence, as a picture and as a table.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use countermark_epcis::gs1::Identifier;
use countermark_node::NodeError;
use countermark_node::access::Permission;
use countermark_node::trace::{Direction, Trace, TraceEdge};

use crate::App;
use crate::body::{Form, encode};
use crate::guard::Caller;
use crate::lanes::{self, MARKS_MAX, MARKS_UNFOLDED_MAX, named, product, short};
use crate::page::{self, Frame};
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

/// Rows of the table on the page at most; the CSV file has all.
const ROWS_MAX: usize = 2_000;
/// Places named in the answer's sentence at most.
const NAMED_MAX: usize = 3;

pub(crate) fn routes() -> Vec<Route> {
    let may = Access::Allowed(Permission::Read);
    vec![
        Route::get("/app/trace", may, get(show), Operation::page("A trace as picture and table")),
        Route::get("/app/trace.csv", may, get(csv), Operation::page("The rows of a trace as CSV")),
    ]
}

/// What is asked, as the query says it.
struct Asked {
    id: String,
    direction: Direction,
    sort: String,
}

const DIRECTIONS: [(&str, Direction, &str); 3] = [
    ("both", Direction::Both, "where it came from and where it went"),
    ("up", Direction::Up, "where it came from"),
    ("down", Direction::Down, "where it went"),
];

const COLUMNS: [(&str, &str); 9] = [
    ("time", "Time (UTC)"),
    ("step", "What happened"),
    ("from", "From"),
    ("from-place", "At"),
    ("to", "To"),
    ("to-place", "At"),
    ("quantity", "Quantity"),
    ("sides", "Recorded by"),
    ("event", "Event"),
];

impl Asked {
    fn read(query: Option<&str>) -> Self {
        let form = Form::parse(query.unwrap_or_default().as_bytes());
        let wanted = form.get("direction");
        let found = DIRECTIONS.iter().find(|(word, _, _)| *word == wanted);
        Self {
            id: form.get("id").trim().to_owned(),
            direction: found.map_or(Direction::Both, |(_, direction, _)| *direction),
            sort: form.get("sort").to_owned(),
        }
    }

    fn word(&self) -> &'static str {
        DIRECTIONS.iter().find(|(_, way, _)| *way == self.direction).map_or("both", |way| way.0)
    }

    fn query(&self) -> String {
        format!("id={}&direction={}", encode(&self.id), self.word())
    }

    /// The canonical identifier that the index knows, and how it was read.
    fn canonical(&self) -> (String, String) {
        match Identifier::parse(&self.id) {
            Ok(identifier) => {
                let link = identifier.digital_link().unwrap_or_else(|| self.id.clone());
                let kind = identifier.key_type().name();
                let text = identifier.element_string();
                (link, format!("Read as {kind} {text}"))
            }
            Err(error) => {
                let read = format!(
                    "Taken as it is written: as a GS1 identifier it cannot be read ({error})"
                );
                (self.id.clone(), read)
            }
        }
    }
}

struct Row {
    time: String,
    /// When the other side received it; empty where no other side says so.
    received: String,
    step: String,
    kind: &'static str,
    from: String,
    from_id: String,
    from_place: String,
    to: String,
    to_id: String,
    to_place: String,
    quantity: String,
    unit: String,
    sides: &'static str,
    event: String,
    from_path: String,
    to_path: String,
    event_path: String,
}

struct Heading {
    words: &'static str,
    path: String,
    /// For `aria-sort`; empty where the table is not sorted by it.
    sorted: &'static str,
}

struct Choice {
    word: &'static str,
    words: &'static str,
    is_chosen: bool,
}

struct Gap {
    who: String,
    reason: String,
}

struct Found {
    sentence: String,
    read_as: String,
    canonical: String,
    picture: String,
    picture_words: String,
    folded: Option<String>,
    headings: Vec<Heading>,
    rows: Vec<Row>,
    row_count: usize,
    gaps: Vec<Gap>,
    is_truncated: bool,
    members: String,
    csv: String,
    json: String,
    height: u64,
}

#[derive(Template)]
#[template(path = "trace.html")]
struct TracePage {
    frame: Frame,
    views: String,
    id: String,
    choices: Vec<Choice>,
    found: Option<Found>,
    /// Why there is nothing to show.
    nothing: String,
}

async fn show(
    State(app): State<App>,
    Caller(caller): Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let asked = Asked::read(query.as_deref());
    let choices = DIRECTIONS.iter().map(|(word, direction, words)| Choice {
        word,
        words,
        is_chosen: *direction == asked.direction,
    });
    let mut page = TracePage {
        frame: Frame::new("Trace", "trace", Some(&caller)),
        views: crate::assets::path("views.css"),
        id: asked.id.clone(),
        choices: choices.collect(),
        found: None,
        nothing: String::new(),
    };
    if asked.id.is_empty() {
        return page::html(&page);
    }
    let (scope, id, direction) = (caller.scope(), asked.canonical().0, asked.direction);
    let answer = app.run(move |node| match node.trace(&scope, &id, direction) {
        Ok(trace) => Ok(Ok((trace, node.height()))),
        Err(NodeError::NotFound(what)) => Ok(Err(what)),
        Err(error) => Err(error),
    });
    match answer.await? {
        Ok((trace, height)) => {
            page.frame.title = format!("Trace of {}", short(&asked.canonical().0));
            page.found = Some(found(&asked, &trace, height.unwrap_or_default()));
            page::html(&page)
        }
        Err(what) => {
            page.nothing = format!("{}. {what}.", asked.canonical().1);
            page::answer(StatusCode::NOT_FOUND, &page)
        }
    }
}

async fn csv(
    State(app): State<App>,
    Caller(caller): Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let asked = Asked::read(query.as_deref());
    let (scope, id, direction) = (caller.scope(), asked.canonical().0, asked.direction);
    let trace = app.run(move |node| node.trace(&scope, &id, direction)).await?;
    let mut rows = rows(&trace);
    sort(&mut rows, &asked.sort);
    let mut text = String::from(
        "time,received,step,kind,from,from_place,to,to_place,quantity,unit,recorded_by,event_id\r\n",
    );
    for row in &rows {
        let cells = [
            &row.time,
            &row.received,
            &row.step,
            row.kind,
            &row.from_id,
            &row.from_place,
            &row.to_id,
            &row.to_place,
            &row.quantity,
            &row.unit,
            row.sides,
            &row.event,
        ];
        text.push_str(&cells.map(cell).join(","));
        text.push_str("\r\n");
    }
    for gap in &trace.missing {
        text.push_str(&cell(&format!("missing: {}: {}", gap.member, gap.reason)));
        text.push_str("\r\n");
    }
    if trace.truncated {
        text.push_str("the trace was cut at its limits: there may be more\r\n");
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"trace.csv\""),
        ),
    ];
    Ok((headers, text).into_response())
}

/// A cell of a CSV file. One that a spreadsheet would take for a formula is told to be text.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let number = text.parse::<f64>().is_ok();
    let text = if is_formula && !number { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

fn place(member: Option<&String>, site: Option<&String>, trace: &Trace) -> String {
    let name = |id: &String| trace.names.get(id).cloned().unwrap_or_else(|| short(id));
    match (member.map(name), site.map(name)) {
        (Some(member), Some(site)) if member != site => format!("{site} ({member})"),
        (Some(member), _) => member,
        (None, Some(site)) => site,
        (None, None) => String::new(),
    }
}

fn row(edge: &TraceEdge, trace: &Trace) -> Row {
    let step = edge.step.as_deref().unwrap_or(edge.kind.word());
    Row {
        time: moment(&edge.time),
        received: edge.arrival_time.as_deref().map_or_else(String::new, moment),
        step: step.replace('_', " "),
        kind: edge.kind.word(),
        from: named(&edge.from, trace),
        from_id: edge.from.clone(),
        from_place: place(edge.from_member.as_ref(), edge.from_site.as_ref(), trace),
        to: named(&edge.to, trace),
        to_id: edge.to.clone(),
        to_place: place(edge.to_member.as_ref(), edge.to_site.as_ref(), trace),
        quantity: edge.quantity.clone().unwrap_or_default(),
        unit: edge.unit.clone().unwrap_or_default(),
        sides: match edge.both_sides {
            Some(true) => "both sides",
            Some(false) => "one side only",
            None => "the member itself",
        },
        event: edge.event_id.clone(),
        from_path: format!("/app/trace?id={}", encode(&edge.from)),
        to_path: format!("/app/trace?id={}", encode(&edge.to)),
        event_path: format!("/app/events/{}", encode(&edge.event_id)),
    }
}

/// `2026-03-01 10:00` of a time in UTC.
fn moment(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

fn rows(trace: &Trace) -> Vec<Row> {
    trace.edges.iter().map(|edge| row(edge, trace)).collect()
}

fn sort(rows: &mut [Row], by: &str) {
    let (by, falls) = by.strip_prefix('-').map_or((by, false), |by| (by, true));
    let number = |row: &Row| row.quantity.parse::<f64>().unwrap_or(f64::NEG_INFINITY);
    let order = |a: &Row, b: &Row| match by {
        "step" => a.step.cmp(&b.step),
        "from" => a.from.cmp(&b.from),
        "from-place" => a.from_place.cmp(&b.from_place),
        "to" => a.to.cmp(&b.to),
        "to-place" => a.to_place.cmp(&b.to_place),
        "quantity" => number(a).total_cmp(&number(b)),
        "sides" => a.sides.cmp(b.sides),
        "event" => a.event.cmp(&b.event),
        // They come in the order of time.
        _ => Ordering::Equal,
    };
    rows.sort_by(order);
    if falls {
        rows.reverse();
    }
}

fn headings(asked: &Asked) -> Vec<Heading> {
    let current = if asked.sort.is_empty() { "time" } else { &asked.sort };
    let heading = |(key, words): (&'static str, &'static str)| {
        let rises = current == key;
        let falls = current.strip_prefix('-') == Some(key);
        let next = if rises { format!("-{key}") } else { key.to_owned() };
        Heading {
            words,
            path: format!("/app/trace?{}&sort={next}#rows", asked.query()),
            sorted: if rises {
                "ascending"
            } else if falls {
                "descending"
            } else {
                ""
            },
        }
    };
    COLUMNS.into_iter().map(heading).collect()
}

fn found(asked: &Asked, trace: &Trace, height: u64) -> Found {
    let (canonical, read_as) = asked.canonical();
    let picture = lanes::lay_out(trace, &canonical);
    let sentence = sentence(asked, trace, &canonical);
    let picture_words = format!(
        "{} events at {} places, from left to right in the order of time. {sentence} The table below \
         has the same rows.",
        picture.marks.iter().map(|mark| mark.events.len()).sum::<usize>(),
        picture.lanes.len()
    );
    let mut folded = Vec::new();
    if picture.is_folded {
        folded.push(format!(
            "More than {MARKS_UNFOLDED_MAX} events: those of one place, product and day are drawn \
             as one, with their count."
        ));
    }
    if picture.left_out > 0 {
        folded.push(format!(
            "The picture shows the first {MARKS_MAX} marks; {} later ones are only in the table.",
            picture.left_out
        ));
    }
    let mut all = rows(trace);
    let row_count = all.len();
    sort(&mut all, &asked.sort);
    all.truncate(ROWS_MAX);
    let name = |id: &String| trace.names.get(id).cloned().unwrap_or_else(|| id.clone());
    Found {
        sentence,
        read_as,
        canonical,
        picture: lanes::svg(&picture, &picture_words),
        picture_words,
        folded: (!folded.is_empty()).then(|| folded.join(" ")),
        headings: headings(asked),
        rows: all,
        row_count,
        gaps: trace
            .missing
            .iter()
            .map(|gap| Gap { who: name(&gap.member), reason: gap.reason.clone() })
            .collect(),
        is_truncated: trace.truncated,
        members: trace.members().join(", "),
        csv: format!("/app/trace.csv?{}&sort={}", asked.query(), encode(&asked.sort)),
        json: format!("/trace?{}", asked.query()),
        height,
    }
}

/// Goods at a place, as far as edges tell them apart.
type Spot<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// The answer: where it came from and where it is now, as far as was recorded.
fn sentence(asked: &Asked, trace: &Trace, canonical: &str) -> String {
    let subject = named(canonical, trace);
    if trace.edges.is_empty() {
        let members = trace.members().join(", ");
        return format!("{subject} is known to {members}, and no movement of it was recorded.");
    }
    let mut ends: BTreeMap<Spot<'_>, (bool, bool)> = BTreeMap::new();
    for edge in &trace.edges {
        let from = (&*edge.from, edge.from_member.as_deref(), edge.from_site.as_deref());
        let to = (&*edge.to, edge.to_member.as_deref(), edge.to_site.as_deref());
        ends.entry(from).or_default().1 = true;
        ends.entry(to).or_default().0 = true;
    }
    let list = |is_wanted: &dyn Fn(bool, bool) -> bool| {
        let spots = ends.iter().filter(|(_, (into, out))| is_wanted(*into, *out));
        let words: BTreeSet<String> = spots
            .map(|((_, member, site), _)| {
                let text = |text: &Option<&str>| text.map(str::to_owned);
                let place = place(text(member).as_ref(), text(site).as_ref(), trace);
                if place.is_empty() { "a place that is not named".to_owned() } else { place }
            })
            .collect();
        let more = words.len().saturating_sub(NAMED_MAX);
        let mut text = words.into_iter().take(NAMED_MAX).collect::<Vec<_>>().join("; ");
        if more > 0 {
            text.push_str(&format!("; and {more} more places"));
        }
        text
    };
    let (origins, ends) = (list(&|into, _| !into), list(&|_, out| !out));
    let lots: BTreeSet<String> =
        trace.edges.iter().flat_map(|e| [product(&e.from), product(&e.to)]).collect();
    let over = if lots.len() > 1 {
        format!("; {} products are on the way", lots.len())
    } else {
        String::new()
    };
    let nowhere = |text: &str| text.is_empty();
    match asked.direction {
        Direction::Up if nowhere(&origins) => {
            format!("{subject}: its origin is not in the records.")
        }
        Direction::Up => format!("{subject} came from {origins}{over}."),
        Direction::Down if nowhere(&ends) => format!("{subject}: its end is not in the records."),
        Direction::Down => format!("{subject} went to {ends}{over}."),
        Direction::Both => format!("{subject} came from {origins} and went to {ends}{over}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_a_spreadsheet_would_run_are_text() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("@cmd"), "'@cmd");
        assert_eq!(cell("-12.5"), "-12.5");
        assert_eq!(cell("a,\"b\""), "\"a,\"\"b\"\"\"");
    }

    #[test]
    fn the_question_is_read_back_from_its_own_address() {
        let asked = Asked::read(Some("id=%2801%29095&direction=up&sort=-quantity"));
        assert_eq!(
            (asked.id.as_str(), asked.word(), asked.sort.as_str()),
            ("(01)095", "up", "-quantity")
        );
        let again = Asked::read(Some(&asked.query()));
        assert_eq!((again.id, again.direction), (asked.id, asked.direction));
        assert_eq!(Asked::read(Some("direction=sideways")).direction, Direction::Both);
    }
}
