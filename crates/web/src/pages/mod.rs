//! Pages: one question each, answered first.

mod account;
mod accounts;
mod benchmark;
mod columns;
mod consumer;
mod docs;
mod documents;
mod event;
mod events;
mod import;
mod ledger;
mod link;
mod members;
mod openid;
mod overview;
mod publications;
mod repair;
mod settings;
mod sign_in;
mod telling;
#[cfg(test)]
mod tests;
mod trace;
mod upload;
mod verify;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::page_parts::Notice;
use crate::route::{Access, Operation, Route};

pub(crate) fn routes() -> Vec<Route> {
    let to_app = get(async || Redirect::to("/app"));
    let mut routes =
        vec![Route::get("/", Access::Public, to_app, Operation::page("To the overview"))];
    routes.extend(account::routes());
    routes.extend(accounts::routes());
    routes.extend(documents::routes());
    routes.extend(event::routes());
    routes.extend(events::routes());
    routes.extend(import::routes());
    routes.extend(link::routes());
    routes.extend(members::routes());
    routes.extend(openid::routes());
    routes.extend(overview::routes());
    routes.extend(settings::routes());
    routes.extend(sign_in::routes());
    routes.extend(consumer::routes());
    routes.extend(benchmark::routes());
    routes.extend(docs::routes());
    routes.extend(ledger::routes());
    routes.extend(publications::routes());
    routes.extend(verify::routes());
    routes.extend(trace::routes());
    routes
}

/// To another page after a form was sent: the browser asks for it with GET.
fn see_other(path: &str) -> Response {
    let place = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/app"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
}

/// What a form did, by a word in the address: the page says it in its own words, never in the
/// caller's.
#[derive(Deserialize)]
struct Done {
    #[serde(default)]
    done: String,
}

impl Done {
    fn notice(&self, words: &[(&str, &str)]) -> Option<Notice> {
        let known = words.iter().find(|(word, _)| *word == self.done);
        known.map(|(_, words)| Notice::done("Done").text(*words))
    }
}
