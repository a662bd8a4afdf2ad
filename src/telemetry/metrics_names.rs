//! The name of every metric, with what it counts and which label values are known beforehand.
//!
//! Use the constants with the macros of the `metrics` crate: `counter!(NOTIFICATIONS_TOTAL, "result" => "accepted")`.

use metrics::Unit;

/// Notifications received, by what became of them: `accepted`, `rejected`, `dropped`, `refused`.
///
/// `accepted` verified and is durably stored; `rejected` did not verify (client state or tenant); `dropped` cannot be
/// read as a notification, or its ids are no GUIDs; `refused` verified and could not be stored (answered 503).
pub const NOTIFICATIONS_TOTAL: &str = "rollcall_notifications_total";
/// Seconds until a request with notifications was answered.
pub const NOTIFICATION_ACK_SECONDS: &str = "rollcall_notification_ack_seconds";
/// Work items waiting or leased, by lane.
pub const QUEUE_DEPTH: &str = "rollcall_queue_depth";
/// Age of the oldest due work item, by lane.
pub const QUEUE_OLDEST_SECONDS: &str = "rollcall_queue_oldest_seconds";
/// Seconds from the receipt of a change to its commit, by finder.
pub const CHANGE_APPLIED_SECONDS: &str = "rollcall_change_applied_seconds";
/// Changes applied, by the finder that was first.
pub const CHANGES_FOUND_TOTAL: &str = "rollcall_changes_found_total";
/// Requests to Graph, by operation and HTTP status.
pub const GRAPH_REQUESTS_TOTAL: &str = "rollcall_graph_requests_total";
/// Resource units spent at Graph.
pub const GRAPH_RESOURCE_UNITS_TOTAL: &str = "rollcall_graph_resource_units_total";
/// Requests Graph answered with 429.
pub const GRAPH_THROTTLED_TOTAL: &str = "rollcall_graph_throttled_total";
/// Seconds until a subscription expires, by connection and resource.
pub const SUBSCRIPTION_EXPIRES_SECONDS: &str = "rollcall_subscription_expires_seconds";
/// Seconds a run took, by kind and status.
pub const RUN_SECONDS: &str = "rollcall_run_seconds";
/// Accounts, by connection and state (`active`, `inactive`).
pub const ACCOUNTS: &str = "rollcall_accounts";
/// Attempts to bring a change to a target, by kind of target and result (`succeeded`, `failed`, `buried`).
pub const DELIVERIES_TOTAL: &str = "rollcall_deliveries_total";
/// Age of the oldest change a target has not got, by target.
pub const DELIVERY_LAG_SECONDS: &str = "rollcall_delivery_lag_seconds";
/// Connections, by status.
pub const CONNECTIONS: &str = "rollcall_connections";

/// Lanes of the queue.
const LANES: &[&str] = &["user", "group", "photo", "account", "team"];
/// Finders; the others of the provisioning log are not counted.
const FINDERS: &[&str] = &["notification", "delta", "reconcile"];
/// Kinds of runs.
const RUN_KINDS: &[&str] = &["initial", "incremental", "reconcile", "on_demand"];
/// How a run can end, or stop to wait for a person.
const RUN_ENDS: &[&str] = &["succeeded", "failed", "held", "cancelled"];
/// Every status of a connection.
const CONNECTION_STATUSES: &[&str] =
    &["paused", "quarantined", "held", "attention", "connecting", "syncing", "silent", "healthy"];

/// From 1 ms, a memory write, to the 10 s after which Graph calls a receiver slow
/// (Graph: change-notifications-delivery-webhooks).
const ACK_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// From 50 ms to an hour; the finest steps where notifications land, coarse ones beyond a delta poll.
const APPLIED_BUCKETS: &[f64] =
    &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];
/// From one person on demand to a night's full listing.
const RUN_BUCKETS: &[f64] = &[0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0];

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts observations into these buckets.
    Histogram(&'static [f64]),
}

