//! What is there: events, traces, documents.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use countermark_epcis::json::Json;
use countermark_node::EpcFormat;
use countermark_node::access::Permission;
use countermark_node::trace::Direction;

use super::{Path, Query, file, header_text, json, json_as, linked, located, no_value};
use crate::App;
use crate::body::{self, encode, pairs};
use crate::guard::Caller;
use crate::limits::{DOCUMENT_BYTES_MAX, PARAMETERS_MAX};
use crate::problem::Problem;
use crate::route::{Access, Operation, Route, Shape};

const JSON: &[&str] = crate::operation::JSON;
const ANY: &[&str] = &["application/octet-stream"];
const FORMAT: &str = "GS1-EPC-Format";
const FORMATS: Shape = Shape::OneOf(&[
    "Always_GS1_Digital_Link",
    "Always_EPC_URN",
    "Never_Translates",
    "No_Preference",
]);
const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";

pub(super) fn routes() -> Vec<Route> {
    let read = Access::Allowed(Permission::Read);
    vec![
        Route::get("/events", read, get(events), events_doc()),
        Route::get("/events/{eventID}", read, get(event), event_doc()),
        Route::get("/trace", read, get(trace), trace_doc()),
        Route::post("/documents", Access::Allowed(Permission::Capture), post(keep), keep_doc()),
        Route::get(
            "/documents",
            read,
            get(documents),
            Operation::api("listDocuments", "The documents that are kept").gives(
                200,
                JSON,
                Shape::Schema("document-list"),
                "The documents, oldest first",
            ),
        ),
        Route::get(
            "/documents/{documentID}",
            Access::Allowed(Permission::Prove),
            get(document),
            Operation::api("getDocument", "The content of a kept document")
                .path("documentID", Shape::Text, "Id of the document")
                .gives(200, ANY, Shape::Bytes, "The content"),
        ),
    ]
}

fn events_doc() -> Operation {
    Operation::api("queryEvents", "Events that answer an EPCIS simple event query")
        .detail("Further query parameters are those of docs/reference/query.md.")
        .query("perPage", Shape::Number, "How many at most")
        .query("nextPageToken", Shape::Text, "Where to go on, from `Link`")
        .query("eventType", Shape::Text, "Only events of a type")
        .query("EQ_bizStep", Shape::Text, "Only events of a business step")
        .query("MATCH_anyEPC", Shape::Text, "Only events about an instance")
        .query("MATCH_anyEPCClass", Shape::Text, "Only events about a lot or class")
        .takes_more()
        .header(FORMAT, FORMATS, "The form of identifiers in the answer")
        .gives(200, JSON, Shape::Schema("event-query"), "An EPCIS query document")
        .with("Link", "The next page, where there is one")
        .with("Countermark-Erased", "How many matching records are no events any more")
}

fn event_doc() -> Operation {
    Operation::api("getEvent", "One event")
        .path("eventID", Shape::Text, "Id of the event, or of its record")
        .header(FORMAT, FORMATS, "The form of identifiers in the answer")
        .gives(200, JSON, Shape::Schema("event"), "The event, as captured")
        .refuses(&[409])
}

fn trace_doc() -> Operation {
    Operation::api("trace", "Where an item or a lot came from and where it went")
        .needs("id", Shape::Text, "Digital Link, EPC URN or element string")
        .query("direction", Shape::OneOf(&["up", "down", "both"]), "Which way; up without it")
        .gives(200, JSON, Shape::Schema("trace"), "The trace, with what could not be learnt")
        .refuses(&[404])
}

fn keep_doc() -> Operation {
    Operation::api("keepDocument", "Keep a document and state its salted digest")
        .needs("name", Shape::Text, "Name of the document")
        .query("member", Shape::Text, "Name of the member that keeps it")
        .takes(ANY, Shape::Bytes)
        .gives(201, JSON, Shape::Schema("document"), "It is kept")
        .with("Location", "Path of the document")
        .refuses(&[404, 409])
}

