//! Members, keys, the clock, master data, field classes, endorsements, erasures.

use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use countermark_node::access::Permission;
use countermark_node::{Erased, ErasureReason, MemberView, Node, NodeError, Standing};
use serde::{Deserialize, Serialize};

use super::{Path, Query, command, json, json_as};
use crate::App;
use crate::body;
use crate::guard::Caller;
use crate::limits::SETTINGS_BYTES_MAX;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route, Shape};

const JSON: &[&str] = crate::operation::JSON;
const TOML: &[&str] = &["application/toml", "text/plain"];
const MANAGE: Access = Access::Allowed(Permission::ManageMembers);
const CONFIGURE: Access = Access::Allowed(Permission::Configure);
const READ: Access = Access::Allowed(Permission::Read);

pub(super) fn routes() -> Vec<Route> {
    let mut routes = standing_routes();
    routes.extend([
        Route::post(
            "/clock/confirm",
            MANAGE,
            post(confirm_clock),
            Operation::api("confirmClock", "Record that the clock really jumped")
                .gives(200, JSON, Shape::Schema("clock"), "The time that was recorded")
                .refuses(&[409]),
        ),
        Route::post(
            "/master-data",
            CONFIGURE,
            post(master_data),
            Operation::api("addMasterData", "Add parties, places and items")
                .query("name", Shape::Text, "Name of the file, for messages")
                .takes(TOML, Shape::Text)
                .gives(200, JSON, Shape::Schema("master-data"), "What is known now")
                .refuses(&[422]),
        ),
        Route::put(
            "/field-classes",
            CONFIGURE,
            put(field_classes),
            Operation::api("setFieldClasses", "Set the field classes of extensions")
                .query("name", Shape::Text, "Name of the file, for messages")
                .takes(TOML, Shape::Text)
                .gives(200, JSON, Shape::Schema("field-classes"), "How many there are")
                .refuses(&[422]),
        ),
        Route::post(
            "/endorsements",
            Access::Allowed(Permission::Capture),
            post(endorse),
            Operation::api("endorse", "Endorse an event's record as a member")
                .takes(JSON, Shape::Schema("new-endorsement"))
                .done(204, "It is endorsed")
                .refuses(&[404, 409]),
        ),
        Route::post(
            "/erasures",
            Access::Allowed(Permission::Erase),
            post(erase),
            Operation::api("erase", "Erase an event's values for good")
                .takes(JSON, Shape::Schema("new-erasure"))
                .gives(200, JSON, Shape::Schema("erase"), "What was erased")
                .refuses(&[404, 409]),
        ),
    ]);
    routes
}

fn standing_routes() -> Vec<Route> {
    let members = Operation::api("listMembers", "The members whose keys this node holds");
    let keys = Operation::api("listKeys", "The signing keys of members");
    vec![
        Route::get(
            "/members",
            READ,
            get(list_members),
            members.gives(200, JSON, Shape::Schema("member-list"), "The members"),
        ),
        Route::post(
            "/members",
            MANAGE,
            post(add_member),
            Operation::api("addMember", "Add a member whose keys this node holds")
                .takes(JSON, Shape::Schema("new-member"))
                .gives(201, JSON, Shape::Schema("member"), "It is a member")
                .refuses(&[409]),
        ),
        Route::post(
            "/members/{name}/standing",
            MANAGE,
            post(set_standing),
            Operation::api("setStanding", "Suspend or resume a member, or let it leave")
                .path("name", Shape::Text, "Name of the member")
                .takes(JSON, Shape::Schema("new-standing"))
                .gives(200, JSON, Shape::Schema("member"), "The member as it is now")
                .refuses(&[409]),
        ),
        Route::get(
            "/keys",
            READ,
            get(list_keys),
            keys.gives(200, JSON, Shape::Schema("key-list"), "The keys"),
        ),
        Route::post(
            "/keys/rotate",
            MANAGE,
            post(rotate_key),
            Operation::api("rotateKey", "Give a member a new signing key in place of its own")
                .takes(JSON, Shape::Schema("new-key"))
                .gives(200, JSON, Shape::Schema("key"), "The new key")
                .refuses(&[404, 409]),
        ),
        Route::post(
            "/keys/register",
            MANAGE,
            post(register_key),
            Operation::api("registerKey", "Give a member a further signing key")
                .takes(JSON, Shape::Schema("new-key"))
                .gives(200, JSON, Shape::Schema("key"), "The new key")
                .refuses(&[404, 409]),
        ),
        Route::post(
            "/keys/revoke",
            MANAGE,
            post(revoke_key),
            Operation::api("revokeKey", "Revoke a signing key")
                .takes(JSON, Shape::Schema("revocation"))
                .done(204, "It is revoked")
                .refuses(&[404, 409]),
        ),
    ]
}

