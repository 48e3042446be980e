//! Releases to the public, and recalls.

use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, put};
use countermark_node::access::Permission;
use countermark_node::publications::{PUBLICATIONS_PAGE_MAX, RecallNotice, Release};

use super::{Path, Query, command, json};
use crate::App;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route, Shape};

const JSON: &[&str] = crate::operation::JSON;
const PUBLISH: Access = Access::Allowed(Permission::Publish);
const WHAT: &str = "A product, lot or item, in any spelling, percent-encoded";
const MEMBER: &str = "The member in whose name it is done; the first where none is given";

pub(super) fn routes() -> Vec<Route> {
    let list = Operation::api("listPublications", "What was released to the public, and recalls")
        .query("after", Shape::Text, "The identifier after which the page begins")
        .query("perPage", Shape::Number, "Releases on a page")
        .gives(200, JSON, Shape::Schema("publications"), "Releases by identifier, and all recalls");
    let release = Operation::api("putPublication", "Release something to the public")
        .detail("It takes the place of what was released for the identifier before.")
        .query("member", Shape::Text, MEMBER)
        .takes(JSON, Shape::Schema("release"))
        .gives(200, JSON, Shape::Schema("publication"), "What is public now")
        .refuses(&[404, 409]);
    let look = Operation::api("getPublication", "What was released for an identifier")
        .path("identifier", Shape::Text, WHAT)
        .gives(200, JSON, Shape::Schema("publication"), "What was released");
    let withdraw = Operation::api("withdrawPublication", "Withdraw what was released")
        .path("identifier", Shape::Text, WHAT)
        .done(204, "It is not public any more");
    let recall = Operation::api("putRecall", "Recall goods")
        .query("member", Shape::Text, MEMBER)
        .takes(JSON, Shape::Schema("recall-notice"))
        .gives(200, JSON, Shape::Schema("recall"), "The recall, in force now")
        .refuses(&[404, 409]);
    let clear = Operation::api("clearRecall", "End a recall")
        .path("identifier", Shape::Text, WHAT)
        .done(204, "It is not recalled any more");
    vec![
        Route::get("/publications", PUBLISH, get(all), list),
        Route::put("/publications", PUBLISH, put(put_release), release),
        Route::get("/publications/{identifier}", PUBLISH, get(one), look),
        Route::delete("/publications/{identifier}", PUBLISH, delete(remove), withdraw),
        Route::put("/recalls", PUBLISH, put(put_recall), recall),
        Route::delete("/recalls/{identifier}", PUBLISH, delete(remove_recall), clear),
    ]
}

async fn all(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::read(&uri, &["after", "perPage"])?;
    let after = query.text("after");
    let limit = query.number("perPage")?.unwrap_or(PUBLICATIONS_PAGE_MAX);
    json(&app.run(move |node| node.publications(after.as_deref(), limit)).await?)
}

async fn put_release(
    State(app): State<App>,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    let member = Query::read(&uri, &["member"])?.text("member");
    let release: Release = command(request).await?;
    json(&app.run(move |node| node.publication_put(member.as_deref(), release)).await?)
}

async fn one(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    json(&app.run(move |node| node.publication_get(&id)).await?)
}

async fn remove(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    app.run(move |node| node.publication_withdraw(&id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn put_recall(
    State(app): State<App>,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    let member = Query::read(&uri, &["member"])?.text("member");
    let notice: RecallNotice = command(request).await?;
    json(&app.run(move |node| node.recall_set(member.as_deref(), notice)).await?)
}

async fn remove_recall(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    app.run(move |node| node.recall_clear(&id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
