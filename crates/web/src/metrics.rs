//! Counts and durations of requests, in the exposition format of OpenMetrics.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds of the histogram, in seconds.
const BOUNDS_SECONDS: [f64; 10] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    /// As the route table writes it: the number of series is bounded.
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RefusalLabels {
    reason: String,
}

/// What a node says of itself when it is asked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NodeFigures {
    pub(crate) height: i64,
}

/// The metrics of a server.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    refusals: Family<RefusalLabels, Counter>,
    pub(crate) connections: Gauge,
    pub(crate) waiting: Gauge,
    height: Gauge,
    refused_connections: Counter<u64, AtomicU64>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("countermark");
        let requests = Family::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        let make: fn() -> Histogram = || Histogram::new(BOUNDS_SECONDS);
        let durations = Family::new_with_constructor(make);
        registry.register_with_unit(
            "http_request_duration",
            "Time from the head of a request to the head of its answer",
            Unit::Seconds,
            durations.clone(),
        );
        let refusals = Family::default();
        registry.register("http_refusals", "Requests refused, by reason", refusals.clone());
        let connections = Gauge::default();
        registry.register("http_connections", "Open connections", connections.clone());
        let refused_connections = Counter::default();
        registry.register(
            "http_refused_connections",
            "Connections closed because one address had too many",
            refused_connections.clone(),
        );
        let waiting = Gauge::default();
        registry.register("use_cases_waiting", "Use cases that wait or run", waiting.clone());
        let height = Gauge::default();
        registry.register("ledger_height", "Height of the newest block", height.clone());
        Self {
            registry,
            requests,
            durations,
            refusals,
            connections,
            waiting,
            height,
            refused_connections,
        }
    }

    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let labels = RequestLabels { method: method.to_owned(), route: route.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        let labels = RouteLabels { route: route.to_owned() };
        self.durations.get_or_create(&labels).observe(took.as_secs_f64());
    }

    pub(crate) fn refused(&self, reason: &str) {
        self.refusals.get_or_create(&RefusalLabels { reason: reason.to_owned() }).inc();
    }

    pub(crate) fn connection_refused(&self) {
        self.refused_connections.inc();
    }

    /// The exposition, with what the node says of itself.
    pub(crate) fn write(&self, figures: NodeFigures) -> String {
        self.height.set(figures.height);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _never = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}
