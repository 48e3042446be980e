//! Importing a file: look at what would come of it, repair what is missing, then let it in.
//!
//! The document waits sealed at the node as a draft; no form carries it.

use askama::Template;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use countermark_node::access::{Permission, Principal};
use countermark_node::drafts::{DRAFT_BYTES_MAX, Draft, STEPS, Table};
use countermark_node::jobs::Job;
use countermark_node::{InputFile, Node, NodeError, Preview};
use serde::Deserialize;

use super::columns::{self, Columns};
use super::documents::{acting_for, attachment};
use super::repair::{self, Unknown};
use super::telling::{self, Told};
use super::upload::Upload;
use super::{Done, see_other};
use crate::App;
use crate::body::Form;
use crate::guard::Caller;
use crate::page::{self, Frame};
use crate::page_parts::{Finding, Notice};
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

/// Findings of one rule that are shown; the others are counted.
const SHOWN_MAX: usize = 5;
/// Events that a preview shows.
const EVENTS_SHOWN: usize = 20;

pub(crate) fn routes() -> Vec<Route> {
    let doc = Operation::page;
    let capture = Access::Allowed(Permission::Capture);
    let read = Access::Allowed(Permission::Read);
    let bring = post(bring).layer(DefaultBodyLimit::disable());
    let draft = "/app/import/draft/{draft}";
    vec![
        Route::get("/app/import", capture, get(choose), doc("Choose a file to import")),
        Route::post("/app/import", capture, bring, doc("Bring a file")),
        Route::get(draft, capture, get(look), doc("What would come of a file")),
        Route::post(draft, capture, post(act), doc("Repair a file, or let it in")),
        Route::get("/app/import/{job}", read, get(result), doc("What became of a file")),
        Route::get(
            "/app/import/draft/{draft}/left-out",
            capture,
            get(left_out),
            doc("Rows left out"),
        ),
    ]
}

#[derive(Template)]
#[template(path = "import.html")]
struct ChoosePage {
    frame: Frame,
    notice: Option<Notice>,
    members: Vec<String>,
    drafts: Vec<Draft>,
}

async fn choose_page(
    app: &App,
    caller: &Principal,
    notice: Option<Notice>,
) -> Result<ChoosePage, Problem> {
    let by = caller.clone();
    let (members, mut drafts) =
        app.run(move |node| Ok((acting_for(node, &by)?, node.drafts(&by.scope())?))).await?;
    drafts.retain(|draft| draft.job.is_none());
    Ok(ChoosePage { frame: Frame::new("Import", "import", Some(caller)), notice, members, drafts })
}

async fn choose(State(app): State<App>, Caller(caller): Caller) -> Result<Response, Problem> {
    page::html(&choose_page(&app, &caller, None).await?)
}

async fn bring(
    State(app): State<App>,
    Caller(caller): Caller,
    request: Request,
) -> Result<Response, Problem> {
    let kept = match Upload::read(request, DRAFT_BYTES_MAX).await {
        Err(problem) => Err(problem),
        Ok(upload) => {
            let by = caller.clone();
            app.run(move |node| {
                let member = upload.form.some("member").map(ToOwned::to_owned);
                let file = InputFile { name: upload.name, bytes: upload.bytes };
                let draft = node.draft_add(&by, member.as_deref(), &file)?;
                let guessed = guess(node, &by, &draft.member, &file)?;
                node.draft_read_by(&by.scope(), &draft.id, guessed.as_deref())?;
                Ok(draft.id)
            })
            .await
        }
    };
    match kept {
        Ok(id) => Ok(see_other(&format!("/app/import/draft/{id}"))),
        Err(problem) => {
            let page = choose_page(&app, &caller, Some(Notice::refused(&problem))).await?;
            page::refused(&problem, &page)
        }
    }
}

/// The mapping that a file seems to be for; none where it is an EPCIS document, or nobody knows.
fn guess(
    node: &Node,
    by: &Principal,
    member: &str,
    file: &InputFile,
) -> Result<Option<String>, NodeError> {
    if is_epcis(&file.bytes) {
        return Ok(None);
    }
    Ok(node.mapping_guess(by, Some(member), file)?.into_iter().next())
}

