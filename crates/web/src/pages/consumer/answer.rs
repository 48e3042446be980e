//! What programs get behind a code: JSON, or the set of links that a GS1 resolver gives.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countermark_node::publications::PublicAnswer;
use serde_json::{Value, json};

use super::path_of;
use crate::App;
use crate::problem::Problem;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Page,
    Json,
    LinkSet,
    Verification,
}

const HTML: &str = "text/html";
const JSON: &str = "application/json";
const LINK_SET: &str = "application/linkset+json";
const VOCABULARY: &str = "https://gs1.org/voc/";

/// By the link type, else by what is accepted: the first of the types that we have with the greatest
/// weight, and a page where anything will do.
pub(super) fn wanted(headers: &HeaderMap, link_type: &str) -> Wanted {
    match link_type.trim_start_matches("gs1:") {
        "linkset" | "all" => return Wanted::LinkSet,
        "verificationService" => return Wanted::Verification,
        _ => {}
    }
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let mut best = (0.0, Wanted::Page);
    for part in accepted.unwrap_or_default().split(',') {
        let mut parts = part.split(';').map(str::trim);
        let wanted = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            HTML | "application/xhtml+xml" | "*/*" | "text/*" => Wanted::Page,
            JSON | "application/ld+json" | "application/*" => Wanted::Json,
            LINK_SET => Wanted::LinkSet,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        let weight = weight.unwrap_or(1.0);
        if weight > best.0 {
            best = (weight, wanted);
        }
    }
    best.1
}

fn respond(kind: &'static str, status: StatusCode, value: &Value) -> Response {
    let kind = HeaderValue::from_static(kind);
    (status, [(header::CONTENT_TYPE, kind)], value.to_string()).into_response()
}

fn status(answer: &PublicAnswer) -> StatusCode {
    let is_known = answer.publication.is_some() || !answer.recalls.is_empty();
    if is_known { StatusCode::OK } else { StatusCode::NOT_FOUND }
}

/// Paths of the bundles that were released, as they are served.
pub(super) fn bundle_paths(answer: &PublicAnswer) -> Vec<String> {
    let Some(publication) = &answer.publication else { return Vec::new() };
    let path = path_of(&publication.release.identifier);
    (0..publication.release.proofs.len()).map(|n| format!("{path}/bundle/{n}")).collect()
}

/// What was released, as data.
///
/// # Errors
/// Where it cannot be written, which is a fault of the program.
pub(super) fn json(answer: &PublicAnswer, path: &str) -> Result<Response, Problem> {
    let internal = |_| Problem::new("internal", "the answer could not be written");
    let value = json!({
        "identifier": answer.identifier,
        "path": path,
        "publication": serde_json::to_value(&answer.publication).map_err(internal)?,
        "recalls": serde_json::to_value(&answer.recalls).map_err(internal)?,
        "expired": answer.is_expired,
        "bundles": bundle_paths(answer),
    });
    Ok(respond(JSON, status(answer), &value))
}

/// The link set (RFC 9264) of an identifier. All its links lead to this server.
///
/// # Errors
/// None at present; the shape is that of the other answers.
pub(super) fn link_set(app: &App, answer: &PublicAnswer, path: &str) -> Result<Response, Problem> {
    let base = &app.settings().base_url;
    let page = format!("{base}{path}");
    let link = |href: String, title: &str, kind: &str| json!([{ "href": href, "title": title, "type": kind }]);
    let mut links = json!({ "anchor": page });
    if answer.publication.is_some() {
        links[format!("{VOCABULARY}pip")] = link(page.clone(), "Product information", HTML);
        links[format!("{VOCABULARY}traceability")] = link(page.clone(), "Its journey", HTML);
        links[format!("{VOCABULARY}defaultLink")] = link(page.clone(), "Product information", HTML);
    }
    if !answer.recalls.is_empty() {
        links[format!("{VOCABULARY}recallStatus")] = link(page.clone(), "Recalled", HTML);
        links[format!("{VOCABULARY}defaultLink")] = link(page, "Recalled", HTML);
    }
    if !bundle_paths(answer).is_empty() {
        let verify = format!("{base}/verify");
        links[format!("{VOCABULARY}verificationService")] = link(verify, "Check a proof", HTML);
    }
    Ok(respond(LINK_SET, status(answer), &json!({ "linkset": [links] })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(text))])
    }

    #[test]
    fn browsers_get_a_page_and_programs_what_they_ask_for() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert_eq!(wanted(&accepting(browser), ""), Wanted::Page);
        assert_eq!(wanted(&HeaderMap::new(), ""), Wanted::Page);
        assert_eq!(wanted(&accepting("application/json"), ""), Wanted::Json);
        assert_eq!(wanted(&accepting("text/html;q=0.5, application/json"), ""), Wanted::Json);
        assert_eq!(wanted(&accepting("application/linkset+json"), ""), Wanted::LinkSet);
        assert_eq!(wanted(&accepting("image/png"), ""), Wanted::Page);
        assert_eq!(wanted(&accepting(browser), "all"), Wanted::LinkSet);
        assert_eq!(wanted(&accepting(browser), "linkset"), Wanted::LinkSet);
        assert_eq!(wanted(&accepting(browser), "gs1:verificationService"), Wanted::Verification);
        assert_eq!(wanted(&accepting(browser), "gs1:pip"), Wanted::Page);
    }
}
