//! What comes in: capture jobs, single events, imports, and what was found in them.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use countermark_epcis::json::{self, Json};
use countermark_node::access::Permission;
use countermark_node::jobs::{JobState, JobsQuery, NewJob, Reading};
use countermark_node::{CaptureReport, InputFile, Silent};
use serde::Serialize;

use super::{
    Path, Query, first_byte, header_text, json as answer, json_as, linked, located, no_value,
};
use crate::App;
use crate::body;
use crate::guard::Caller;
use crate::limits::{DOCUMENT_BYTES_MAX, EVENT_BYTES_MAX};
use crate::problem::Problem;
use crate::route::{Access, Operation, Route, Shape};

const EPCIS: &[&str] = &["application/json", "application/ld+json"];
const JSON: &[&str] = crate::operation::JSON;
const ANY: &[&str] = &["application/octet-stream"];
const MEMBER: &str = "Name of the member to record for; without it the caller's own, or the first";
const NAME: &str = "Name of the document, for people";
const LENIENT: &str = "Whether what can be read without doubt is taken though it breaks a rule";
const BEHAVIOUR: &str = "GS1-Capture-Error-Behaviour";

pub(super) fn routes() -> Vec<Route> {
    let capture = Access::Allowed(Permission::Capture);
    let read = Access::Allowed(Permission::Read);
    vec![
        Route::post("/capture", capture, post(submit), submit_doc()),
        Route::get("/capture", read, get(jobs), jobs_doc()),
        Route::get("/capture/{captureID}", read, get(job), job_doc()),
        Route::post("/events", capture, post(one_event), one_event_doc()),
        Route::post("/validate", capture, post(validate), validate_doc()),
        Route::post("/import", capture, post(import), import_doc()),
        Route::get("/mappings", read, get(mappings), mappings_doc()),
        Route::get("/findings", read, get(findings), findings_doc()),
        Route::get("/quarantine", read, get(quarantine), quarantine_doc()),
    ]
}

fn submit_doc() -> Operation {
    Operation::api("captureDocument", "Submit an EPCIS document")
        .detail(
            "The document is kept, sealed, before the answer; a capture job records it. It is \
             taken whole or not at all.",
        )
        .query("member", Shape::Text, MEMBER)
        .query("name", Shape::Text, NAME)
        .query("lenient", Shape::Flag, LENIENT)
        .header(
            BEHAVIOUR,
            Shape::OneOf(&["rollback", "proceed"]),
            "Only rollback is served: a document is taken whole or not at all",
        )
        .takes(EPCIS, Shape::Schema("epcis-input"))
        .gives(202, JSON, Shape::Schema("job"), "The job that records it")
        .with("Location", "Path of the job")
        .refuses(&[422])
}

fn jobs_doc() -> Operation {
    Operation::api("listCaptureJobs", "Capture jobs, newest first")
        .query(
            "perPage",
            Shape::Number,
            "How many at most; 30 where it is not given, 1,000 at most",
        )
        .query("nextPageToken", Shape::Text, "Where to go on, from `Link`")
        .query("state", Shape::OneOf(&["queued", "running", "finished"]), "Only those in a state")
        .query("success", Shape::Flag, "Only those that went well, or did not")
        .gives(200, JSON, Shape::ListOf("job"), "The jobs, without errors and report")
        .with("Link", "The next page, where there is one")
}

fn job_doc() -> Operation {
    Operation::api("getCaptureJob", "A capture job, with what became of its document")
        .path("captureID", Shape::Text, "Id of the job")
        .gives(200, JSON, Shape::Schema("job"), "The job")
}

fn one_event_doc() -> Operation {
    Operation::api("captureEvent", "Record one event")
        .detail("It is on the ledger when the answer comes.")
        .query("member", Shape::Text, MEMBER)
        .query("lenient", Shape::Flag, LENIENT)
        .takes(EPCIS, Shape::Schema("epcis-input"))
        .gives(201, JSON, Shape::Schema("event-id"), "It is recorded")
        .with("Location", "Path of the event")
        .gives(200, JSON, Shape::Schema("event-id"), "The same event was recorded before")
        .with("Location", "Path of the event")
        .refuses(&[404, 409, 422])
}

fn validate_doc() -> Operation {
    Operation::api("validateDocument", "Check an EPCIS document; nothing is stored")
        .query("lenient", Shape::Flag, LENIENT)
        .takes(EPCIS, Shape::Bytes)
        .gives(200, JSON, Shape::Schema("validity"), "The document with what is found in it")
}