/// Which series a metric has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Labels {
    /// Every combination of these values, there at zero from the start.
    Known(&'static [(&'static str, &'static [&'static str])]),
    /// Values that only operation brings, such as connections.
    Open,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) unit: Unit,
    pub(super) labels: Labels,
    pub(super) help: &'static str,
}

const fn metric(name: &'static str, kind: Kind, unit: Unit, labels: Labels, help: &'static str) -> Metric {
    Metric { name, kind, unit, labels, help }
}

/// All metrics there are.
pub(super) const METRICS: &[Metric] = &[
    metric(
        NOTIFICATIONS_TOTAL,
        Kind::Counter,
        Unit::Count,
        Labels::Known(&[("result", &["accepted", "rejected", "dropped", "refused"])]),
        "Notifications received from Graph, by what became of them.",
    ),
    metric(
        NOTIFICATION_ACK_SECONDS,
        Kind::Histogram(ACK_BUCKETS),
        Unit::Seconds,
        Labels::Known(&[]),
        "Seconds until a request with notifications was answered.",
    ),
    metric(
        QUEUE_DEPTH,
        Kind::Gauge,
        Unit::Count,
        Labels::Known(&[("lane", LANES)]),
        "Work items waiting or leased, by lane.",
    ),
    metric(
        QUEUE_OLDEST_SECONDS,
        Kind::Gauge,
        Unit::Seconds,
        Labels::Known(&[("lane", LANES)]),
        "Age in seconds of the oldest due work item, by lane.",
    ),
    metric(
        CHANGE_APPLIED_SECONDS,
        Kind::Histogram(APPLIED_BUCKETS),
        Unit::Seconds,
        Labels::Known(&[("found_by", FINDERS)]),
        "Seconds from the receipt of a change to its commit, by finder.",
    ),
    metric(
        CHANGES_FOUND_TOTAL,
        Kind::Counter,
        Unit::Count,
        Labels::Known(&[("found_by", FINDERS)]),
        "Changes applied, by the finder that was first.",
    ),
    metric(
        GRAPH_REQUESTS_TOTAL,
        Kind::Counter,
        Unit::Count,
        Labels::Open,
        "Requests to Microsoft Graph, by operation and HTTP status.",
    ),
    metric(
        GRAPH_RESOURCE_UNITS_TOTAL,
        Kind::Counter,
        Unit::Count,
        Labels::Known(&[]),
        "Resource units spent at Microsoft Graph.",
    ),
    metric(
        GRAPH_THROTTLED_TOTAL,
        Kind::Counter,
        Unit::Count,
        Labels::Known(&[]),
        "Requests Microsoft Graph asked to be repeated later.",
    ),
    metric(
        SUBSCRIPTION_EXPIRES_SECONDS,
        Kind::Gauge,
        Unit::Seconds,
        Labels::Open,
        "Seconds until a subscription expires, by connection and resource.",
    ),
    metric(
        RUN_SECONDS,
        Kind::Histogram(RUN_BUCKETS),
        Unit::Seconds,
        Labels::Known(&[("kind", RUN_KINDS), ("status", RUN_ENDS)]),
        "Seconds a run took, by kind and status.",
    ),
    metric(ACCOUNTS, Kind::Gauge, Unit::Count, Labels::Open, "Accounts, by connection and state."),
    metric(
        DELIVERIES_TOTAL,
        Kind::Counter,
        Unit::Count,
        Labels::Known(&[("kind", &["scim", "webhook"]), ("result", &["succeeded", "failed", "buried"])]),
        "Attempts to bring a change to a target, by kind of target and result.",
    ),
    metric(
        DELIVERY_LAG_SECONDS,
        Kind::Gauge,
        Unit::Seconds,
        Labels::Open,
        "Age in seconds of the oldest change a target has not got, by target.",
    ),
    metric(
        CONNECTIONS,
        Kind::Gauge,
        Unit::Count,
        Labels::Known(&[("status", CONNECTION_STATUSES)]),
        "Connections, by status.",
    ),
];
