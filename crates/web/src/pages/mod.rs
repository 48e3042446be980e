//! Pages: one question each, answered first.

mod consumer;
mod publications;
mod trace;

use axum::response::Redirect;
use axum::routing::get;

use crate::route::{Access, Operation, Route};

pub(crate) fn routes() -> Vec<Route> {
    let to_app = get(async || Redirect::to("/app"));
    let mut routes =
        vec![Route::get("/", Access::Public, to_app, Operation::page("To the overview"))];
    routes.extend(consumer::routes());
    routes.extend(publications::routes());
    routes.extend(trace::routes());
    routes
}