fn import_doc() -> Operation {
    Operation::api("importDocument", "Submit a foreign document, read through a mapping")
        .needs("mapping", Shape::Text, "Name of the mapping")
        .query("member", Shape::Text, MEMBER)
        .query("name", Shape::Text, NAME)
        .query("dryRun", Shape::Flag, "Whether only to show what it would become")
        .takes(ANY, Shape::Bytes)
        .gives(202, JSON, Shape::Schema("job"), "The job that records it")
        .with("Location", "Path of the job")
        .gives(200, JSON, Shape::Schema("preview"), "What it would become; nothing is stored")
}

fn mappings_doc() -> Operation {
    Operation::api("listMappings", "The mappings that foreign documents are read through").gives(
        200,
        JSON,
        Shape::Schema("mapping-list"),
        "The mappings",
    )
}

fn findings_doc() -> Operation {
    Operation::api("listFindings", "What was found in the documents of capture jobs")
        .query("perPage", Shape::Number, "Of how many jobs; 30 where it is not given")
        .query("nextPageToken", Shape::Text, "Where to go on, from `Link`")
        .query("success", Shape::Flag, "Only jobs that went well, or did not")
        .gives(200, JSON, Shape::ListOf("job-finding"), "The findings, of the newest job first")
        .with("Link", "The next page, where there is one")
}

fn quarantine_doc() -> Operation {
    Operation::api("listQuarantine", "Values of documents that nobody knows").gives(
        200,
        JSON,
        Shape::Schema("quarantine"),
        "What waits",
    )
}

/// A document is taken whole or not at all; who asks for something else is told so.
fn check_behaviour(headers: &HeaderMap) -> Result<(), Problem> {
    match header_text(headers, BEHAVIOUR)? {
        None | Some("rollback") => Ok(()),
        Some("proceed") => {
            let what = "this node does not serve GS1-Capture-Error-Behaviour: proceed; a document \
                        is taken whole or not at all";
            Err(Problem::new("bad-request", what).hint("send `rollback`, or leave the header out"))
        }
        Some(other) => {
            let what = format!("{BEHAVIOUR}: \"{other}\" is neither rollback nor proceed");
            Err(Problem::new("bad-request", what))
        }
    }
}

async fn submit(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    let query = Query::read(&uri, &["member", "name", "lenient"])?;
    check_behaviour(request.headers())?;
    body::require_type(request.headers(), EPCIS)?;
    let reading = Reading::Capture { lenient: query.flag("lenient")?.unwrap_or(false) };
    let name = query.text("name").unwrap_or_else(|| "capture.json".to_owned());
    let bytes = body::read(request, DOCUMENT_BYTES_MAX).await?;
    not_empty(&bytes)?;
    // What cannot be an EPCIS document at all is not worth a job.
    if !matches!(first_byte(&bytes), Some(b'{' | b'[')) {
        let what = "an EPCIS document in JSON begins with { or [";
        return Err(Problem::new("invalid", what).at("", "json.syntax"));
    }
    let (member, file) = (query.text("member"), InputFile { name, bytes });
    let new = NewJob { member, reading, file };
    let job = app.run(move |node| node.job_submit(&caller, new)).await?;
    Ok(located(json_as(StatusCode::ACCEPTED, &job)?, &["capture", &job.id]))
}

fn not_empty(bytes: &[u8]) -> Result<(), Problem> {
    if bytes.is_empty() {
        return Err(Problem::new("bad-request", "the body is empty: the document is missing"));
    }
    Ok(())
}

fn jobs_query(query: &Query) -> Result<JobsQuery, Problem> {
    let state = match query.get("state") {
        None => None,
        Some("queued") => Some(JobState::Queued),
        Some("running") => Some(JobState::Running),
        Some("finished") => Some(JobState::Finished),
        Some(other) => return Err(no_value("state", other, "queued, running or finished")),
    };
    Ok(JobsQuery {
        state,
        success: query.flag("success")?,
        per_page: query.number("perPage")?.unwrap_or(0),
        next_page_token: query.text("nextPageToken"),
    })
}

async fn jobs(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = Query::read(&uri, &["perPage", "nextPageToken", "state", "success"])?;
    let query = jobs_query(&query)?;
    let page = app.run(move |node| node.jobs(&caller.scope(), &query)).await?;
    Ok(linked(answer(&page.jobs)?, &uri, page.next_page_token.as_deref()))
}

async fn job(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    answer(&app.run(move |node| node.job(&caller.scope(), &id)).await?)
}

/// The id of an event that was recorded.
#[derive(Serialize)]
struct EventId<'a> {
    #[serde(rename = "eventID")]
    event_id: &'a str,
}

