//! Pages: one question each, answered first.

use axum::response::Redirect;
use axum::routing::get;

use crate::route::{Access, Operation, Route};

pub(crate) fn routes() -> Vec<Route> {
    let to_app = get(async || Redirect::to("/app"));
    vec![Route::get("/", Access::Public, to_app, Operation::page("To the overview"))]
}
