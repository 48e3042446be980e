//! Style sheets and scripts that pages load: part of the program, under paths that name their content.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

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

const ASSETS: &[Asset] = &[
    Asset { name: "app.css", content_type: CSS, bytes: include_bytes!("../assets/app.css") },
    Asset { name: "app.js", content_type: SCRIPT, bytes: include_bytes!("../assets/app.js") },
    Asset { name: "views.css", content_type: CSS, bytes: include_bytes!("../assets/views.css") },
    Asset {
        name: "verifier.js",
        content_type: SCRIPT,
        bytes: include_bytes!("../assets/verifier.js"),
    },
    Asset {
        name: "verify-page.js",
        content_type: SCRIPT,
        bytes: include_bytes!("../assets/verify-page.js"),
    },
    Asset {
        name: "verifier.css",
        content_type: CSS,
        bytes: include_bytes!("../assets/verifier.css"),
    },
    Asset { name: "mark.svg", content_type: SVG, bytes: include_bytes!("../assets/mark.svg") },
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

async fn serve(Path((version, name)): Path<(String, String)>) -> Result<Response, Problem> {
    let found = ASSETS.iter().find(|asset| asset.name == name && version == *VERSION);
    let asset = found.ok_or_else(|| {
        Problem::new("not-found", "no such file, or one of an older program")
            .hint("load the page again")
    })?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    Ok((headers, asset.bytes).into_response())
}
