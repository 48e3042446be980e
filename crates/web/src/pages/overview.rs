//! What came in, what was refused, what is proven, what waits.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use countermark_node::access::{Permission, Principal};
use countermark_node::explore::LogHead;
use countermark_node::jobs::{Job, JobState, JobsQuery};
use countermark_node::{Node, NodeError, NodeStanding};

use crate::App;
use crate::guard::Caller;
use crate::page::{self, Frame};
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

/// Documents that the overview tells of.
const LAST: u32 = 30;

pub(crate) fn routes() -> Vec<Route> {
    let doc = Operation::page("What came in, what was refused, what is proven, what waits");
    vec![Route::get("/app", Access::Allowed(Permission::Read), get(show), doc)]
}

struct Seen {
    jobs: Vec<Job>,
    running: Vec<Job>,
    quarantined: usize,
    head: LogHead,
    read_only: Option<String>,
    needs_password: bool,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    frame: Frame,
    seen: Seen,
    accepted: u64,
    refused: usize,
    captures: bool,
    ledger: bool,
}

fn look(node: &Node, caller: &Principal) -> Result<Seen, NodeError> {
    let scope = caller.scope();
    let jobs = |state| {
        let query = JobsQuery { state, per_page: LAST, ..JobsQuery::default() };
        node.jobs(&scope, &query).map(|page| page.jobs)
    };
    let mut running = jobs(Some(JobState::Running))?;
    running.extend(jobs(Some(JobState::Queued))?);
    let read_only = match node.node_standing() {
        NodeStanding::Writing => None,
        NodeStanding::ReadOnly { reason } => Some(reason),
    };
    let needs_password = caller.may(Permission::ManageAccounts)
        && node.account_list(caller)?.iter().any(|account| {
            account.id == caller.account && !account.has_password && account.openid.is_none()
        });
    Ok(Seen {
        jobs: jobs(Some(JobState::Finished))?,
        running,
        quarantined: node.quarantine(&scope)?.len(),
        head: node.log_head()?,
        read_only,
        needs_password,
    })
}

async fn show(State(app): State<App>, Caller(caller): Caller) -> Result<Response, Problem> {
    let by = caller.clone();
    let seen = app.run(move |node| look(node, &by)).await?;
    let accepted = seen.jobs.iter().map(|job| job.accepted).sum();
    let refused = seen.jobs.iter().filter(|job| !job.success).count();
    page::html(&Page {
        frame: Frame::new("Overview", "overview", Some(&caller)),
        seen,
        accepted,
        refused,
        captures: caller.may(Permission::Capture),
        ledger: caller.may(Permission::ReadLedger),
    })
}