fn is_epcis(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(bytes.get(..4096).unwrap_or(bytes));
    head.trim_start_matches('\u{feff}').trim_start().starts_with('{')
        && (head.contains("EPCISDocument") || head.contains("epcis-context"))
}

/// Findings of one rule: what they have in common is said once.
struct Group {
    rule: String,
    count: usize,
    hint: String,
    first: Vec<Finding>,
    is_error: bool,
}

fn grouped(file: &str, preview: &Preview) -> Vec<Group> {
    let errors = preview.rejected.iter().map(|finding| (true, finding));
    let noticed = preview.findings.iter().map(|finding| (false, finding));
    let mut groups: Vec<Group> = Vec::new();
    for (is_error, found) in errors.chain(noticed) {
        let finding = Finding::of(file, found);
        let known = groups.iter_mut().find(|group| {
            group.rule == finding.rule && group.hint == finding.hint && group.is_error == is_error
        });
        match known {
            Some(group) => {
                group.count += 1;
                if group.first.len() < SHOWN_MAX {
                    group.first.push(finding);
                }
            }
            None => groups.push(Group {
                rule: finding.rule.clone(),
                count: 1,
                hint: finding.hint.clone(),
                first: vec![finding],
                is_error,
            }),
        }
    }
    groups
}

#[derive(Template)]
#[template(path = "import-look.html")]
struct LookPage {
    frame: Frame,
    notice: Option<Notice>,
    draft: Draft,
    reading: String,
    mappings: Vec<String>,
    preview: Preview,
    /// Whether anything reads the file.
    is_read: bool,
    events: Vec<Told>,
    more_events: u64,
    groups: Vec<Group>,
    unknown: Vec<Unknown>,
    wrong_rows: usize,
    columns: Option<Columns>,
}

struct Looked {
    draft: Draft,
    preview: Preview,
    is_read: bool,
    events: Vec<Told>,
    mappings: Vec<String>,
    columns: Option<Columns>,
    unknown: Vec<Unknown>,
}

fn look_at(node: &Node, by: &Principal, id: &str) -> Result<Looked, NodeError> {
    let scope = by.scope();
    let draft = node.draft(&scope, id)?;
    let file = node.draft_file(&scope, id)?;
    let is_epcis = is_epcis(&file.bytes);
    let is_read = draft.mapping.is_some() || is_epcis;
    let preview = if is_read { node.draft_preview(by, id)? } else { Preview::default() };
    let names = telling::names(node, &preview.events)?;
    let told = preview.events.iter().take(EVENTS_SHOWN);
    let events = told.map(|event| telling::tell(event, &names)).collect();
    let own = node.own_mappings(&scope, Some(&draft.member))?;
    let mut mappings: Vec<String> = own.iter().map(|one| one.name.clone()).collect();
    mappings.extend(node.shipped_mappings()?);
    // Whoever reads an EPCIS document or a message of a known standard has no columns to choose.
    let table = if is_epcis { None } else { Table::read(&file.bytes).ok() };
    let table = table.filter(|table| table.headers.len() > 1);
    let columns = match table {
        None => None,
        Some(table) => Some(columns::form(node, by, &draft, table, &own)?),
    };
    let unknown = repair::unknown(&preview);
    Ok(Looked { draft, preview, is_read, events, mappings, columns, unknown })
}

async fn look_page(
    app: &App,
    caller: &Principal,
    id: &str,
    notice: Option<Notice>,
) -> Result<LookPage, Problem> {
    let (by, id) = (caller.clone(), id.to_owned());
    let looked = app.run(move |node| look_at(node, &by, &id)).await?;
    let Looked { draft, preview, is_read, events, mappings, columns, unknown } = looked;
    let places = preview.rejected.iter().map(|finding| &finding.pointer);
    let places = places.chain(preview.quarantined.iter().map(|held| &held.place));
    let mut rows: Vec<usize> =
        places.filter_map(|place| columns::row_of(place)).filter(|row| *row > 1).collect();
    rows.sort_unstable();
    rows.dedup();
    let reading = match (&draft.mapping, is_read) {
        (Some(mapping), _) => format!("through the mapping {mapping}"),
        (None, true) => "as an EPCIS document".to_owned(),
        (None, false) => "not at all yet".to_owned(),
    };
    Ok(LookPage {
        frame: Frame::new(format!("Import {}", draft.file), "import", Some(caller)),
        notice,
        groups: grouped("", &preview),
        more_events: preview.total.saturating_sub(events.len() as u64),
        wrong_rows: if columns.is_some() { rows.len() } else { 0 },
        draft,
        reading,
        mappings,
        preview,
        is_read,
        events,
        unknown,
        columns,
    })
}

