//! Documents that members keep: certificates, invoices, photographs. The ledger holds salted digests.

use askama::Template;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use countermark_node::Document;
use countermark_node::access::{Permission, Principal};

use super::upload::Upload;
use super::{Done, see_other};
use crate::App;
use crate::guard::Caller;
use crate::limits::DOCUMENT_BYTES_MAX;
use crate::page::{self, Frame};
use crate::page_parts::Notice;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

pub(crate) fn routes() -> Vec<Route> {
    let doc = Operation::page;
    let (read, capture, prove) = (
        Access::Allowed(Permission::Read),
        Access::Allowed(Permission::Capture),
        Access::Allowed(Permission::Prove),
    );
    vec![
        Route::get("/app/documents", read, get(show), doc("Kept documents")),
        Route::post(
            "/app/documents",
            capture,
            post(add).layer(DefaultBodyLimit::disable()),
            doc("Keep a document"),
        ),
        Route::get("/app/documents/{document}", prove, get(content), doc("A kept document")),
    ]
}

#[derive(Template)]
#[template(path = "documents.html")]
struct Page {
    frame: Frame,
    notice: Option<Notice>,
    documents: Vec<Document>,
    members: Vec<String>,
    captures: bool,
    proves: bool,
}

const DONE: [(&str, &str); 1] =
    [("kept", "The document is kept, encrypted; the ledger holds its salted digest.")];

/// The names of the members that a caller may act for.
pub(super) fn acting_for(
    node: &countermark_node::Node,
    caller: &Principal,
) -> Result<Vec<String>, countermark_node::NodeError> {
    let scope = caller.scope();
    let seen = node.members()?.into_iter().filter(|member| {
        member.status == "active"
            && match node.scope_of(&member.id) {
                Ok(countermark_node::Scope::Member(id)) => scope.holds(&id),
                _ => false,
            }
    });
    Ok(seen.map(|member| member.name).collect())
}

async fn page(app: &App, caller: &Principal, notice: Option<Notice>) -> Result<Page, Problem> {
    let by = caller.clone();
    let (mut documents, members) =
        app.run(move |node| Ok((node.documents(&by.scope())?, acting_for(node, &by)?))).await?;
    documents.reverse();
    Ok(Page {
        frame: Frame::new("Documents", "documents", Some(caller)),
        notice,
        documents,
        members,
        captures: caller.may(Permission::Capture),
        proves: caller.may(Permission::Prove),
    })
}

async fn show(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(done): Query<Done>,
) -> Result<Response, Problem> {
    page::html(&page(&app, &caller, done.notice(&DONE)).await?)
}

async fn add(
    State(app): State<App>,
    Caller(caller): Caller,
    request: Request,
) -> Result<Response, Problem> {
    let done = match Upload::read(request, DOCUMENT_BYTES_MAX).await {
        Err(problem) => Err(problem),
        Ok(upload) => {
            let by = caller.clone();
            app.run(move |node| {
                let member = node.acting_member(&by.scope(), upload.form.some("member"))?;
                node.document(Some(&member), &upload.name, &upload.bytes)
            })
            .await
        }
    };
    match done {
        Ok(_) => Ok(see_other("/app/documents?done=kept")),
        Err(problem) => {
            let page = page(&app, &caller, Some(Notice::refused(&problem))).await?;
            page::refused(&problem, &page)
        }
    }
}

/// A name as a header may carry it: the browser gets the whole name, percent-encoded.
pub(super) fn attachment(name: &str) -> HeaderValue {
    let value = format!("attachment; filename*=UTF-8''{}", crate::body::encode(name));
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

async fn content(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let scope = caller.scope();
    let (name, bytes) = app.run(move |node| node.document_content(&scope, &id)).await?;
    // Never shown by the browser itself, whatever is in it.
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_DISPOSITION, attachment(&name)),
    ];
    Ok((headers, bytes).into_response())
}
