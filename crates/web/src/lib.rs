//! REST API and pages of a node: thin handlers that call its use cases.
//!
//! [`App`] is a node behind a server, [`router`] what it answers, [`server::serve`] the loop that
//! answers. Who may call what stands in one table, [`route::table`].

mod api;
mod assets;
mod body;
mod compress;
mod guard;
mod health;
mod lanes;
pub mod limits;
mod metrics;
pub mod openapi;
mod openid;
mod operation;
mod page;
mod page_parts;
mod pages;
mod problem;
mod rate;
pub mod route;
pub mod server;
#[cfg(test)]
mod testing;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use countermark_net::oidc::Provider;
use countermark_node::access::AccountId;
use countermark_node::{Node, NodeError};
use tokio::sync::Semaphore;

pub use crate::problem::Problem;

use crate::limits::{
    CALLER_REQUESTS_PER_MINUTE_MAX, CALLS_MAX, CHECKS_MAX, COSTLY_REQUESTS_PER_MINUTE_MAX,
    RETRY_AFTER, UNKNOWN_REQUESTS_PER_MINUTE_MAX, WAITING_MAX, WORKERS_MAX,
};
use crate::metrics::Metrics;
use crate::openid::OpenId;
use crate::rate::Rate;

/// How a server is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address under which people know it, without a slash at the end, such as
    /// `https://ledger.example.com`. Links that leave the server begin with it.
    pub base_url: String,
}

impl Settings {
    /// Whether people reach it over TLS, so that cookies must not travel otherwise.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.base_url.starts_with("https://")
    }
}

/// A node behind a server.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    node: Arc<Node>,
    settings: Settings,
    metrics: Metrics,
    openid: Option<OpenId>,
    /// Use cases.
    work: Lane,
    /// Who calls: small questions that must not wait until use cases are done.
    checks: Lane,
    /// Calls to other machines, which must not keep use cases waiting where those do not answer.
    calls: Lane,
    unknown_rate: Rate<IpAddr>,
    costly_rate: Rate<IpAddr>,
    caller_rate: Rate<AccountId>,
}

/// Room for work that blocks: so much at once, and so much that waits.
struct Lane {
    at_once: Semaphore,
    queue: Semaphore,
}

impl Lane {
    fn new(at_once: usize) -> Self {
        Self { at_once: Semaphore::new(at_once), queue: Semaphore::new(at_once + WAITING_MAX) }
    }
}

impl App {
    /// Puts a node behind a server.
    #[must_use]
    pub fn new(node: Arc<Node>, settings: Settings) -> Self {
        Self::with_openid(node, settings, None)
    }

    /// Puts a node behind a server where people can also sign in by an OpenID provider.
    #[must_use]
    pub fn with_openid(node: Arc<Node>, settings: Settings, provider: Option<Provider>) -> Self {
        Self(Arc::new(Inner {
            node,
            settings,
            metrics: Metrics::new(),
            openid: provider.map(OpenId::new),
            work: Lane::new(WORKERS_MAX),
            checks: Lane::new(CHECKS_MAX),
            calls: Lane::new(CALLS_MAX),
            unknown_rate: Rate::new(UNKNOWN_REQUESTS_PER_MINUTE_MAX),
            costly_rate: Rate::new(COSTLY_REQUESTS_PER_MINUTE_MAX),
            caller_rate: Rate::new(CALLER_REQUESTS_PER_MINUTE_MAX),
        }))
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.0.node
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Runs a use case on a thread that may block. There is room for a bounded number.
    ///
    /// # Errors
    /// The use case's own, as a problem; `too-many` where there is no room.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Node) -> Result<T, NodeError> + Send + 'static,
    ) -> Result<T, Problem> {
        let node = Arc::clone(&self.0.node);
        Ok(self.block(&self.0.work, move || work(&node)).await??)
    }

    /// Asks the node who calls, or notes that he was refused.
    ///
    /// # Errors
    /// As [`App::run`].
    pub(crate) async fn check<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Node) -> Result<T, NodeError> + Send + 'static,
    ) -> Result<T, Problem> {
        let node = Arc::clone(&self.0.node);
        Ok(self.block(&self.0.checks, move || work(&node)).await??)
    }

    /// Does something that calls another machine.
    ///
    /// # Errors
    /// `too-many` where there is no room.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&App) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let app = self.clone();
        self.block(&self.0.calls, move || work(&app)).await
    }

    async fn block<T: Send + 'static>(
        &self,
        lane: &Lane,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let full = || {
            Problem::new("too-many", "the node has enough to do; nothing was stored")
                .hint("send it again a little later")
                .retry_after(RETRY_AFTER)
        };
        let _place = lane.queue.try_acquire().map_err(|_| full())?;
        self.0.metrics.waiting.inc();
        let done = match lane.at_once.acquire().await {
            // Off this thread it runs to its end even where the caller goes away.
            Ok(_worker) => tokio::task::spawn_blocking(work).await,
            Err(_) => {
                self.0.metrics.waiting.dec();
                return Err(full());
            }
        };
        self.0.metrics.waiting.dec();
        done.map_err(|error| {
            tracing::error!(%error, "a use case broke off");
            Problem::new("internal", "the use case broke off")
        })
    }

    pub(crate) fn openid(&self) -> Option<&OpenId> {
        self.0.openid.as_ref()
    }
}

/// What a server answers: the route table, each route behind its guard.
pub fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in route::table() {
        let guarded = guard::around(&app, &route);
        router = router.route(route.path, guarded);
    }
    router
        .fallback(guard::unknown_path)
        .method_not_allowed_fallback(guard::unknown_method)
        .layer(axum::middleware::from_fn_with_state(app.clone(), guard::frame))
        .with_state(app)
}
