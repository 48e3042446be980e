//! Is this file genuine? Checked in the browser where scripts run; else by this server, which says so.

use std::sync::LazyLock;

use askama::Template;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use countermark_node::NodeError;
use countermark_node::verify::{self, Answer, Verdict};

use crate::App;
use crate::assets;
use crate::body;
use crate::guard::MaybeCaller;
use crate::limits::BUNDLE_BYTES_MAX;
use crate::page::{self, Frame};
use crate::page_parts::State as Known;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

/// Where the form sends the files to where no script takes them.
const CHECK_PATH: &str = "/verify/check";

/// The verifier's part of the page. Its form leads to this server's own check.
static BODY: LazyLock<String> = LazyLock::new(|| {
    let text = include_str!("../../templates/verify-body.html");
    let text = text.replace("action=\"/verify\"", &format!("action=\"{CHECK_PATH}\""));
    let (before, rest) = text.split_once("<noscript>").unwrap_or((&text, ""));
    let (_, after) = rest.split_once("</noscript>").unwrap_or(("", rest));
    format!(
        "{before}<noscript><p>Scripts do not run here: the files are sent to this server, which \
         checks them. It is then the server whom you believe, not your device.</p></noscript>{after}"
    )
});

pub(crate) fn routes() -> Vec<Route> {
    let checked = post(check).layer(DefaultBodyLimit::disable());
    vec![
        Route::get("/verify", Access::Public, get(show), Operation::page("Verify a bundle")),
        Route::post(
            CHECK_PATH,
            Access::PublicCostly,
            checked,
            Operation::page("Verify a bundle on the server"),
        ),
    ]
}

#[derive(Template)]
#[template(path = "verify.html")]
struct VerifyPage {
    frame: Frame,
    css: String,
    views: String,
    script: String,
    body: &'static str,
    checked: Option<Checked>,
}

struct Line {
    claim: String,
    state: Known,
    detail: String,
}

struct Checked {
    title: String,
    class: &'static str,
    message: String,
    lines: Vec<Line>,
    shown: Vec<(String, String)>,
    recorded: String,
}

fn frame(caller: &MaybeCaller, title: &str) -> VerifyPage {
    VerifyPage {
        frame: Frame::new(title, "verify", caller.0.as_deref()),
        css: assets::path("verifier.css"),
        views: assets::path("views.css"),
        script: assets::path("verify-page.js"),
        body: &BODY,
        checked: None,
    }
}

async fn show(caller: MaybeCaller) -> Result<Response, Problem> {
    page::html(&frame(&caller, "Verify a bundle"))
}

/// The files of the form, by their fields.
async fn files(request: Request) -> Result<(Vec<u8>, Option<Vec<u8>>), Problem> {
    body::require_type(request.headers(), &["multipart/form-data"])?;
    let (parts, whole) = request.into_parts();
    let whole = Request::from_parts(parts.clone(), whole);
    let bytes = body::read(whole, 2 * BUNDLE_BYTES_MAX).await?;
    let request = Request::from_parts(parts, Body::from(bytes));
    let broken = |error: &dyn std::fmt::Display| {
        Problem::new("bad-request", format!("the form cannot be read: {error}"))
    };
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|error| broken(&error))?;
    let (mut bundle, mut trust) = (Vec::new(), None);
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(|error| broken(&error))?;
        match name.as_str() {
            "bundle" => bundle = bytes.to_vec(),
            "trust" if !bytes.is_empty() => trust = Some(bytes.to_vec()),
            _ => {}
        }
    }
    Ok((bundle, trust))
}

async fn check(
    axum::extract::State(app): axum::extract::State<App>,
    caller: MaybeCaller,
    request: Request,
) -> Result<Response, Problem> {
    let (bundle, trust) = files(request).await?;
    let mut page = frame(&caller, "Verify a bundle");
    if bundle.is_empty() {
        page.checked = Some(unreadable("Choose a bundle first."));
        return page::answer(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let checked = app
        .run(move |_| match verify::verify("the bundle", &bundle, trust.as_deref()) {
            Ok(report) => Ok(Ok((report.verdict, Answer::from(&report)))),
            Err(error @ NodeError::Unreadable { .. }) => Ok(Err(error.to_string())),
            Err(error) => Err(error),
        })
        .await?;
    match checked {
        Ok((verdict, answer)) => {
            page.checked = Some(told(verdict, &answer));
            page::html(&page)
        }
        Err(what) => {
            page.checked = Some(unreadable(&what));
            page::answer(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

fn unreadable(what: &str) -> Checked {
    Checked {
        title: "There is nothing that can be checked".to_owned(),
        class: "note error",
        message: what.to_owned(),
        lines: Vec::new(),
        shown: Vec::new(),
        recorded: String::new(),
    }
}

fn told(verdict: Verdict, answer: &Answer) -> Checked {
    let (title, class) = match verdict {
        Verdict::Holds => ("It holds", "note ok"),
        Verdict::LogKeyNotChecked => {
            ("It fits together; whose log it is was not checked", "note warn")
        }
        Verdict::DoesNotHold => {
            ("Altered, or not the original. Nothing else in it can be relied on.", "note error")
        }
    };
    let state = |word: &str| match word {
        "proven" => Known::Proven,
        "contradicted" => Known::Contradicted,
        _ => Known::NotChecked,
    };
    // Where it does not hold, only what does not is shown.
    let fails = verdict == Verdict::DoesNotHold;
    let lines = answer.checks.iter().filter(|step| !fails || step.state == "contradicted");
    let lines = lines.map(|step| Line {
        claim: step.check.clone(),
        state: state(&step.state),
        detail: step.detail.clone(),
    });
    let shown = answer.disclosed.iter().filter(|_| !fails).map(|one| {
        let pointer = if one.pointer.is_empty() { "the event" } else { &one.pointer };
        let value = one.value.as_ref().map_or_else(|| "absent".to_owned(), |v| v.to_text());
        (pointer.to_owned(), value)
    });
    let recorded = answer.record.as_ref().filter(|_| !fails).map(|record| {
        let member = record.member_name.as_ref().unwrap_or(&record.member);
        format!("Recorded by {member}, block {} of {}.", record.height, record.block_time)
    });
    Checked {
        title: title.to_owned(),
        class,
        message: answer.message.clone(),
        lines: lines.collect(),
        shown: shown.collect(),
        recorded: recorded.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_scripts_the_form_leads_to_the_server_and_the_page_says_so() {
        assert!(BODY.contains("action=\"/verify/check\"") && !BODY.contains("action=\"/verify\""));
        assert!(BODY.contains("the server whom you believe"));
        assert_eq!(BODY.matches("<noscript>").count(), 1);
        assert_eq!(BODY.matches("</section>").count(), 1);
    }
}
