//! Gauges that only the database can tell.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use metrics::gauge;

use crate::clock::Timestamp;
use crate::directory::ConnectionId;
use crate::directory::health::Status;
use crate::http::api::connections::status_of;
use crate::store::connections::{self, ConnectionRecord};
use crate::store::pages::overview::{self, Overview};
use crate::store::work_items::{self, Lane, LaneDepth};
use crate::store::{DbConnection, StoreError};
use crate::subscriptions::RESOURCES;
use crate::telemetry::{GONE, metrics_names};

use super::Engine;

/// The states of a connection's accounts.
const ACCOUNT_STATES: [&str; 2] = ["active", "inactive"];

/// The connections whose gauges are shown, so that those of a removed one can end.
#[derive(Debug, Default)]
pub struct Shown(BTreeSet<ConnectionId>);

struct Measured {
    lanes: Vec<LaneDepth>,
    connections: Vec<ConnectionRecord>,
    overviews: HashMap<ConnectionId, Overview>,
}

impl Engine {
    /// Measures the queue, the accounts, the subscriptions and the states of all connections.
    ///
    /// # Errors
    /// When the database fails; the gauges stay as they were.
    pub async fn measure(&self, shown: &mut Shown) -> Result<(), StoreError> {
        let now = self.clock.now();
        let measured = self.db.read(move |db| read(db, now)).await?;
        lanes(&measured.lanes, now);
        statuses(&measured);
        for (id, overview) in &measured.overviews {
            one_connection(id.as_str(), overview, now);
        }
        let present: BTreeSet<ConnectionId> = measured.overviews.into_keys().collect();
        shown.0.difference(&present).for_each(|removed| gone(removed.as_str()));
        shown.0 = present;
        Ok(())
    }
}

fn read(db: &mut DbConnection, now: Timestamp) -> Result<Measured, StoreError> {
    let connections = connections::all(db)?;
    let ids: Vec<ConnectionId> = connections.iter().map(|record| record.id.clone()).collect();
    Ok(Measured { lanes: work_items::depth_by_lane(db)?, overviews: overview::of(db, &ids, now)?, connections })
}

fn lanes(measured: &[LaneDepth], now: Timestamp) {
    for lane in Lane::ALL {
        // An empty lane is missing from what was measured.
        let found = measured.iter().find(|depth| depth.lane == lane);
        gauge!(metrics_names::QUEUE_DEPTH, "lane" => lane.as_str()).set(found.map_or(0, |found| found.depth) as f64);
        let oldest = found.and_then(|found| found.oldest_received_at).map_or(0.0, |at| now.since(at).as_secs_f64());
        gauge!(metrics_names::QUEUE_OLDEST_SECONDS, "lane" => lane.as_str()).set(oldest);
    }
}

fn statuses(measured: &Measured) {
    let mut counts: BTreeMap<&str, u32> = Status::ALL.into_iter().map(|status| (status.as_str(), 0)).collect();
    for record in &measured.connections {
        if let Some(overview) = measured.overviews.get(&record.id) {
            let (status, _) = status_of(record, overview);
            *counts.entry(status.as_str()).or_default() += 1;
        }
    }
    for (status, count) in counts {
        gauge!(metrics_names::CONNECTIONS, "status" => status).set(count);
    }
}

fn one_connection(connection: &str, overview: &Overview, now: Timestamp) {
    let counts = [overview.state.accounts_active, overview.state.accounts_inactive];
    for (state, count) in ACCOUNT_STATES.into_iter().zip(counts) {
        accounts(connection, state).set(count as f64);
    }
    for subscription in &overview.subscriptions {
        let left = subscription.expires_at.map_or(0.0, |at| at.since(now).as_secs_f64());
        expires(connection, &subscription.resource).set(left);
    }
}

fn gone(connection: &str) {
    ACCOUNT_STATES.into_iter().for_each(|state| accounts(connection, state).set(GONE));
    RESOURCES.into_iter().for_each(|resource| expires(connection, resource).set(GONE));
}

fn accounts(connection: &str, state: &'static str) -> metrics::Gauge {
    gauge!(metrics_names::ACCOUNTS, "connection" => connection.to_owned(), "state" => state)
}

fn expires(connection: &str, resource: &str) -> metrics::Gauge {
    let labels = [("connection", connection.to_owned()), ("resource", resource.to_owned())];
    gauge!(metrics_names::SUBSCRIPTION_EXPIRES_SECONDS, &labels)
}
