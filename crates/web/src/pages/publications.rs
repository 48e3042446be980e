//! What may the public know? Releases and recalls, made from what was recorded, with a preview.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{RawQuery, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use countermark_epcis::gs1::Identifier;
use countermark_node::NodeError;
use countermark_node::access::Permission;
use countermark_node::publications::{
    PUBLICATIONS_PAGE_MAX, PublicClaim, PublicProof, PublicStep, Publications, RecallNotice,
    Release,
};
use countermark_node::trace::{Direction, EdgeKind, Trace};

use super::consumer::{self, path_of, qr};
use crate::App;
use crate::body::{self, Form, encode, pairs};
use crate::guard::Caller;
use crate::lanes::short;
use crate::limits::FORM_BYTES_MAX;
use crate::page::{self, Frame};
use crate::page_parts::Notice;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

/// Labels on one sheet at most.
const LABELS_MAX: usize = 200;
/// Steps and events that are offered for a release at most.
const OFFERED_MAX: usize = 40;
/// Fields that are offered to be disclosed.
const FIELDS: [(&str, &str); 4] = [
    ("/eventTime", "when"),
    ("/bizStep", "what happened"),
    ("/bizLocation/id", "where"),
    ("/epcList", "which items"),
];

pub(crate) fn routes() -> Vec<Route> {
    let may = Access::Allowed(Permission::Publish);
    let page = Operation::page;
    vec![
        Route::get("/app/publications", may, get(list), page("Releases and recalls")),
        Route::post("/app/publications", may, post(put), page("Release or preview")),
        Route::get("/app/publications/new", may, get(form), page("Choose what to release")),
        Route::post("/app/publications/withdraw", may, post(withdraw), page("Withdraw a release")),
        Route::post("/app/publications/recall", may, post(recall), page("Recall goods")),
        Route::post("/app/publications/recall/clear", may, post(clear), page("End a recall")),
        Route::get("/app/publications/labels", may, get(labels), page("A sheet of labels")),
    ]
}

struct Line {
    identifier: String,
    words: String,
    product: String,
    member: String,
    at: String,
    path: String,
    edit: String,
    labels: String,
}

struct RecallLine {
    identifier: String,
    words: String,
    title: String,
    member: String,
    since: String,
    path: String,
}

#[derive(Template)]
#[template(path = "publications.html")]
struct ListPage {
    frame: Frame,
    views: String,
    notice: Option<Notice>,
    lines: Vec<Line>,
    recalls: Vec<RecallLine>,
    members: Vec<String>,
    older: String,
}

fn line(publication: &countermark_node::publications::Publication) -> Line {
    let identifier = publication.release.identifier.clone();
    Line {
        words: short(&identifier),
        product: publication.release.product.clone(),
        member: publication.member.clone(),
        at: publication.released_at.get(..16).unwrap_or_default().replace('T', " "),
        path: path_of(&identifier),
        edit: format!("/app/publications/new?id={}", encode(&identifier)),
        labels: format!("/app/publications/labels?id={}&count=24", encode(&identifier)),
        identifier,
    }
}

async fn shown(
    app: &App,
    caller: &Caller,
    after: Option<String>,
    notice: Option<Notice>,
) -> Result<ListPage, Problem> {
    let answer: (Publications, Vec<String>) = app
        .run(move |node| {
            let listed = node.publications(after.as_deref(), PUBLICATIONS_PAGE_MAX)?;
            let members = node.members()?.into_iter().map(|member| member.name).collect();
            Ok((listed, members))
        })
        .await?;
    let (listed, members) = answer;
    let recall = |recall: &countermark_node::publications::Recall| RecallLine {
        identifier: recall.notice.identifier.clone(),
        words: short(&recall.notice.identifier),
        title: recall.notice.title.clone(),
        member: recall.member.clone(),
        since: recall.since.get(..16).unwrap_or_default().replace('T', " "),
        path: path_of(&recall.notice.identifier),
    };
    let older = listed.next_after.as_deref();
    Ok(ListPage {
        frame: Frame::new("Publications", "publications", Some(&caller.0)),
        views: crate::assets::path("views.css"),
        notice,
        lines: listed.publications.iter().map(line).collect(),
        recalls: listed.recalls.iter().map(recall).collect(),
        members,
        older: older.map_or_else(String::new, |id| format!("?after={}", encode(id))),
    })
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let done = match form.get("done") {
        "released" => Some(Notice::done("Released. Anyone with the code can read it now.")),
        "withdrawn" => Some(Notice::done("Withdrawn. The code shows that nothing is released.")),
        "recalled" => Some(Notice::done("Recalled. The notice stands before everything else.")),
        "cleared" => Some(Notice::done("The recall is ended.")),
        _ => None,
    };
    let after = form.some("after").map(str::to_owned);
    page::html(&shown(&app, &caller, after, done).await?)
}

