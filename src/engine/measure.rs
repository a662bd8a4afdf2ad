//! Gauges that only the database can tell.

use crate::store::connections::{self, ConnectionState};
use crate::store::work_items::{self, LaneDepth};
use crate::store::{StoreError, subscriptions};
use crate::telemetry::metrics_names;

use super::Engine;

impl Engine {
    /// Measures the queue, the accounts and the subscriptions.
    pub(super) async fn measure(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let (lanes, states, rows) = self
            .db
            .read(|db| {
                let ids: Vec<_> = connections::all(db)?.into_iter().map(|record| record.id).collect();
                let mut rows = Vec::new();
                for id in &ids {
                    rows.extend(subscriptions::of(db, id)?.into_iter().map(|row| (id.clone(), row)));
                }
                Ok((work_items::depth_by_lane(db)?, connections::states(db, &ids)?, rows))
            })
            .await?;
        for LaneDepth { lane, depth, oldest_received_at } in lanes {
            metrics::gauge!(metrics_names::QUEUE_DEPTH, "lane" => lane.as_str()).set(depth as f64);
            let oldest = oldest_received_at.map_or(0.0, |at| now.since(at).as_secs_f64());
            metrics::gauge!(metrics_names::QUEUE_OLDEST_SECONDS, "lane" => lane.as_str()).set(oldest);
        }
        for (id, state) in states {
            accounts(id.as_str(), &state);
        }
        for (id, row) in rows {
            self.keeper.observe(&id, &row);
        }
        Ok(())
    }
}

fn accounts(connection: &str, state: &ConnectionState) {
    for (name, count) in [("active", state.accounts_active), ("inactive", state.accounts_inactive)] {
        let labels = [("connection", connection.to_owned()), ("state", name.to_owned())];
        metrics::gauge!(metrics_names::ACCOUNTS, &labels).set(count as f64);
    }
}
