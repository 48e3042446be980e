//! Which events are there? A form over what the index serves, and a table.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use countermark_node::EpcFormat;
use countermark_node::access::Permission;

use super::telling::{self, Told};
use crate::App;
use crate::body::{Form, encode};
use crate::guard::Caller;
use crate::page::{self, Frame};
use crate::page_parts::{Field, Notice};
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

const PER_PAGE: u32 = 50;

pub(crate) fn routes() -> Vec<Route> {
    let doc = Operation::page("Events that match a question");
    vec![Route::get("/app/events", Access::Allowed(Permission::Read), get(show), doc)]
}

/// Fields of the form: name in the page's address, parameter of the query.
const ASKED: [(&str, &str); 6] = [
    ("type", "eventType"),
    ("step", "EQ_bizStep"),
    ("from", "GE_eventTime"),
    ("until", "LT_eventTime"),
    ("place", "EQ_readPoint"),
    ("disposition", "EQ_disposition"),
];

const TYPES: [&str; 5] = [
    "ObjectEvent",
    "AggregationEvent",
    "TransactionEvent",
    "TransformationEvent",
    "AssociationEvent",
];

const STEPS: [&str; 10] = [
    "commissioning",
    "packing",
    "shipping",
    "transporting",
    "receiving",
    "storing",
    "inspecting",
    "retail_selling",
    "decommissioning",
    "destroying",
];

#[derive(Template)]
#[template(path = "events.html")]
struct Page {
    frame: Frame,
    notice: Option<Notice>,
    events: Vec<Told>,
    erased: usize,
    is_asked: bool,
    is_more: bool,
    kind: String,
    step: String,
    id: Field,
    place: Field,
    from: Field,
    until: Field,
    newer: String,
    older: String,
    captures: bool,
}

/// The query of the form's fields. A day stands for its whole; one identifier for lot and item.
fn query(form: &Form) -> String {
    let mut parts = vec![
        "orderBy=eventTime".to_owned(),
        "orderDirection=DESC".to_owned(),
        format!("perPage={PER_PAGE}"),
    ];
    for (field, parameter) in ASKED {
        let Some(value) = form.some(field) else { continue };
        let is_day = value.len() == 10 && matches!(field, "from" | "until");
        let value = if is_day { format!("{value}T00:00:00Z") } else { value.to_owned() };
        parts.push(format!("{parameter}={}", encode(&value)));
    }
    if let Some(id) = form.some("id") {
        let is_class = countermark_epcis::gs1::Identifier::parse(id)
            .is_ok_and(|read| read.get("01").is_some() && read.get("21").is_none());
        let parameter = if is_class { "MATCH_anyEPCClass" } else { "MATCH_anyEPC" };
        parts.push(format!("{parameter}={}", encode(id)));
    }
    if let Some(token) = form.some("page") {
        parts.push(format!("nextPageToken={}", encode(token)));
    }
    parts.join("&")
}

/// The page's own address for the same question.
fn address(form: &Form, page: Option<&str>) -> String {
    let names = ASKED.iter().map(|(name, _)| *name).chain(["id"]);
    let mut parts: Vec<String> = names
        .filter_map(|name| form.some(name).map(|value| format!("{name}={}", encode(value))))
        .collect();
    parts.extend(page.map(|token| format!("page={}", encode(token))));
    if parts.is_empty() {
        "/app/events".to_owned()
    } else {
        format!("/app/events?{}", parts.join("&"))
    }
}

async fn show(
    State(app): State<App>,
    Caller(caller): Caller,
    RawQuery(asked): RawQuery,
) -> Result<Response, Problem> {
    let form = Form::parse(asked.unwrap_or_default().as_bytes());
    let (scope, question) = (caller.scope(), query(&form));
    let found = app
        .run(move |node| {
            let answer = node.events(&scope, &question, EpcFormat::AlwaysGs1DigitalLink)?;
            let names = telling::names(node, &answer.events)?;
            let told: Vec<Told> =
                answer.events.iter().map(|event| telling::tell(event, &names)).collect();
            Ok((told, answer.erased, answer.next_page_token))
        })
        .await;
    let (events, erased, next, refusal) = match found {
        Ok((events, erased, next)) => (events, erased, next, None),
        Err(problem) if problem.status < 500 => (Vec::new(), 0, None, Some(problem)),
        Err(problem) => return Err(problem),
    };
    let text = |name, label| Field::text(name, label).value(form.get(name)).optional();
    let page = Page {
        frame: Frame::new("Events", "events", Some(&caller)),
        notice: refusal.as_ref().map(Notice::refused),
        is_asked: address(&form, None) != "/app/events",
        is_more: next.is_some(),
        kind: form.get("type").to_owned(),
        step: form.get("step").to_owned(),
        id: text("id", "Lot, item or logistic unit"),
        place: text("place", "Place (GLN or Digital Link)"),
        from: text("from", "From").kind("date"),
        until: text("until", "Until, without that day").kind("date"),
        newer: form.some("page").map_or_else(String::new, |_| address(&form, None)),
        older: next.map_or_else(String::new, |token| address(&form, Some(&token))),
        captures: caller.may(Permission::Capture),
        events,
        erased,
    };
    match &refusal {
        None => page::html(&page),
        Some(problem) => page::refused(problem, &page),
    }
}
