//! Style sheets and scripts that pages load: part of the program, under paths that name their content.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use crate::compress;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

/// A file that pages load.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// One of the files beside this crate's sources.
macro_rules! asset {
    ($name:literal, $content_type:expr) => {
        Asset {
            name: $name,
            content_type: $content_type,
            bytes: include_bytes!(concat!("../assets/", $name)),
        }
    };
}

const ASSETS: &[Asset] = &[
    asset!("app.css", CSS),
    asset!("app.js", SCRIPT),
    asset!("ladder.js", SCRIPT),
    asset!("views.css", CSS),
    asset!("consumer.css", CSS),
    asset!("consumer.js", SCRIPT),
    asset!("verifier.css", CSS),
    asset!("verifier.js", SCRIPT),
    asset!("verify-page.js", SCRIPT),
    asset!("mark.svg", SVG),
];

/// Names the content of all of them: scripts import one another by relative paths, so they share it.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for asset in ASSETS {
        hash.update(asset.name);
        hash.update((asset.bytes.len() as u64).to_be_bytes());
        hash.update(asset.bytes);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
});

/// The path under which a file is served for ever.
pub(crate) fn path(name: &str) -> String {
    format!("/assets/{}/{name}", *VERSION)
}

pub(crate) fn routes() -> Vec<Route> {
    let doc = Operation::page("A file that pages load");
    vec![Route::get("/assets/{version}/{name}", Access::Public, get(serve), doc)]
}

/// The files in gzip, in the same order; none where that makes them no smaller.
static PACKED: LazyLock<Vec<Option<Vec<u8>>>> =
    LazyLock::new(|| ASSETS.iter().map(|asset| compress::gzip(asset.bytes)).collect());

/// Bytes of a file as they travel to whoever takes gzip.
#[cfg(test)]
pub(crate) fn weight(name: &str) -> usize {
    let asset = ASSETS.iter().find(|asset| asset.name == name).unwrap();
    compress::gzip(asset.bytes).map_or(asset.bytes.len(), |packed| packed.len())
}

async fn serve(
    Path((version, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = ASSETS.iter().position(|asset| asset.name == name && version == *VERSION);
    let at = found.ok_or_else(|| {
        Problem::new("not-found", "no such file, or one of an older program")
            .hint("load the page again")
    })?;
    let packed = PACKED[at].as_deref().filter(|_| compress::is_wanted(&headers));
    let about = [
        (header::CONTENT_TYPE, HeaderValue::from_static(ASSETS[at].content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    let mut response = (about, packed.unwrap_or(ASSETS[at].bytes)).into_response();
    compress::mark(&mut response, packed.is_some());
    Ok(response)
}