async fn list_members(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    json(&app.run(|node| node.members()).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMember {
    name: String,
    country: Option<String>,
}

async fn add_member(
    State(app): State<App>,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let new: NewMember = command(request).await?;
    let added = app.run(move |node| node.member_add(&new.name, new.country.as_deref())).await?;
    json_as(StatusCode::CREATED, &added)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStanding {
    standing: Standing,
}

fn member(node: &Node, name: &str) -> Result<MemberView, NodeError> {
    let found = node.members()?.into_iter().find(|member| member.name == name);
    found.ok_or_else(|| NodeError::NotFound(format!("this node has no member \"{name}\"")))
}

async fn set_standing(
    State(app): State<App>,
    Path(name): Path<String>,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let new: NewStanding = command(request).await?;
    let view = app
        .run(move |node| {
            node.member_standing(&name, new.standing)?;
            member(node, &name)
        })
        .await?;
    json(&view)
}

async fn list_keys(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    json(&app.run(|node| node.keys()).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    member: Option<String>,
}

/// A key's id.
#[derive(Serialize)]
struct KeyMade {
    key: String,
}

async fn rotate_key(
    State(app): State<App>,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let new: NewKey = command(request).await?;
    let key = app.run(move |node| node.key_rotate(new.member.as_deref())).await?;
    json(&KeyMade { key })
}

async fn register_key(
    State(app): State<App>,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let new: NewKey = command(request).await?;
    let key = app.run(move |node| node.key_register(new.member.as_deref())).await?;
    json(&KeyMade { key })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revocation {
    key: String,
    member: Option<String>,
}

async fn revoke_key(
    State(app): State<App>,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let sent: Revocation = command(request).await?;
    app.run(move |node| node.key_revoke(sent.member.as_deref(), &sent.key)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Serialize)]
struct Confirmed {
    time: String,
}

async fn confirm_clock(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let time = app.run(|node| node.confirm_clock()).await?;
    json(&Confirmed { time })
}

#[derive(Serialize)]
struct Known {
    known: String,
}

async fn master_data(
    State(app): State<App>,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    let (name, text) = settings(&uri, request, "master-data.toml").await?;
    let known = app.run(move |node| node.master_data_add(&name, &text)).await?;
    json(&Known { known })
}

#[derive(Serialize)]
struct Count {
    count: usize,
}

async fn field_classes(
    State(app): State<App>,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    let (name, text) = settings(&uri, request, "field-classes.toml").await?;
    let count = app.run(move |node| node.classes_set(&name, &text)).await?;
    json(&Count { count })
}

async fn settings(uri: &Uri, request: Request, usual: &str) -> Result<(String, Vec<u8>), Problem> {
    let query = Query::read(uri, &["name"])?;
    body::require_type(request.headers(), TOML)?;
    let name = query.text("name").unwrap_or_else(|| usual.to_owned());
    Ok((name, body::read(request, SETTINGS_BYTES_MAX).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NewEndorsement {
    #[serde(rename = "eventID")]
    event_id: String,
    member: Option<String>,
}

async fn endorse(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let new: NewEndorsement = command(request).await?;
    app.run(move |node| node.endorse(&caller.scope(), new.member.as_deref(), &new.event_id))
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewErasure {
    #[serde(rename = "eventID")]
    event_id: String,
    member: Option<String>,
    class: Option<String>,
    reason: ErasureReason,
}

async fn erase(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let new: NewErasure = command(request).await?;
    let done = app
        .run(move |node| {
            let (member, class) = (new.member.as_deref(), new.class.as_deref());
            let scope = caller.scope();
            let erased = node.erase(&scope, member, &new.event_id, class, new.reason)?;
            Ok(Erased { event_id: new.event_id, erased, class: new.class })
        })
        .await?;
    json(&done)
}
