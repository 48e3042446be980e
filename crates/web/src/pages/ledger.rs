//! What stands in the ledger, and why may I believe that it stands there unchanged?

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use countermark_node::access::Permission;
use countermark_node::explore::{
    BlockSummary, EvidenceState, LeafDetail, LeafEvidence, LogHead, Side, StatementSummary,
};
use countermark_node::verify::hex;

use crate::App;
use crate::body::Form;
use crate::guard::Caller;
use crate::page::{self, Frame};
use crate::page_parts::State as Known;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

/// Blocks on a page.
const BLOCKS: usize = 50;
/// Records whose ids are listed of one statement at most.
const RECORDS_MAX: usize = 200;
/// Bytes of a leaf that are shown in hexadecimal.
const HEX_BYTES_MAX: usize = 4_096;

pub(crate) fn routes() -> Vec<Route> {
    let may = Access::Allowed(Permission::ReadLedger);
    let page = Operation::page;
    vec![
        Route::get("/app/ledger", may, get(blocks), page("The blocks, newest first")),
        Route::get("/app/ledger/blocks/{height}", may, get(block), page("One block")),
        Route::get("/app/ledger/leaves/{index}", may, get(leaf), page("One leaf and its proof")),
        Route::get("/app/ledger/leaves/{index}/raw", may, get(raw), page("A leaf's bytes")),
        Route::get("/app/ledger/leaves/{index}/cose", may, get(cose), page("A signed statement")),
    ]
}

struct BlockLine {
    height: u64,
    time: String,
    statements: String,
    leaf: u64,
    hash: String,
    by: String,
}

#[derive(Template)]
#[template(path = "ledger.html")]
struct BlocksView {
    frame: Frame,
    views: String,
    log: LogHead,
    time: String,
    checkpoint: String,
    lines: Vec<BlockLine>,
    older: String,
    is_newest: bool,
}

