//! Whether the server lives and the node answers, and the metrics.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use countermark_node::access::Permission;

use crate::App;
use crate::metrics::NodeFigures;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route, Shape};

const TEXT: &[&str] = &["text/plain"];
const OPENMETRICS: &[&str] = &["application/openmetrics-text"];

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/health/live",
            Access::Public,
            get(live),
            Operation::api("healthLive", "Whether the server answers").gives(
                200,
                TEXT,
                Shape::Text,
                "It does",
            ),
        ),
        Route::get(
            "/health/ready",
            Access::Public,
            get(ready),
            Operation::api("healthReady", "Whether the node behind the server answers").gives(
                200,
                TEXT,
                Shape::Text,
                "It does",
            ),
        ),
        Route::get(
            "/metrics",
            Access::Allowed(Permission::ReadMetrics),
            get(metrics),
            Operation::api("metrics", "Counts and durations").gives(
                200,
                OPENMETRICS,
                Shape::Text,
                "In the format of OpenMetrics",
            ),
        ),
    ]
}

async fn live() -> &'static str {
    "live\n"
}

async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    app.run(|node| Ok(node.height())).await?;
    Ok("ready\n")
}

async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let height = app.run(|node| Ok(node.height())).await?;
    let height = height.map_or(-1, |height| i64::try_from(height).unwrap_or(i64::MAX));
    let content_type =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = app.metrics().write(NodeFigures { height });
    Ok(([(header::CONTENT_TYPE, content_type)], text).into_response())
}
