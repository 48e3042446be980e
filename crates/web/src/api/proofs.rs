//! What others verify without us, and verifying itself.

use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use countermark_node::access::Permission;
use countermark_node::verify::{Answer, verify as check};

use super::{Path, Query, file, json, no_value};
use crate::App;
use crate::body;
use crate::guard::Caller;
use crate::limits::{BUNDLE_BYTES_MAX, VERIFY_BYTES_MAX};
use crate::problem::Problem;
use crate::route::{Access, Operation, Route, Shape};

const BUNDLE: &str = "application/vnd.countermark.bundle+cbor";
const BUNDLES: &[&str] = &[BUNDLE];
const COSE: &[&str] = &["application/cose"];
const JSON: &[&str] = crate::operation::JSON;
const SENT: &[&str] = &[BUNDLE, "application/octet-stream", "multipart/form-data"];
const EVENT: &str = "Id of the event, or of its record";

pub(super) fn routes() -> Vec<Route> {
    let prove = Access::Allowed(Permission::Prove);
    vec![
        Route::get("/events/{eventID}/bundle", prove, get(bundle), bundle_doc()),
        Route::get(
            "/events/{eventID}/receipt",
            prove,
            get(receipt),
            Operation::api("getReceipt", "The receipt of the statement that captured an event")
                .path("eventID", Shape::Text, EVENT)
                .gives(200, COSE, Shape::Bytes, "A COSE receipt")
                .with("Countermark-Leaf", "Index of the statement's leaf"),
        ),
        Route::get(
            "/events/{eventID}/statement",
            prove,
            get(statement),
            Operation::api("getStatement", "The signed statement that captured an event")
                .path("eventID", Shape::Text, EVENT)
                .gives(200, COSE, Shape::Bytes, "A COSE_Sign1")
                .with("Countermark-Leaf", "Index of its leaf"),
        ),
        Route::post(
            "/verify",
            Access::PublicCostly,
            post(verify).layer(DefaultBodyLimit::disable()),
            verify_doc(),
        ),
        Route::get(
            "/trust-policy",
            Access::Public,
            get(trust_policy),
            Operation::api("getTrustPolicy", "This log's trust policy").gives(
                200,
                &["text/plain"],
                Shape::Text,
                "The trust policy file",
            ),
        ),
    ]
}

fn bundle_doc() -> Operation {
    Operation::api("getBundle", "A bundle that proves an event, or fields of it")
        .path("eventID", Shape::Text, EVENT)
        .query("field", Shape::Texts, "JSON pointer of a field to show; without any, the event")
        .gives(200, BUNDLES, Shape::Bytes, "The bundle")
        .with("Countermark-Erased", "Field classes that were erased, where all was to be shown")
        .refuses(&[409])
}

fn verify_doc() -> Operation {
    Operation::api("verifyBundle", "Verify a bundle")
        .detail(
            "The body is a bundle, or a form with the files `bundle` and `trust`. What holds here \
             holds only as far as this server is trusted; the command line and the page at /verify \
             verify on the own machine.",
        )
        .query("trust", Shape::OneOf(&["own"]), "own: against this server's own trust policy")
        .takes(SENT, Shape::Bytes)
        .gives(200, JSON, Shape::Schema("verify"), "The verdict, with every step")
        .refuses(&[422])
}

async fn bundle(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let fields = Query::read_lists(&uri, &[], &["field"])?.list("field");
    let name = format!("{id}.bundle");
    let proof = app.run(move |node| node.prove(&caller.scope(), &id, &fields)).await?;
    let erased: Vec<&str> = proof.erased.iter().map(|class| class.name()).collect();
    let mut response = file(BUNDLE, &name, proof.bundle);
    if !erased.is_empty()
        && let Ok(value) = HeaderValue::from_str(&erased.join(", "))
    {
        response.headers_mut().insert("countermark-erased", value);
    }
    Ok(response)
}

async fn receipt(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let name = format!("{id}.receipt.cose");
    let receipt = app.run(move |node| node.receipt(&caller.scope(), &id)).await?;
    Ok(placed(file("application/cose", &name, receipt.receipt), receipt.leaf_index))
}

async fn statement(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let name = format!("{id}.statement.cose");
    let receipt = app.run(move |node| node.receipt(&caller.scope(), &id)).await?;
    Ok(placed(file("application/cose", &name, receipt.statement), receipt.leaf_index))
}

fn placed(mut response: Response, leaf_index: u64) -> Response {
    response.headers_mut().insert("countermark-leaf", HeaderValue::from(leaf_index));
    response
}

async fn verify(State(app): State<App>, uri: Uri, request: Request) -> Result<Response, Problem> {
    let query = Query::read(&uri, &["trust"])?;
    let is_own = match query.get("trust") {
        None => false,
        Some("own") => true,
        Some(other) => return Err(no_value("trust", other, "own")),
    };
    body::require_type(request.headers(), SENT)?;
    let is_form = body::is_type(request.headers(), &["multipart/form-data"]);
    let (bundle, trust) = if is_form {
        form(request).await?
    } else {
        (body::read(request, BUNDLE_BYTES_MAX).await?, None)
    };
    if is_own && trust.is_some() {
        let what = "one trust policy: either `trust=own` or the form's file";
        return Err(Problem::new("bad-request", what));
    }
    let verdict = app
        .run(move |node| {
            let trust = if is_own { Some(node.trust()?.into_bytes()) } else { trust };
            Ok(Answer::from(&check("bundle", &bundle, trust.as_deref())?))
        })
        .await?;
    json(&verdict)
}

/// The files of a form. It is read whole first, so that it is bounded like every body.
async fn form(request: Request) -> Result<(Vec<u8>, Option<Vec<u8>>), Problem> {
    let (parts, body) = request.into_parts();
    let again = Request::from_parts(parts.clone(), body);
    let bytes = body::read(again, VERIFY_BYTES_MAX).await?;
    let request = Request::from_parts(parts, axum::body::Body::from(bytes));
    let broken = |what: String| Problem::new("bad-request", format!("the form is broken: {what}"));
    let mut form =
        Multipart::from_request(request, &()).await.map_err(|e| broken(e.body_text()))?;
    let (mut bundle, mut trust) = (None, None);
    while let Some(field) = form.next_field().await.map_err(|e| broken(e.body_text()))? {
        let name = field.name().unwrap_or_default().to_owned();
        let content = field.bytes().await.map_err(|e| broken(e.body_text()))?.to_vec();
        match name.as_str() {
            "bundle" if bundle.is_none() => bundle = Some(content),
            // A form sends an empty file where none was chosen.
            "trust" if trust.is_none() => trust = Some(content).filter(|file| !file.is_empty()),
            other => return Err(broken(format!("\"{other}\" is unknown or there twice"))),
        }
    }
    let missing = || Problem::new("bad-request", "the form has no file \"bundle\"");
    Ok((bundle.ok_or_else(missing)?, trust))
}

async fn trust_policy(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let text = app.run(|node| node.trust()).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    Ok((headers, text).into_response())
}
