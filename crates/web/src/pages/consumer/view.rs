//! The consumer page: recall first, then what was released, then how it can be checked.

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use countermark_epcis::gs1::Identifier;
use countermark_epcis::json::Json;
use countermark_node::publications::{PublicAnswer, PublicStep, Publication, Recall};
use countermark_node::verify::{self, Report, Verdict as Outcome};

use super::answer::bundle_paths;
use super::words::{self, LANGUAGES, Words};
use crate::problem::Problem;
use crate::{assets, compress};

/// Steps that are shown before the rest is folded.
const STEPS_SHOWN: usize = 3;

struct RecallView {
    title: String,
    what_to_do: String,
    contact: String,
    member: String,
    since: String,
    identifier: String,
}

struct StepView {
    what: String,
    place: String,
    day: String,
}

struct ClaimView {
    text: String,
    who: String,
    is_own: bool,
}

struct Released {
    product: String,
    description: String,
    member: String,
    day: String,
    contact: String,
    /// Released for the product, where a lot or an item was asked for.
    is_wider: bool,
    steps: Vec<StepView>,
    more_steps: Vec<StepView>,
    claims: Vec<ClaimView>,
}

/// What came of checking a bundle.
pub(super) struct Verdict {
    class: &'static str,
    sentence: String,
    shown: Vec<(String, String)>,
}

struct Check {
    script: String,
    path: String,
    /// Paths, with spaces between them.
    bundles: String,
    files: Vec<String>,
    by_server: String,
    verdicts: Vec<Verdict>,
}

#[derive(Template)]
#[template(path = "consumer.html")]
struct ConsumerPage {
    w: &'static Words,
    languages: &'static [Words],
    title: String,
    mark: String,
    css: String,
    is_preview: bool,
    recalls: Vec<RecallView>,
    released: Option<Released>,
    is_expired: bool,
    facts: Vec<(String, String)>,
    check: Option<Check>,
}

fn recall(recall: &Recall, words: &Words) -> RecallView {
    RecallView {
        title: recall.notice.title.clone(),
        what_to_do: recall.notice.what_to_do.clone(),
        contact: recall.notice.contact.clone().unwrap_or_default(),
        member: recall.member.clone(),
        since: words.day_of(&recall.since),
        identifier: Identifier::parse(&recall.notice.identifier)
            .map_or_else(|_| recall.notice.identifier.clone(), |id| id.element_string()),
    }
}

fn step(step: &PublicStep, words: &Words) -> StepView {
    StepView {
        what: step.what.clone(),
        place: step.place.clone().unwrap_or_default(),
        day: step.date.as_deref().map_or_else(String::new, |day| words.day(day)),
    }
}

fn released(publication: &Publication, identifier: &str, words: &Words) -> Released {
    let release = &publication.release;
    let mut steps: Vec<StepView> = release.steps.iter().map(|one| step(one, words)).collect();
    let more = if steps.len() > STEPS_SHOWN {
        // The first, the one before the last, and the last say most of a journey.
        let all: Vec<StepView> = release.steps.iter().map(|one| step(one, words)).collect();
        let middle = steps.len() - 2;
        let mut at = 0..;
        steps.retain(|_| at.next().is_some_and(|at| at == 0 || at >= middle));
        all
    } else {
        Vec::new()
    };
    let claims = release.claims.iter().map(|claim| {
        let who = claim.said_by.clone().unwrap_or_else(|| publication.member.clone());
        ClaimView { text: claim.text.clone(), is_own: who == publication.member, who }
    });
    Released {
        product: release.product.clone(),
        description: release.description.clone().unwrap_or_default(),
        member: publication.member.clone(),
        day: words.day_of(&publication.released_at),
        contact: release.contact.clone().unwrap_or_default(),
        is_wider: release.identifier != identifier,
        steps,
        more_steps: more,
        claims: claims.collect(),
    }
}

fn facts(identifier: &Identifier, answer: &PublicAnswer, words: &Words) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut add = |name: &str, value: String| facts.push((name.to_owned(), value));
    match identifier.get("01") {
        Some(gtin) => add("GTIN", gtin.to_owned()),
        None => add(identifier.key_type().name(), identifier.element_string()),
    }
    let release = answer.publication.as_ref().map(|publication| &publication.release);
    let lot = release.and_then(|release| Identifier::parse(release.lot.as_deref()?).ok());
    let lot = identifier.get("10").or_else(|| lot.as_ref().and_then(|lot| lot.get("10")));
    if let Some(lot) = lot {
        add(words.lot, lot.to_owned());
    }
    if let Some(serial) = identifier.get("21") {
        add(words.serial, serial.to_owned());
    }
    if let Some(day) = release.and_then(|release| release.made.as_deref()) {
        add(words.made, words.day(day));
    }
    if let Some(day) = release.and_then(|release| release.best_before.as_deref()) {
        add(words.best_before, words.day(day));
    }
    facts
}