/// `2026-03-01 10:00` of a moment in UTC.
fn moment(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

/// The first digits of a hash: enough to tell it from others, never enough to check it.
fn brief(hash: &str) -> String {
    format!("{}…", hash.get(..12).unwrap_or(hash))
}

fn counted(block: &BlockSummary) -> String {
    if block.kinds.is_empty() {
        return "no statements".to_owned();
    }
    let kinds = block.kinds.iter().map(|(kind, count)| format!("{count} {kind}"));
    kinds.collect::<Vec<_>>().join(", ")
}

fn by(block: &BlockSummary) -> String {
    block.proposer_member.clone().unwrap_or_else(|| format!("key {}", brief(&block.proposer)))
}

async fn blocks(
    State(app): State<App>,
    Caller(caller): Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let before: Option<u64> = form.some("before").and_then(|text| text.parse().ok());
    let (found, checkpoint) = app
        .run(move |node| Ok((node.blocks(before, BLOCKS)?, node.log_resource("checkpoint")?)))
        .await?;
    let line = |block: &BlockSummary| BlockLine {
        height: block.height,
        time: moment(&block.time),
        statements: counted(block),
        leaf: block.header_leaf,
        hash: brief(&block.hash),
        by: by(block),
    };
    page::html(&BlocksView {
        frame: Frame::new("Ledger", "ledger", Some(&caller)),
        views: crate::assets::path("views.css"),
        time: moment(&found.log.block_time),
        checkpoint: String::from_utf8_lossy(&checkpoint).into_owned(),
        lines: found.blocks.iter().map(line).collect(),
        older: found.next.map_or_else(String::new, |next| format!("/app/ledger?before={next}")),
        is_newest: before.is_none(),
        log: found.log,
    })
}

struct StatementLine {
    leaf: u64,
    sentence: String,
    kind: String,
    sequence: u64,
    bytes: u64,
}

#[derive(Template)]
#[template(path = "block.html")]
struct BlockView {
    frame: Frame,
    views: String,
    block: BlockSummary,
    time: String,
    by: String,
    statements: Vec<StatementLine>,
    newest: u64,
}

/// What a statement says, as a sentence.
fn sentence(statement: &StatementSummary) -> String {
    let who = &statement.member_name;
    match statement.kind.as_str() {
        "genesis" => format!("{who} began this ledger."),
        "member" => format!("{who} stated that a member was added, suspended, resumed or left."),
        "key" => format!("{who} registered, replaced or revoked a signing key."),
        "capture" => match statement.records {
            Some(1) => format!("{who} recorded 1 event."),
            Some(count) => format!("{who} recorded {count} events."),
            None => format!("{who} recorded events."),
        },
        "endorsement" => format!("{who} endorsed what another recorded."),
        "document" => format!("{who} committed to a document."),
        "erasure" => format!("{who} erased values of a record; its proofs stay."),
        "clock" => format!("{who} confirmed that the clock jumped."),
        other => format!("{who} stated: {other}."),
    }
}

async fn block(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(height): Path<u64>,
) -> Result<Response, Problem> {
    let (found, head) = app.run(move |node| Ok((node.block(height)?, node.log_head()?))).await?;
    let line = |statement: &StatementSummary| StatementLine {
        leaf: statement.leaf_index,
        sentence: sentence(statement),
        kind: statement.kind.clone(),
        sequence: statement.sequence,
        bytes: statement.bytes,
    };
    page::html(&BlockView {
        frame: Frame::new(format!("Block {height}"), "ledger", Some(&caller)),
        views: crate::assets::path("views.css"),
        time: moment(&found.block.time),
        by: by(&found.block),
        statements: found.statements.iter().map(line).collect(),
        block: found.block,
        newest: head.height,
    })
}

struct Check {
    claim: String,
    state: Known,
    detail: String,
}

struct Rung {
    level: usize,
    is_left: bool,
    sibling: String,
    result: String,
}

#[derive(Template)]
#[template(path = "leaf.html")]
struct LeafView {
    frame: Frame,
    views: String,
    script: String,
    leaf: LeafDetail,
    sentence: String,
    time: String,
    answer: String,
    checks: Vec<Check>,
    rungs: Vec<Rung>,
    records: Vec<String>,
    more_records: usize,
    content: String,
    hex: String,
    is_cut: bool,
    checkpoint: String,
    is_statement: bool,
    last: u64,
}

fn known(state: EvidenceState) -> Known {
    match state {
        EvidenceState::Proven => Known::Proven,
        EvidenceState::Contradicted => Known::Contradicted,
        EvidenceState::NotChecked => Known::NotChecked,
        EvidenceState::NotAvailable => Known::NotAvailable,
    }
}

/// The checklist in one sentence.
fn answer(found: &LeafEvidence) -> String {
    let count = |state| found.evidence.iter().filter(|line| line.state == state).count();
    match (count(EvidenceState::Contradicted), count(EvidenceState::Proven)) {
        (0, proven) => format!(
            "Leaf {} stands in the log of {} leaves: {proven} of {} checks are proven, none is \
             contradicted.",
            found.detail.index,
            found.detail.inclusion.tree_size,
            found.evidence.len()
        ),
        (_, _) => format!("Leaf {} does not hold: do not rely on it.", found.detail.index),
    }
}

async fn leaf(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(index): Path<u64>,
) -> Result<Response, Problem> {
    let scope = caller.scope();
    let found = app.run(move |node| node.leaf_evidence(&scope, index)).await?;
    let answer = answer(&found);
    let LeafEvidence { detail, bytes, checkpoint, evidence } = found;
    let checks = evidence.into_iter().map(|line| Check {
        claim: line.claim,
        state: known(line.state),
        detail: line.detail,
    });
    let rungs = detail.inclusion.path.iter().zip(1..).map(|(step, level)| Rung {
        level,
        is_left: step.side == Side::Left,
        sibling: step.sibling.clone(),
        result: step.result.clone(),
    });
    let sentence = match &detail.statement {
        Some(statement) => sentence(statement),
        None if detail.kind == "block header" => {
            format!("It is the header of block {}.", detail.height)
        }
        None => format!("It is a leaf of the kind \"{}\".", detail.kind),
    };
    page::html(&LeafView {
        frame: Frame::new(format!("Leaf {index}"), "ledger", Some(&caller)),
        views: crate::assets::path("views.css"),
        script: crate::assets::path("ladder.js"),
        time: moment(&detail.block_time),
        sentence,
        answer,
        checks: checks.collect(),
        rungs: rungs.collect(),
        records: detail.records.iter().take(RECORDS_MAX).cloned().collect(),
        more_records: detail.records.len().saturating_sub(RECORDS_MAX),
        content: detail.content.as_ref().map_or_else(String::new, pretty),
        hex: hex(bytes.get(..HEX_BYTES_MAX).unwrap_or(&bytes)),
        is_cut: bytes.len() > HEX_BYTES_MAX,
        checkpoint,
        is_statement: detail.statement.is_some(),
        last: detail.inclusion.tree_size.saturating_sub(1),
        leaf: detail,
    })
}

/// JSON with a line for each value.
fn pretty(value: &countermark_epcis::json::Json) -> String {
    let text = value.to_text();
    let parsed: Result<serde_json::Value, _> = serde_json::from_str(&text);
    parsed.ok().and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or(text)
}

async fn raw(
    State(app): State<App>,
    _: Caller,
    Path(index): Path<u64>,
) -> Result<Response, Problem> {
    let bytes = app.run(move |node| node.leaf_bytes(index)).await?;
    Ok(download("application/octet-stream", &format!("leaf-{index}.bin"), bytes))
}

async fn cose(
    State(app): State<App>,
    _: Caller,
    Path(index): Path<u64>,
) -> Result<Response, Problem> {
    let (detail, bytes) =
        app.run(move |node| Ok((node.leaf(index)?, node.leaf_bytes(index)?))).await?;
    if detail.statement.is_none() {
        let what = format!("leaf {index} is a {}, not a signed statement", detail.kind);
        return Err(Problem::new("not-found", what));
    }
    // The first byte is the leaf's kind; the signed statement follows.
    let statement = bytes.get(1..).unwrap_or_default().to_vec();
    Ok(download("application/cose", &format!("statement-{index}.cose"), statement))
}

fn download(kind: &'static str, name: &str, bytes: Vec<u8>) -> Response {
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::CONTENT_DISPOSITION,
            disposition.unwrap_or(HeaderValue::from_static("attachment")),
        ),
    ];
    (headers, bytes).into_response()
}