fn format_of(headers: &HeaderMap) -> Result<EpcFormat, Problem> {
    let Some(text) = header_text(headers, FORMAT)? else { return Ok(EpcFormat::default()) };
    EpcFormat::from_name(text).ok_or_else(|| {
        let known: Vec<&str> = EpcFormat::ALL.iter().map(|format| format.as_str()).collect();
        let what = format!("{FORMAT}: \"{text}\" is none of its values");
        Problem::new("bad-request", what).hint(format!("send one of {}", known.join(", ")))
    })
}

/// Says which versions and form an EPCIS answer has.
fn epcis(mut response: Response, format: EpcFormat) -> Response {
    let headers = response.headers_mut();
    headers.insert("gs1-epcis-version", HeaderValue::from_static("2.0"));
    headers.insert("gs1-cbv-version", HeaderValue::from_static("2.0"));
    headers.insert("gs1-epc-format", HeaderValue::from_static(format.as_str()));
    response
}

/// An EPCIS query document around events.
fn query_document(events: Vec<Json>, now: String) -> Json {
    let object = |members: Vec<(&str, Json)>| {
        let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
        Json::Object(members.collect())
    };
    let results = object(vec![
        ("queryName", Json::string("SimpleEventQuery")),
        ("resultsBody", object(vec![("eventList", Json::Array(events))])),
    ]);
    object(vec![
        ("@context", Json::Array(vec![Json::string(CONTEXT)])),
        ("type", Json::string("EPCISQueryDocument")),
        ("schemaVersion", Json::string("2.0")),
        ("creationDate", Json::string(now)),
        ("epcisBody", object(vec![("queryResults", results)])),
    ])
}

async fn events(
    State(app): State<App>,
    Caller(caller): Caller,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let format = format_of(&headers)?;
    // In one spelling: the query's own reader takes a plus sign as itself.
    let pairs = pairs(uri.query().unwrap_or_default().as_bytes());
    if pairs.len() > PARAMETERS_MAX {
        let what = format!("more than {PARAMETERS_MAX} query parameters");
        return Err(Problem::new("bad-request", what));
    }
    let spelt = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    let query = spelt.collect::<Vec<_>>().join("&");
    let (found, now) = app
        .run(move |node| Ok((node.events(&caller.scope(), &query, format)?, node.now())))
        .await?;
    let next = found.next_page_token;
    let mut response = json(&query_document(found.events, now))?;
    if found.erased > 0 {
        response.headers_mut().insert("countermark-erased", HeaderValue::from(found.erased));
    }
    Ok(linked(epcis(response, format), &uri, next.as_deref()))
}

async fn event(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let format = format_of(&headers)?;
    let event = app.run(move |node| node.events_one(&caller.scope(), &id, format)).await?;
    Ok(epcis(json(&event)?, format))
}

async fn trace(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = Query::read(&uri, &["id", "direction"])?;
    let direction = match query.get("direction") {
        None | Some("up") => Direction::Up,
        Some("down") => Direction::Down,
        Some("both") => Direction::Both,
        Some(other) => return Err(no_value("direction", other, "up, down or both")),
    };
    let id = query.needs("id")?;
    json(&app.run(move |node| node.trace(&caller.scope(), &id, direction)).await?)
}

async fn keep(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    let query = Query::read(&uri, &["name", "member"])?;
    let (name, member) = (query.needs("name")?, query.text("member"));
    let bytes = body::read(request, DOCUMENT_BYTES_MAX).await?;
    if bytes.is_empty() {
        return Err(Problem::new("bad-request", "the body is empty: the document is missing"));
    }
    let kept = app
        .run(move |node| {
            let member = node.acting_member(&caller.scope(), member.as_deref())?;
            node.document(Some(&member), &name, &bytes)
        })
        .await?;
    Ok(located(json_as(StatusCode::CREATED, &kept)?, &["documents", &kept.id]))
}

async fn documents(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    json(&app.run(move |node| node.documents(&caller.scope())).await?)
}

async fn document(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let found = app.run(move |node| node.document_content(&caller.scope(), &id)).await?;
    let (name, bytes) = found;
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    Ok(file("application/octet-stream", &last, bytes))
}