/// What a bundle's verification means for a layman.
pub(super) fn verdict(report: &Report, words: &'static Words) -> Verdict {
    if report.verdict != Outcome::Holds {
        let sentence = if report.verdict == Outcome::DoesNotHold {
            words.fails.to_owned()
        } else {
            format!("{} {}", words.unchecked, report.message)
        };
        return Verdict { class: "bad", sentence, shown: Vec::new() };
    }
    let record = report.records.first();
    let member = record.and_then(|record| record.member_name.clone()).unwrap_or_default();
    let time_ms = record.map_or(0, |record| record.block_time_ms);
    let time = countermark_epcis::time::Instant::format_ms(time_ms.cast_signed());
    let sentence = words.holds.replace("{member}", &member).replace("{time}", &words.day_of(&time));
    let shown = record.map_or_else(Vec::new, |record| verify::shown(&record.verified));
    let shown = shown.into_iter().filter_map(|one| Some((label(&one.pointer), text(&one.value?))));
    Verdict { class: "good", sentence, shown: shown.collect() }
}

fn label(pointer: &str) -> String {
    let parts = pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"));
    parts.collect::<Vec<_>>().join(" · ")
}

fn text(value: &Json) -> String {
    let Some(text) = value.as_str() else { return value.to_text() };
    let word = text.strip_prefix("https://ref.gs1.org/cbv/").and_then(|rest| rest.split_once('-'));
    word.map_or_else(|| text.to_owned(), |(_, word)| word.replace('_', " "))
}

/// The page of an answer.
///
/// # Errors
/// Where the template cannot be written, which is a fault of the program.
pub(super) fn page(
    answer: &PublicAnswer,
    identifier: &Identifier,
    words: &'static Words,
    check_path: &str,
    verdicts: Vec<Verdict>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let files = bundle_paths(answer);
    let by = answer.publication.as_ref().map_or("", |publication| &publication.member);
    let check = (!files.is_empty()).then(|| Check {
        script: assets::path("consumer.js"),
        path: check_path.to_owned(),
        bundles: files.join(" "),
        files,
        by_server: words.by_server.replace("{member}", by),
        verdicts,
    });
    let is_known = answer.publication.is_some() || !answer.recalls.is_empty();
    let status = if is_known { StatusCode::OK } else { StatusCode::NOT_FOUND };
    render(answer, identifier, words, check, false, status, headers)
}

/// What the page would look like, of a release that is not one yet.
///
/// # Errors
/// As [`page`].
pub(crate) fn preview(
    publication: Publication,
    identifier: &Identifier,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let answer = PublicAnswer {
        identifier: publication.release.identifier.clone(),
        publication: Some(publication),
        recalls: Vec::new(),
        is_expired: false,
    };
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let words = words::choose("", accepted.unwrap_or_default());
    render(&answer, identifier, words, None, true, StatusCode::OK, headers)
}

fn render(
    answer: &PublicAnswer,
    identifier: &Identifier,
    words: &'static Words,
    check: Option<Check>,
    is_preview: bool,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let released = answer.publication.as_ref().map(|one| released(one, &answer.identifier, words));
    let recalls: Vec<RecallView> = answer.recalls.iter().map(|one| recall(one, words)).collect();
    let title = match (&released, recalls.first()) {
        (_, Some(_)) => words.recalled.to_owned(),
        (Some(released), None) => released.product.clone(),
        (None, None) => words.nothing.to_owned(),
    };
    let page = ConsumerPage {
        w: words,
        languages: &LANGUAGES,
        title,
        mark: assets::path("mark.svg"),
        css: assets::path("consumer.css"),
        is_preview,
        recalls,
        released,
        is_expired: answer.is_expired,
        facts: facts(identifier, answer, words),
        check,
    };
    let text = page.render().map_err(|error| {
        tracing::error!(%error, "a page could not be written");
        Problem::new("internal", "the page could not be written")
    })?;
    let text = crate::page::without_turns(text);
    let mut response = compress::body(headers, text.into_bytes());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    let language = HeaderValue::from_static(words.code);
    response.headers_mut().insert(header::CONTENT_LANGUAGE, language);
    Ok(response)
}
