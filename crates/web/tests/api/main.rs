//! The API as its callers see it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod capture;
mod reading;
mod routes;
mod world;

use std::path::Path;

/// The document and the page that are committed are those that the route table makes. Set
/// `COUNTERMARK_WRITE_OPENAPI` to write them.
#[test]
fn the_committed_openapi_document_and_page_are_those_of_the_route_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let made = [
        ("openapi.json", countermark_web::openapi::text()),
        ("api.md", countermark_web::openapi::page()),
    ];
    for (name, text) in made {
        let path = root.join(name);
        if std::env::var_os("COUNTERMARK_WRITE_OPENAPI").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == text,
            "docs/reference/{name} is not what the route table says; set \
             COUNTERMARK_WRITE_OPENAPI=1 and run this test again, then look at the difference"
        );
    }
}