/// A step, claim or event that could be released.
struct Offer {
    value: String,
    words: String,
    fields: Vec<(String, &'static str)>,
}

#[derive(Template)]
#[template(path = "publication.html")]
struct FormPage {
    frame: Frame,
    views: String,
    notice: Option<Notice>,
    members: Vec<(String, bool)>,
    identifier: String,
    is_known: bool,
    product: String,
    description: String,
    lot: String,
    made: String,
    best_before: String,
    contact: String,
    steps: String,
    claims: String,
    proofs: String,
    offered_steps: Vec<Offer>,
    offered_events: Vec<Offer>,
}

async fn form(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let asked = form.get("id").trim().to_owned();
    let identifier = Identifier::parse(&asked).ok().and_then(|id| id.digital_link());
    let scope = caller.0.scope();
    let wanted = identifier.clone().unwrap_or_default();
    let found = app
        .run(move |node| {
            let known = match node.publication_get(&wanted) {
                Ok(known) => Some(known),
                Err(NodeError::NotFound(_) | NodeError::Usage(_)) => None,
                Err(error) => return Err(error),
            };
            let trace = match node.trace(&scope, &wanted, Direction::Up) {
                Ok(trace) => Some(trace),
                Err(NodeError::NotFound(_)) => None,
                Err(error) => return Err(error),
            };
            let members: Vec<String> = node.members()?.into_iter().map(|m| m.name).collect();
            Ok((known, trace, members))
        })
        .await?;
    let (known, trace, members) = found;
    let owner = known.as_ref().map(|known| known.member.clone());
    let release = known.as_ref().map(|known| &known.release);
    let some = |text: Option<&String>| text.cloned().unwrap_or_default();
    let name = trace.as_ref().and_then(|trace| {
        identifier.as_ref().and_then(|identifier| trace.names.get(identifier)).cloned()
    });
    let page = FormPage {
        frame: Frame::new("Release", "publications", Some(&caller.0)),
        views: crate::assets::path("views.css"),
        notice: None,
        members: members
            .into_iter()
            .map(|member| {
                let is_owner = owner.as_ref() == Some(&member);
                (member, is_owner)
            })
            .collect(),
        is_known: release.is_some(),
        product: release.map(|one| one.product.clone()).or(name).unwrap_or_default(),
        description: some(release.and_then(|one| one.description.as_ref())),
        lot: some(release.and_then(|one| one.lot.as_ref())),
        made: some(release.and_then(|one| one.made.as_ref())),
        best_before: some(release.and_then(|one| one.best_before.as_ref())),
        contact: some(release.and_then(|one| one.contact.as_ref())),
        steps: release.map_or_else(String::new, |one| one.steps.iter().map(step_line).collect()),
        claims: release.map_or_else(String::new, |one| one.claims.iter().map(claim_line).collect()),
        proofs: release.map_or_else(String::new, |one| one.proofs.iter().map(proof_line).collect()),
        offered_steps: trace.as_ref().map_or_else(Vec::new, offered_steps),
        offered_events: trace.as_ref().map_or_else(Vec::new, offered_events),
        identifier: identifier.unwrap_or(asked),
    };
    page::html(&page)
}

fn step_line(step: &PublicStep) -> String {
    let (place, date) = (step.place.as_deref(), step.date.as_deref());
    format!("{} | {} | {}\n", step.what, place.unwrap_or_default(), date.unwrap_or_default())
}

fn claim_line(claim: &PublicClaim) -> String {
    format!("{} | {}\n", claim.text, claim.said_by.as_deref().unwrap_or_default())
}

fn proof_line(proof: &PublicProof) -> String {
    format!("{} | {}\n", proof.event_id, proof.fields.join(" "))
}

/// What was recorded on the way, as steps in public words.
fn offered_steps(trace: &Trace) -> Vec<Offer> {
    let mut seen = BTreeSet::new();
    let mut offers = Vec::new();
    for edge in &trace.edges {
        let what = edge.step.as_deref().unwrap_or(edge.kind.word()).replace('_', " ");
        let site = edge.from_site.as_ref().or(edge.to_site.as_ref());
        let place = site.and_then(|site| trace.names.get(site)).cloned().unwrap_or_default();
        let day = edge.time.get(..10).unwrap_or_default();
        let value = format!("{what} | {place} | {day}");
        if seen.insert(value.clone()) && offers.len() < OFFERED_MAX {
            offers.push(Offer { words: value.clone(), value, fields: Vec::new() });
        }
    }
    offers
}

/// The events on the way, each with the fields that may be disclosed.
fn offered_events(trace: &Trace) -> Vec<Offer> {
    let mut seen = BTreeSet::new();
    let mut offers = Vec::new();
    for edge in &trace.edges {
        let member = match edge.kind {
            EdgeKind::Handover if edge.from_site.is_none() => edge.to_member.as_deref(),
            _ => edge.from_member.as_deref(),
        };
        if edge.event_id.is_empty() || !seen.insert(&edge.event_id) || offers.len() == OFFERED_MAX {
            continue;
        }
        let step = edge.step.as_deref().unwrap_or(edge.kind.word()).replace('_', " ");
        let day = edge.time.get(..10).unwrap_or_default();
        offers.push(Offer {
            words: format!("{step}, {day}, recorded by {}", member.unwrap_or("nobody named")),
            fields: FIELDS
                .iter()
                .map(|(field, words)| (format!("{} | {field}", edge.event_id), *words))
                .collect(),
            value: edge.event_id.clone(),
        });
    }
    offers
}

/// A release as its form sends it: single fields, lines with bars between their parts, and what was
/// ticked.
fn read_release(pairs: &[(String, String)]) -> Release {
    let all = |name: &str| -> Vec<String> {
        let values = pairs.iter().filter(|(key, _)| key == name);
        let lines = values.flat_map(|(_, value)| value.lines().map(str::trim).map(str::to_owned));
        lines.filter(|line| !line.is_empty()).collect()
    };
    let one = |name: &str| {
        let found = pairs.iter().find(|(key, _)| key == name);
        found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let some = |name: &str| Some(one(name)).filter(|value| !value.is_empty());
    let part = |line: &str, at: usize| line.split('|').nth(at).map(|part| part.trim().to_owned());
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let mut proofs: Vec<PublicProof> = Vec::new();
    for line in all("proof") {
        let Some((event, fields)) = line.rsplit_once('|') else {
            proofs.push(PublicProof { event_id: line, fields: Vec::new() });
            continue;
        };
        let event = event.trim();
        let fields = fields.split_whitespace().map(str::to_owned);
        match proofs.iter_mut().find(|proof| proof.event_id == event) {
            Some(proof) => proof.fields.extend(fields),
            None => {
                proofs.push(PublicProof { event_id: event.to_owned(), fields: fields.collect() })
            }
        }
    }
    for proof in &mut proofs {
        let mut seen = BTreeSet::new();
        proof.fields.retain(|field| seen.insert(field.clone()));
    }
    let mut steps: Vec<PublicStep> = all("step")
        .iter()
        .map(|line| PublicStep {
            what: part(line, 0).unwrap_or_default(),
            place: given(part(line, 1)),
            date: given(part(line, 2)),
        })
        .collect();
    // What was ticked stands before what was typed: the journey is told in the order of its days.
    steps.sort_by(|a, b| a.date.cmp(&b.date));
    Release {
        identifier: one("identifier"),
        product: one("product"),
        description: some("description"),
        lot: some("lot"),
        made: some("made"),
        best_before: some("best_before"),
        steps,
        claims: all("claim")
            .iter()
            .map(|line| PublicClaim {
                text: part(line, 0).unwrap_or_default(),
                said_by: given(part(line, 1)),
            })
            .collect(),
        proofs,
        contact: some("contact"),
    }
}

async fn read_pairs(request: Request) -> Result<Vec<(String, String)>, Problem> {
    body::require_type(request.headers(), &["application/x-www-form-urlencoded"])?;
    Ok(pairs(&body::read(request, FORM_BYTES_MAX).await?))
}

fn done(what: &str) -> Response {
    Redirect::to(&format!("/app/publications?done={what}")).into_response()
}

/// The list again, with why what was asked was not done.
async fn not_done(app: &App, caller: &Caller, problem: Problem) -> Result<Response, Problem> {
    if problem.status.ge(&500) {
        return Err(problem);
    }
    let notice = Some(Notice::refused(&problem));
    page::answer(StatusCode::UNPROCESSABLE_ENTITY, &shown(app, caller, None, notice).await?)
}

async fn put(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let pairs = read_pairs(request).await?;
    let release = read_release(&pairs);
    let value = |name: &str| {
        let found = pairs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    let member = value("member");
    if value("action").as_deref() == Some("preview") {
        let previewed =
            app.run(move |node| node.publication_preview(member.as_deref(), release)).await;
        return match previewed {
            Ok(publication) => {
                let identifier = Identifier::parse(&publication.release.identifier);
                let identifier =
                    identifier.map_err(|error| Problem::new("internal", error.to_string()))?;
                consumer::preview(publication, &identifier, &headers)
            }
            Err(problem) => not_done(&app, &caller, problem).await,
        };
    }
    match app.run(move |node| node.publication_put(member.as_deref(), release)).await {
        Ok(_) => Ok(done("released")),
        Err(problem) => not_done(&app, &caller, problem).await,
    }
}

async fn withdraw(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let form = Form::read(request).await?;
    let identifier = form.get("identifier").to_owned();
    match app.run(move |node| node.publication_withdraw(&identifier)).await {
        Ok(()) => Ok(done("withdrawn")),
        Err(problem) => not_done(&app, &caller, problem).await,
    }
}

async fn recall(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let form = Form::read(request).await?;
    let notice = RecallNotice {
        identifier: form.get("identifier").trim().to_owned(),
        title: form.get("title").trim().to_owned(),
        what_to_do: form.get("what_to_do").trim().replace("\r\n", "\n"),
        contact: form.some("contact").map(str::to_owned),
    };
    let member = form.some("member").map(str::to_owned);
    match app.run(move |node| node.recall_set(member.as_deref(), notice)).await {
        Ok(_) => Ok(done("recalled")),
        Err(problem) => not_done(&app, &caller, problem).await,
    }
}

async fn clear(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let form = Form::read(request).await?;
    let identifier = form.get("identifier").to_owned();
    match app.run(move |node| node.recall_clear(&identifier)).await {
        Ok(()) => Ok(done("cleared")),
        Err(problem) => not_done(&app, &caller, problem).await,
    }
}

#[derive(Template)]
#[template(path = "labels.html")]
struct LabelsPage {
    frame: Frame,
    views: String,
    product: String,
    words: String,
    address: String,
    code: String,
    count: usize,
}

async fn labels(State(app): State<App>, caller: Caller, uri: Uri) -> Result<Response, Problem> {
    let form = Form::parse(uri.query().unwrap_or_default().as_bytes());
    let count = form.get("count").parse().unwrap_or(1_usize).clamp(1, LABELS_MAX);
    let id = form.get("id").to_owned();
    let publication = app.run(move |node| node.publication_get(&id)).await?;
    let identifier = &publication.release.identifier;
    let address = qr::address(&app.settings().base_url, &path_of(identifier));
    page::html(&LabelsPage {
        frame: Frame::new("Labels", "publications", Some(&caller.0)),
        views: crate::assets::path("views.css"),
        product: publication.release.product.clone(),
        words: Identifier::parse(identifier)
            .map_or_else(|_| identifier.clone(), |id| id.element_string()),
        code: qr::svg(&address)?,
        address,
        count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_a_release_of_what_was_ticked_and_typed() {
        let body = "identifier=%2801%2909521234543213&product=Salad&step=packed+%7C+Murcia+%7C+2026-03-02\
                    &step=harvested+%7C%7C+2026-03-01%0D%0A&claim=Organic+%7C+Body+A%0ALocal\
                    &proof=urn:x:1+%7C+/eventTime&proof=urn:x:1+%7C+/bizStep+/eventTime&made=&action=preview";
        let release = read_release(&pairs(body.as_bytes()));
        let what: Vec<&str> = release.steps.iter().map(|step| &*step.what).collect();
        assert_eq!(what, ["harvested", "packed"]);
        assert_eq!(release.steps[0].place, None);
        assert_eq!(release.claims[0].said_by.as_deref(), Some("Body A"));
        assert_eq!(release.claims[1].said_by, None);
        assert_eq!(release.proofs.len(), 1);
        assert_eq!(release.proofs[0].fields, ["/eventTime", "/bizStep"]);
        assert_eq!(release.made, None);
    }

    #[test]
    fn an_event_without_fields_stays_without_and_is_refused_later() {
        let release = read_release(&pairs(b"proof=urn:x:1"));
        assert_eq!(release.proofs[0].fields, [] as [String; 0]);
    }
}
