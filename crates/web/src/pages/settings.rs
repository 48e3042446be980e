//! What the node knows beside events: values that wait to be explained, master data, field classes.

use askama::Template;
use axum::extract::{Query, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use countermark_node::access::{Permission, Principal};
use countermark_node::{Held, Node, NodeError};

use super::{Done, see_other};
use crate::App;
use crate::body::Form;
use crate::guard::Caller;
use crate::page::{self, Frame};
use crate::page_parts::Notice;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

pub(crate) fn routes() -> Vec<Route> {
    let doc = Operation::page;
    let read = Access::Allowed(Permission::Read);
    let configure = Access::Allowed(Permission::Configure);
    vec![
        Route::get("/app/settings", read, get(show), doc("Master data, field classes, quarantine")),
        Route::post(
            "/app/settings",
            configure,
            post(act),
            doc("Change master data or field classes"),
        ),
    ]
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Page {
    frame: Frame,
    notice: Option<Notice>,
    held: Vec<Held>,
    places: Vec<(String, String)>,
    configures: bool,
    captures: bool,
    text: String,
}

const DONE: [(&str, &str); 3] = [
    ("master", "It is known from now on; files that waited for it can be imported again."),
    ("classes", "Events recorded from now on are split by these classes."),
    ("nothing", "Nothing was to be done."),
];

async fn page(
    app: &App,
    caller: &Principal,
    notice: Option<Notice>,
    text: String,
) -> Result<Page, Problem> {
    let by = caller.clone();
    let captures = caller.may(Permission::Capture);
    let (held, places) = app
        .run(move |node| {
            let places = if captures { node.known_places(&by)? } else { Vec::new() };
            Ok((node.quarantine(&by.scope())?, places))
        })
        .await?;
    Ok(Page {
        frame: Frame::new("Master data", "settings", Some(caller)),
        notice,
        held,
        places,
        configures: caller.may(Permission::Configure),
        captures,
        text,
    })
}

async fn show(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(done): Query<Done>,
) -> Result<Response, Problem> {
    page::html(&page(&app, &caller, done.notice(&DONE), String::new()).await?)
}

async fn act(
    State(app): State<App>,
    Caller(caller): Caller,
    request: Request,
) -> Result<Response, Problem> {
    let form = Form::read(request).await?;
    let text = form.get("text").to_owned();
    match app.run(move |node| change(node, &form)).await {
        Ok(word) => Ok(see_other(&format!("/app/settings?done={word}"))),
        Err(problem) => {
            let page = page(&app, &caller, Some(Notice::refused(&problem)), text).await?;
            page::refused(&problem, &page)
        }
    }
}

fn change(node: &Node, form: &Form) -> Result<&'static str, NodeError> {
    let text = form.get("text").as_bytes();
    match form.get("do") {
        "master" => node.master_data_add("the page's text", text).map(|_| "master"),
        "classes" => node.classes_set("the page's text", text).map(|_| "classes"),
        _ => Ok("nothing"),
    }
}