const DONE: [(&str, &str); 5] = [
    ("read", "The file is read so; below is what would come of it."),
    (
        "columns",
        "The columns are kept under their name for the next file; below is what would come of this one.",
    ),
    ("known", "It is known now, here and for every file to come."),
    ("left", "The rows that were wrong are left out; you can download them below."),
    ("nothing", "Nothing was to be done."),
];

async fn look(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response, Problem> {
    page::html(&look_page(&app, &caller, &id, done.notice(&DONE)).await?)
}

async fn act(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let form = Form::read(request).await?;
    let (by, draft) = (caller.clone(), id.clone());
    match app.run(move |node| change(node, &by, &draft, &form)).await {
        Ok(place) => Ok(see_other(&place)),
        Err(problem) => {
            let page = look_page(&app, &caller, &id, Some(Notice::refused(&problem))).await?;
            page::refused(&problem, &page)
        }
    }
}

/// Does what a form asks; gives the page to go on with.
fn change(node: &Node, by: &Principal, id: &str, form: &Form) -> Result<String, NodeError> {
    let scope = by.scope();
    let here = |word: &str| format!("/app/import/draft/{id}?done={word}");
    match form.get("do") {
        "read" => {
            node.draft_read_by(&scope, id, form.some("mapping"))?;
            Ok(here("read"))
        }
        "columns" => {
            let draft = node.draft(&scope, id)?;
            let (name, map) = columns::chosen(form);
            node.own_mapping_put(&scope, Some(&draft.member), &name, &map)?;
            node.draft_read_by(&scope, id, Some(&name))?;
            Ok(here("columns"))
        }
        "party" | "item" => {
            let draft = node.draft(&scope, id)?;
            repair::add(node, by, &draft, form)?;
            Ok(here("known"))
        }
        "leave-out" => node.draft_leave_out(by, id).map(|_| here("left")),
        "let-in" => node.draft_submit(by, id).map(|job| format!("/app/import/{}", job.id)),
        "forget" => {
            node.draft_remove(&scope, id)?;
            Ok("/app/import".to_owned())
        }
        _ => Ok(here("nothing")),
    }
}

async fn left_out(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let scope = caller.scope();
    let (name, bytes) = app
        .run(move |node| {
            let draft = node.draft(&scope, &id)?;
            Ok((format!("left-out-{}", draft.file), node.draft_left_out(&scope, &id)?))
        })
        .await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, attachment(&name)),
    ];
    Ok((headers, bytes).into_response())
}

#[derive(Template)]
#[template(path = "import-result.html")]
struct ResultPage {
    frame: Frame,
    job: Job,
    findings: Vec<Finding>,
    /// Where the rows are that were left out before.
    left: Option<Draft>,
    captures: bool,
}

#[derive(Deserialize)]
struct Nothing {}

async fn result(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Response, Problem> {
    let scope = caller.scope();
    let (job, left) = app
        .run(move |node| {
            let job = node.job(&scope, &id)?;
            let is_of = |draft: &Draft| draft.job.as_ref() == Some(&job.id) && draft.left_out > 0;
            let left = node.drafts(&scope)?.into_iter().find(is_of);
            Ok((job, left))
        })
        .await?;
    let findings = job.report.iter().flat_map(|report| {
        let all = report.rejected.iter().chain(&report.findings);
        all.map(|(_, finding)| Finding::of("", finding))
    });
    let title = match (job.running, job.success) {
        (true, _) => format!("{} is being taken", job.file),
        (false, true) => format!("{} is in", job.file),
        (false, false) => format!("{} was not taken", job.file),
    };
    page::html(&ResultPage {
        frame: Frame::new(title, "import", Some(&caller)),
        findings: findings.collect(),
        left,
        captures: caller.may(Permission::Capture),
        job,
    })
}
