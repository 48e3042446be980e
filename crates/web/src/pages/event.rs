//! One event: what it says, who vouches for it, what is held of it, and what can be done with it.

use askama::Template;
use axum::extract::{Path, Query, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use countermark_epcis::json::Json;
use countermark_node::access::Permission;
use countermark_node::explore::{ClassDetail, RecordDetail};
use countermark_node::{EpcFormat, ErasureReason, Node, NodeError, Scope};

use super::telling::{self, Told};
use super::{Done, see_other};
use crate::App;
use crate::body::{Form, encode};
use crate::guard::Caller;
use crate::page::{self, Frame};
use crate::page_parts::Notice;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

pub(crate) fn routes() -> Vec<Route> {
    let doc = Operation::page;
    let read = Access::Allowed(Permission::Read);
    let erase = Access::Allowed(Permission::Erase);
    let capture = Access::Allowed(Permission::Capture);
    vec![
        Route::get("/app/events/{event}", read, get(show), doc("One event")),
        Route::post("/app/events/{event}/erase", erase, post(erased), doc("Erase values")),
        Route::post(
            "/app/events/{event}/endorse",
            capture,
            post(endorsed),
            doc("Endorse a record"),
        ),
    ]
}

struct Value {
    name: String,
    text: String,
    is_tree: bool,
}

struct Class {
    name: String,
    digest: String,
    state: &'static str,
    values: Vec<Value>,
}

#[derive(Template)]
#[template(path = "event.html")]
struct Page {
    frame: Frame,
    notice: Option<Notice>,
    /// As the path names it: an event id, or a record id where that is erased.
    path_id: String,
    sentence: String,
    told: Option<Told>,
    trace: Option<String>,
    detail: RecordDetail,
    /// Classes that hold something, or did.
    classes: Vec<Class>,
    empty: Vec<String>,
    fields: Vec<(String, String)>,
    endorsers: Vec<String>,
    proves: bool,
    erases: bool,
    captures: bool,
    ledger: bool,
    json: Option<String>,
}

const DONE: [(&str, &str); 2] = [
    ("erased", "What was chosen is erased here for good; its digests stay on the ledger."),
    ("endorsed", "The record is endorsed."),
];

struct Looked {
    detail: RecordDetail,
    event: Option<Json>,
    told: Option<Told>,
    members: Vec<String>,
}

fn look(node: &Node, scope: &Scope, id: &str) -> Result<Looked, NodeError> {
    let detail = node.record_detail(scope, id)?;
    let event = match node.events_one(scope, id, EpcFormat::AlwaysGs1DigitalLink) {
        Ok(event) => Some(event),
        // What makes it an event was erased.
        Err(NodeError::Refused(_)) => None,
        Err(error) => return Err(error),
    };
    let told = match &event {
        None => None,
        Some(event) => {
            let names = telling::names(node, std::slice::from_ref(event))?;
            Some(telling::tell(event, &names))
        }
    };
    let hands: Vec<&str> = detail.vouching.signers.iter().map(|signer| &*signer.hand).collect();
    let members = node.members()?;
    let can = members.into_iter().filter(|member| {
        member.status == "active"
            && !hands.contains(&&*member.hand)
            && match node.scope_of(&member.name) {
                Ok(Scope::Member(id)) => scope.holds(&id),
                _ => false,
            }
    });
    let members = can.map(|member| member.name).collect();
    Ok(Looked { detail, event, told, members })
}

/// What a trace of this event would begin with.
fn traced(event: &Json) -> Option<String> {
    let lists = ["quantityList", "outputQuantityList", "epcList", "inputQuantityList", "childEPCs"];
    let first = |name: &&str| {
        let item = event.get(name)?.as_array()?.first()?;
        item.as_str().or_else(|| item.get("epcClass")?.as_str())
    };
    let parent = || event.get("parentID")?.as_str();
    lists.iter().find_map(first).or_else(parent).map(ToOwned::to_owned)
}

fn class(detail: &ClassDetail) -> Class {
    let value = |field: &countermark_node::explore::FieldValue| {
        let (text, is_tree) = match &field.value {
            Json::String(text) => (text.clone(), false),
            Json::Number(text) => (text.clone(), false),
            tree => (tree.to_text_pretty(), true),
        };
        Value {
            name: field.pointer.trim_start_matches('/').replace("~1", "/").replace("~0", "~"),
            text,
            is_tree,
        }
    };
    let state = match &*detail.state {
        "values" => "held here",
        "erased" => "erased here; the digest stays",
        "empty" => "empty",
        _ => "not held by this node",
    };
    Class {
        name: detail.class.clone(),
        digest: detail.digest.clone(),
        state,
        values: detail.fields.iter().map(value).collect(),
    }
}

async fn page(
    app: &App,
    Caller(caller): &Caller,
    id: String,
    notice: Option<Notice>,
) -> Result<Page, Problem> {
    let scope = caller.scope();
    let path_id = encode(&id);
    let looked = app.run(move |node| look(node, &scope, &id)).await?;
    let Looked { detail, event, told, members } = looked;
    let sentence = match &told {
        Some(told) => told.sentence(),
        None => "What made this an event was erased".to_owned(),
    };
    let (empty, held): (Vec<&ClassDetail>, Vec<&ClassDetail>) =
        detail.classes.iter().partition(|class| class.state == "empty");
    let fields = held
        .iter()
        .flat_map(|class| class.fields.iter().map(|field| field.pointer.clone()))
        .filter(|pointer| !pointer.starts_with("/_provenance"))
        .map(|pointer| (pointer.trim_start_matches('/').to_owned(), pointer))
        .collect();
    Ok(Page {
        frame: Frame::new(sentence.clone(), "events", Some(caller)),
        notice,
        path_id,
        sentence,
        told,
        trace: event.as_ref().and_then(traced),
        classes: held.into_iter().map(class).collect(),
        empty: empty.into_iter().map(|class| class.class.clone()).collect(),
        fields,
        endorsers: members,
        proves: caller.may(Permission::Prove),
        erases: caller.may(Permission::Erase),
        captures: caller.may(Permission::Capture),
        ledger: caller.may(Permission::ReadLedger),
        json: event.map(|event| event.to_text_pretty()),
        detail,
    })
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response, Problem> {
    page::html(&page(&app, &caller, id, done.notice(&DONE)).await?)
}

async fn after(
    app: &App,
    caller: &Caller,
    id: String,
    done: Result<&'static str, Problem>,
) -> Result<Response, Problem> {
    match done {
        Ok(word) => Ok(see_other(&format!("/app/events/{}?done={word}", encode(&id)))),
        Err(problem) => {
            let page = page(app, caller, id, Some(Notice::refused(&problem))).await?;
            page::refused(&problem, &page)
        }
    }
}

const REASONS: [(&str, ErasureReason, &str); 5] = [
    ("request", ErasureReason::Request, "the person concerned asked for it"),
    ("retention", ErasureReason::Retention, "the time for which it had to be kept is over"),
    ("error", ErasureReason::Error, "it was captured in error"),
    ("order", ErasureReason::Order, "an authority ordered it"),
    ("agreement", ErasureReason::Agreement, "the agreement under which it was kept has ended"),
];

async fn erased(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let form = Form::read(request).await?;
    let (scope, event) = (caller.0.scope(), id.clone());
    let done = app.run(move |node| {
        let usage = |words: &str| NodeError::Usage(words.to_owned());
        if form.get("sure").is_empty() {
            return Err(usage("erasing cannot be taken back: tick the box that says you are sure"));
        }
        let reason = REASONS.iter().find(|(word, _, _)| *word == form.get("reason"));
        let reason =
            reason.map(|(_, reason, _)| *reason).ok_or_else(|| usage("choose a reason"))?;
        // Only who recorded it erases it.
        let member = node.record_detail(&scope, &event)?.member_name;
        node.erase(&scope, Some(&member), &event, form.some("class"), reason)
    });
    let done = done.await;
    // The id may have been among what was erased: then the record's own names it.
    after(&app, &caller, id, done.map(|_| "erased")).await
}

async fn endorsed(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let form = Form::read(request).await?;
    let (scope, event) = (caller.0.scope(), id.clone());
    let done = app.run(move |node| node.endorse(&scope, form.some("member"), &event)).await;
    after(&app, &caller, id, done.map(|()| "endorsed")).await
}
