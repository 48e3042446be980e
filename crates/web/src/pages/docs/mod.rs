//! The documentation as it lies in `docs/`, rendered, with its links working.

mod render;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use self::render::Rendered;
use crate::compress;
use crate::guard::MaybeCaller;
use crate::page::Frame;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

include!(concat!(env!("OUT_DIR"), "/docs.rs"));

/// Parts of the documentation in the order in which they are read.
const PARTS: [(&str, &str); 5] = [
    ("tutorial", "Tutorial"),
    ("how-to", "How to"),
    ("reference", "Reference"),
    ("internals", "Internals"),
    ("decisions", "Decisions"),
];

pub(crate) fn routes() -> Vec<Route> {
    let to_front = get(async || Redirect::permanent("/docs/"));
    let page = Operation::page;
    vec![
        Route::get("/docs", Access::Public, to_front, page("To the documentation")),
        Route::get("/docs/", Access::Public, get(front), page("The documentation")),
        Route::get("/docs/{*path}", Access::Public, get(show), page("A page of the documentation")),
    ]
}

/// The files of a folder, by name.
pub(super) fn files(folder: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    FILES.iter().filter(move |(name, _)| name.starts_with(folder)).copied()
}

/// Pages by their paths under `/docs/`, without ending.
static PAGES: LazyLock<BTreeMap<String, Rendered>> = LazyLock::new(|| {
    let texts = FILES.iter().filter(|(name, _)| name.ends_with(".md"));
    let pages = texts.map(|(name, bytes)| {
        let text = String::from_utf8_lossy(bytes);
        (page_path(name), render::render(name, &text, &is_served))
    });
    pages.collect()
});

/// `how-to/read-the-log` of `how-to/read-the-log.md`; a folder's own page is the folder.
fn page_path(name: &str) -> String {
    let path = name.strip_suffix(".md").unwrap_or(name);
    if path == "README" {
        return String::new();
    }
    path.strip_suffix("/README").map_or_else(|| path.to_owned(), |folder| format!("{folder}/"))
}

/// The path under `/docs/` of a file or folder of `docs/`, if it is served.
fn is_served(name: &str) -> Option<String> {
    let name = name.trim_end_matches('/');
    if FILES.iter().any(|(file, _)| *file == name) {
        return Some(if name.ends_with(".md") { page_path(name) } else { name.to_owned() });
    }
    let folder = format!("{name}/");
    FILES.iter().any(|(file, _)| file.starts_with(&folder)).then_some(folder)
}

struct Link {
    words: String,
    path: String,
    is_here: bool,
}

struct Part {
    words: &'static str,
    links: Vec<Link>,
}

#[derive(Template)]
#[template(path = "docs.html")]
struct DocsPage<'a> {
    frame: Frame,
    views: String,
    parts: Vec<Part>,
    html: &'a str,
}

fn parts(here: &str) -> Vec<Part> {
    let part = |(folder, words): (&'static str, &'static str)| {
        let prefix = format!("{folder}/");
        let pages = PAGES.iter().filter(|(path, _)| path.starts_with(&prefix));
        let link = |(path, page): (&String, &Rendered)| Link {
            words: page.title.clone(),
            path: format!("/docs/{path}"),
            is_here: path == here,
        };
        // Decisions are many: their own page lists them.
        let shown = pages.filter(|(path, _)| folder != "decisions" || **path == prefix);
        Part { words, links: shown.map(link).collect() }
    };
    PARTS.into_iter().map(part).filter(|part| !part.links.is_empty()).collect()
}

async fn front(caller: MaybeCaller, headers: HeaderMap) -> Result<Response, Problem> {
    page(&caller, &headers, "")
}

async fn show(
    caller: MaybeCaller,
    headers: HeaderMap,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    if let Some(name) = path.strip_suffix(".md").filter(|name| PAGES.contains_key(*name)) {
        return Ok(Redirect::permanent(&format!("/docs/{name}")).into_response());
    }
    if let Some((name, bytes)) = FILES.iter().find(|(name, _)| *name == path) {
        return Ok(file(name, bytes, &headers));
    }
    page(&caller, &headers, &path)
}

