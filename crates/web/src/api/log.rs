//! The log as others read it (C2SP tlog-tiles), and what stands in it.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use countermark_node::access::Permission;
use sha2::{Digest, Sha256};

use super::{Path, Query, json, number_in_path};
use crate::App;
use crate::limits::{BLOCKS_MAX, PARTIAL_TILE_SECONDS};
use crate::problem::Problem;
use crate::route::{Access, Operation, Route, Shape};

const JSON: &[&str] = crate::operation::JSON;
const BYTES: &[&str] = &["application/octet-stream"];
const TEXT: &[&str] = &["text/plain"];
const HASHES: &str = "Hashes in hexadecimal, one a line";
const BLOCKS_USUAL: usize = 50;

pub(super) fn routes() -> Vec<Route> {
    let read = Access::Allowed(Permission::ReadLedger);
    let mut routes = tiles();
    routes.extend([
        Route::get(
            "/log/inclusion/{index}/{size}",
            read,
            get(inclusion),
            Operation::api("getInclusionProof", "That a leaf is in the tree of a size")
                .path("index", Shape::Number, "Index of the leaf")
                .path("size", Shape::Number, "Size of the tree")
                .gives(200, TEXT, Shape::Text, HASHES),
        ),
        Route::get(
            "/log/consistency/{old}/{new}",
            read,
            get(consistency),
            Operation::api("getConsistencyProof", "That one tree goes on from another")
                .path("old", Shape::Number, "Size of the older tree")
                .path("new", Shape::Number, "Size of the newer tree")
                .gives(200, TEXT, Shape::Text, HASHES),
        ),
        Route::get(
            "/blocks",
            read,
            get(blocks),
            Operation::api("listBlocks", "Blocks, newest first")
                .query("before", Shape::Number, "Only blocks below this height")
                .query("limit", Shape::Number, "How many at most; 50 without it, 200 at most")
                .gives(200, JSON, Shape::Schema("blocks"), "The blocks"),
        ),
        Route::get(
            "/blocks/{height}",
            read,
            get(block),
            Operation::api("getBlock", "A block with its statements")
                .path("height", Shape::Number, "Height of the block")
                .gives(200, JSON, Shape::Schema("block"), "The block"),
        ),
        Route::get(
            "/leaves/{index}",
            read,
            get(leaf),
            Operation::api("getLeaf", "A leaf of the log, with its path to the root")
                .path("index", Shape::Number, "Index of the leaf")
                .gives(200, JSON, Shape::Schema("leaf"), "The leaf"),
        ),
    ]);
    routes
}

fn tiles() -> Vec<Route> {
    let read = Access::Allowed(Permission::ReadLedger);
    let path = "Number of the tile as C2SP tlog-tiles writes it, such as x001/067 or 000.p/5";
    vec![
        Route::get(
            "/log/checkpoint",
            Access::Public,
            get(checkpoint),
            Operation::api("getCheckpoint", "The newest signed checkpoint")
                .header("If-None-Match", Shape::Text, "The tag of the checkpoint one has")
                .gives(200, TEXT, Shape::Text, "A signed note")
                .with("ETag", "Names this checkpoint")
                .done(304, "It is the newest still"),
        ),
        Route::get(
            "/log/tile/{level}/{*path}",
            Access::Public,
            get(tile),
            Operation::api("getTile", "A tile of hashes")
                .path("level", Shape::Number, "Level of the tile")
                .path("path", Shape::Text, path)
                .gives(200, BYTES, Shape::Bytes, "Up to 256 hashes"),
        ),
        Route::get(
            "/log/tile/entries/{*path}",
            read,
            get(entries),
            Operation::api("getEntries", "A bundle of the log's leaves")
                .path("path", Shape::Text, path)
                .gives(200, BYTES, Shape::Bytes, "Up to 256 leaves"),
        ),
        Route::get(
            "/log/objects/{hash}",
            read,
            get(object),
            Operation::api("getObject", "An object that a statement refers to")
                .path("hash", Shape::Hex(64), "SHA-256 of the object")
                .gives(200, BYTES, Shape::Bytes, "The object"),
        ),
    ]
}

async fn resource(app: &App, uri: &Uri, path: String) -> Result<Vec<u8>, Problem> {
    Query::read(uri, &[])?;
    app.run(move |node| node.log_resource(&path)).await
}

fn typed(kind: &'static str, cache: &str, bytes: Vec<u8>) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(cache) = HeaderValue::from_str(cache) {
        headers.insert(header::CACHE_CONTROL, cache);
    }
    response
}

async fn checkpoint(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let note = resource(&app, &uri, "checkpoint".to_owned()).await?;
    let hash = Sha256::digest(&note);
    let tag: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| {
        known.split(',').any(|one| one.trim() == "*" || one.trim().trim_start_matches("W/") == tag)
    });
    let mut response = typed("text/plain; charset=utf-8", "no-cache", note);
    if is_known {
        *response.body_mut() = axum::body::Body::empty();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// How long a tile may be kept: a full one for ever, a partial one until it has grown.
fn cache(who: &str, path: &str) -> String {
    if path.contains(".p/") {
        format!("{who}, max-age={PARTIAL_TILE_SECONDS}")
    } else {
        format!("{who}, max-age=31536000, immutable")
    }
}

async fn tile(
    State(app): State<App>,
    Path((level, path)): Path<(String, String)>,
    uri: Uri,
) -> Result<Response, Problem> {
    number_in_path(&level)?;
    let bytes = resource(&app, &uri, format!("tile/{level}/{path}")).await?;
    Ok(typed("application/octet-stream", &cache("public", &path), bytes))
}

async fn entries(
    State(app): State<App>,
    Path(path): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let bytes = resource(&app, &uri, format!("tile/entries/{path}")).await?;
    Ok(typed("application/octet-stream", &cache("private", &path), bytes))
}

async fn object(
    State(app): State<App>,
    Path(hash): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let bytes = resource(&app, &uri, format!("objects/{hash}")).await?;
    Ok(typed("application/octet-stream", &cache("private", &hash), bytes))
}

async fn inclusion(
    State(app): State<App>,
    Path((index, size)): Path<(String, String)>,
    uri: Uri,
) -> Result<Response, Problem> {
    let path = format!("inclusion/{}/{}", number_in_path(&index)?, number_in_path(&size)?);
    let hashes = resource(&app, &uri, path).await?;
    Ok(typed("text/plain; charset=utf-8", "private, max-age=31536000, immutable", hashes))
}

async fn consistency(
    State(app): State<App>,
    Path((old, new)): Path<(String, String)>,
    uri: Uri,
) -> Result<Response, Problem> {
    let path = format!("consistency/{}/{}", number_in_path(&old)?, number_in_path(&new)?);
    let hashes = resource(&app, &uri, path).await?;
    Ok(typed("text/plain; charset=utf-8", "private, max-age=31536000, immutable", hashes))
}

async fn blocks(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::read(&uri, &["before", "limit"])?;
    let before = query.number("before")?;
    let limit = query.number("limit")?.unwrap_or(BLOCKS_USUAL).clamp(1, BLOCKS_MAX);
    json(&app.run(move |node| node.blocks(before, limit)).await?)
}

async fn block(
    State(app): State<App>,
    Path(height): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let height = number_in_path(&height)?;
    json(&app.run(move |node| node.block(height)).await?)
}

async fn leaf(
    State(app): State<App>,
    Path(index): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let index = number_in_path(&index)?;
    json(&app.run(move |node| node.leaf(index)).await?)
}
