//! What all pages share: the frame of words and links around them, and the page of a problem.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countermark_node::access::{Permission, Principal};

use crate::assets;
use crate::problem::Problem;

/// A place that the rail leads to.
struct Place {
    key: &'static str,
    path: &'static str,
    words: &'static str,
    permission: Permission,
}

const PLACES: [Place; 10] = [
    Place { key: "overview", path: "/app", words: "Overview", permission: Permission::Read },
    Place { key: "events", path: "/app/events", words: "Events", permission: Permission::Read },
    Place { key: "trace", path: "/app/trace", words: "Trace", permission: Permission::Read },
    Place { key: "import", path: "/app/import", words: "Import", permission: Permission::Capture },
    Place {
        key: "documents",
        path: "/app/documents",
        words: "Documents",
        permission: Permission::Read,
    },
    Place { key: "members", path: "/app/members", words: "Members", permission: Permission::Read },
    Place {
        key: "ledger",
        path: "/app/ledger",
        words: "Ledger",
        permission: Permission::ReadLedger,
    },
    Place {
        key: "publications",
        path: "/app/publications",
        words: "Publications",
        permission: Permission::Publish,
    },
    Place {
        key: "settings",
        path: "/app/settings",
        words: "Master data",
        permission: Permission::Configure,
    },
    Place {
        key: "accounts",
        path: "/app/accounts",
        words: "Accounts",
        permission: Permission::ManageAccounts,
    },
];

/// A link of the rail.
pub(crate) struct Link {
    pub(crate) path: &'static str,
    pub(crate) words: &'static str,
    pub(crate) is_here: bool,
}

/// What is around every page.
pub(crate) struct Frame {
    /// The answer to the page's question where there is one, in a few words.
    pub(crate) title: String,
    pub(crate) links: Vec<Link>,
    /// Who is signed in.
    pub(crate) account: Option<String>,
    pub(crate) css: String,
    pub(crate) script: String,
    pub(crate) mark: String,
}

impl Frame {
    /// The frame of a page in one of the places of the rail; `key` may be of none.
    pub(crate) fn new(title: impl Into<String>, key: &str, caller: Option<&Principal>) -> Self {
        let links = caller.map_or_else(Vec::new, |principal| {
            let open = PLACES.iter().filter(|place| principal.may(place.permission));
            let link = |place: &Place| Link {
                path: place.path,
                words: place.words,
                is_here: place.key == key,
            };
            open.map(link).collect()
        });
        Self {
            title: title.into(),
            links,
            account: caller.map(|principal| principal.name.clone()),
            css: assets::path("app.css"),
            script: assets::path("app.js"),
            mark: assets::path("mark.svg"),
        }
    }
}

/// A page.
///
/// # Errors
/// Where the template cannot be written, which is a fault of the program.
pub(crate) fn html(template: &impl Template) -> Result<Response, Problem> {
    answer(StatusCode::OK, template)
}

/// A page with a status of its own, such as a form with its errors (422).
pub(crate) fn answer(status: StatusCode, template: &impl Template) -> Result<Response, Problem> {
    let text = template.render().map_err(|error| {
        tracing::error!(%error, "a page could not be written");
        Problem::new("internal", "the page could not be written")
    })?;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    Ok((status, [(header::CONTENT_TYPE, kind)], without_turns(text)).into_response())
}

/// A page in which no text that came from elsewhere can turn the direction of reading: a character
/// that would is shown as a mark instead. Our own pages hold none.
pub(crate) fn without_turns(page: String) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if page.contains(turns) { page.replace(turns, "\u{fffd}") } else { page }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    frame: Frame,
    problem: &'a Problem,
}

/// A problem as a page.
pub(crate) fn problem(problem: &Problem, caller: Option<&Principal>) -> Response {
    let page = ProblemPage { frame: Frame::new(problem.title, "", caller), problem };
    let mut response = match answer(problem.status(), &page) {
        Ok(response) => response,
        Err(_) => (problem.status(), problem.title).into_response(),
    };
    if let Some(after) = problem.retry_after {
        let seconds = HeaderValue::from(after.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// A form shown again because of a problem, with the problem's status.
pub(crate) fn refused(problem: &Problem, template: &impl Template) -> Result<Response, Problem> {
    let mut response = answer(problem.status(), template)?;
    if let Some(after) = problem.retry_after {
        let seconds = HeaderValue::from(after.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::without_turns;

    #[test]
    fn a_text_turns_no_direction_and_names_in_other_scripts_stay_as_they_are() {
        assert_eq!(without_turns("lot \u{202e}TXE\u{2066}".to_owned()), "lot \u{fffd}TXE\u{fffd}");
        let names = "مزرعة\u{200f} חווה";
        assert_eq!(without_turns(names.to_owned()), names);
    }
}