fn page(caller: &MaybeCaller, headers: &HeaderMap, path: &str) -> Result<Response, Problem> {
    let listing;
    let rendered = match PAGES.get(path) {
        Some(rendered) => rendered,
        None => {
            listing = folder(path).ok_or_else(|| {
                Problem::new("not-found", "the documentation has no such page")
                    .hint("/docs/ lists what there is")
            })?;
            &listing
        }
    };
    let page = DocsPage {
        frame: Frame::new(&*rendered.title, "docs", caller.0.as_deref()),
        views: crate::assets::path("views.css"),
        parts: parts(path),
        html: &rendered.html,
    };
    let text = page.render().map_err(|error| {
        tracing::error!(%error, "a page could not be written");
        Problem::new("internal", "the page could not be written")
    })?;
    // Who is signed in stands on the page; nobody can make it echo what he chose.
    let mut response = compress::body(headers, text.into_bytes());
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// The list of a folder that has no page of its own.
fn folder(path: &str) -> Option<Rendered> {
    let prefix = format!("{}/", path.trim_end_matches('/'));
    let names: Vec<&str> =
        FILES.iter().filter_map(|(name, _)| name.strip_prefix(&prefix)).collect();
    if path.is_empty() || names.is_empty() {
        return None;
    }
    let item = |name: &&str| {
        let target = is_served(&format!("{prefix}{name}"))?;
        Some(format!(
            "<li><a href=\"/docs/{}\">{}</a></li>",
            render::escape(&target),
            render::escape(name)
        ))
    };
    let items: String = names.iter().filter_map(item).collect();
    let title = format!("Files in {}", prefix.trim_end_matches('/'));
    let html = format!("<h1>{}</h1><ul>{items}</ul>", render::escape(&title));
    Some(Rendered { title, html })
}

fn file(name: &str, bytes: &'static [u8], headers: &HeaderMap) -> Response {
    let ending = name.rsplit('.').next().unwrap_or_default();
    let (kind, is_kept) = match ending {
        "png" => ("image/png", false),
        "svg" => ("image/svg+xml", false),
        "json" => ("application/json", false),
        "html" => ("text/html; charset=utf-8", true),
        _ => ("text/plain; charset=utf-8", false),
    };
    let mut response = compress::body(headers, bytes.to_vec());
    let about = response.headers_mut();
    about.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if is_kept {
        // A program of its own, to be opened from the reader's disk and not as a page of ours.
        let name = name.rsplit('/').next().unwrap_or_default();
        if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
            about.insert(header::CONTENT_DISPOSITION, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of an attribute.
    fn values<'a>(html: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
        let mark = format!(" {name}=\"");
        html.match_indices(&mark)
            .map(|(at, _)| at + mark.len())
            .collect::<Vec<_>>()
            .into_iter()
            .map(|at| html[at..].split('"').next().unwrap())
    }

    #[test]
    fn every_link_of_the_documentation_resolves() {
        let mut faults = Vec::new();
        for (path, page) in PAGES.iter() {
            for link in values(&page.html, "href").chain(values(&page.html, "src")) {
                if link.starts_with("https://") || link.starts_with("mailto:") {
                    continue;
                }
                let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
                let target = target.strip_prefix("/docs/").unwrap_or(target);
                let target = if link.starts_with('#') { path } else { target };
                let found = PAGES.get(target);
                let is_file = FILES.iter().any(|(name, _)| *name == target);
                let is_known = found.is_some() || is_file || folder(target).is_some();
                let has = |page: &Rendered| values(&page.html, "id").any(|id| id == anchor);
                if !is_known || !anchor.is_empty() && !found.is_some_and(has) {
                    faults.push(format!("{path}: {link}"));
                }
            }
        }
        assert!(faults.is_empty(), "{faults:#?}");
        assert!(PAGES.len() > 10);
    }

    #[test]
    fn every_page_has_a_title_and_no_markup_that_it_was_not_given() {
        for (path, page) in PAGES.iter() {
            assert!(!page.title.is_empty(), "{path}");
            for forbidden in ["<script", "style=", "onclick", "javascript:"] {
                assert!(!page.html.contains(forbidden), "{path}: {forbidden}");
            }
        }
    }

    #[test]
    fn a_folder_s_own_page_is_the_folder() {
        assert_eq!(page_path("README.md"), "");
        assert_eq!(page_path("decisions/README.md"), "decisions/");
        assert_eq!(page_path("how-to/read-the-log.md"), "how-to/read-the-log");
        assert_eq!(is_served("reference/schemas").as_deref(), Some("reference/schemas/"));
        assert_eq!(is_served("../ARCHITECTURE.md"), None);
    }
}