async fn one_event(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    let query = Query::read(&uri, &["member", "lenient"])?;
    body::require_type(request.headers(), EPCIS)?;
    let (member, lenient) = (query.text("member"), query.flag("lenient")?.unwrap_or(false));
    let bytes = body::read(request, EVENT_BYTES_MAX).await?;
    one_only(&bytes)?;
    let files = [InputFile { name: "event.json".to_owned(), bytes }];
    let report = app
        .run(move |node| node.capture_by(&caller, member.as_deref(), &files, lenient, &Silent))
        .await?;
    recorded(report)
}

/// Refuses documents and lists: their way is `/capture`.
fn one_only(bytes: &[u8]) -> Result<(), Problem> {
    let unreadable = |error: json::JsonError| {
        Problem::new("invalid", format!("this is no JSON: {error}")).at("", "json.syntax")
    };
    let value = json::parse(bytes).map_err(unreadable)?;
    let kind = value.get("type").and_then(Json::as_str).unwrap_or_default();
    if value.as_object().is_none() || kind.ends_with("Document") {
        let what = "one event is taken here: an object whose type is an event's";
        return Err(Problem::new("invalid", what)
            .at("", "event.single")
            .hint("send documents to /capture"));
    }
    Ok(())
}

fn recorded(report: CaptureReport) -> Result<Response, Problem> {
    if let Some(error) = report.failed {
        return Err(error.into());
    }
    if !report.rejected.is_empty() {
        let findings: Vec<_> = report.rejected.into_iter().map(|(_, finding)| finding).collect();
        let is_known = findings.iter().any(|finding| finding.rule == "event.known");
        let name = if is_known { "conflict" } else { "invalid" };
        return Err(Problem::of_findings(name, &findings));
    }
    let done = report.accepted.first().map(|id| (StatusCode::CREATED, id));
    let before = report.duplicates.first().map(|id| (StatusCode::OK, id));
    match done.or(before) {
        Some((status, event_id)) => {
            Ok(located(json_as(status, &EventId { event_id })?, &["events", event_id]))
        }
        // Its record is there, but its id was erased.
        None => {
            let findings: Vec<_> = report.findings.into_iter().map(|(_, one)| one).collect();
            Err(Problem::of_findings("conflict", &findings))
        }
    }
}

/// A document with what is found in it: the shape of `validate --json`, and the document.
#[derive(Serialize)]
struct Checked {
    valid: bool,
    events: u64,
    findings: Vec<countermark_epcis::Finding>,
    /// As it was sent; null where it is no JSON.
    document: Option<Json>,
}

async fn validate(State(app): State<App>, uri: Uri, request: Request) -> Result<Response, Problem> {
    let query = Query::read(&uri, &["lenient"])?;
    body::require_type(request.headers(), EPCIS)?;
    let lenient = query.flag("lenient")?.unwrap_or(false);
    let bytes = body::read(request, DOCUMENT_BYTES_MAX).await?;
    not_empty(&bytes)?;
    let checked = app
        .run(move |_| {
            let validity = countermark_node::validate::validate(&bytes, lenient);
            Ok(Checked {
                valid: validity.valid,
                events: validity.events,
                findings: validity.findings,
                document: json::parse(&bytes).ok(),
            })
        })
        .await?;
    answer(&checked)
}

async fn import(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    let query = Query::read(&uri, &["mapping", "member", "name", "dryRun"])?;
    let mapping = query.needs("mapping")?;
    let is_dry = query.flag("dryRun")?.unwrap_or(false);
    let name = query.text("name").unwrap_or_else(|| "import".to_owned());
    let member = query.text("member");
    let bytes = body::read(request, DOCUMENT_BYTES_MAX).await?;
    not_empty(&bytes)?;
    let file = InputFile { name, bytes };
    if is_dry {
        let preview = app
            .run(move |node| {
                let mapping = node.mapping(&mapping)?;
                node.import_preview(&caller, member.as_deref(), &mapping, &file)
            })
            .await?;
        return answer(&preview);
    }
    let new = NewJob { member, reading: Reading::Import { mapping }, file };
    let job = app.run(move |node| node.job_submit(&caller, new)).await?;
    Ok(located(json_as(StatusCode::ACCEPTED, &job)?, &["capture", &job.id]))
}

async fn mappings(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    answer(&app.run(|node| node.mappings()).await?)
}

async fn findings(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = jobs_query(&Query::read(&uri, &["perPage", "nextPageToken", "success"])?)?;
    let page = app.run(move |node| node.findings(&caller.scope(), &query)).await?;
    Ok(linked(answer(&page.findings)?, &uri, page.next_page_token.as_deref()))
}

async fn quarantine(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    answer(&app.run(move |node| node.quarantine(&caller.scope())).await?)
}
