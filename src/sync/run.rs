//! The loop around batches: it only waits.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::directory::ConnectionId;
use crate::queue;
use crate::store::StoreError;

use super::{CONNECTIONS_MAX, Worker};

/// How long work that another process queued, or that becomes due, may go unnoticed.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The pause after the database failed, so that an outage is not answered with a storm.
const ERROR_PAUSE: Duration = Duration::from_secs(1);

impl Worker {
    /// Works until `stop`; `wake` tells that something was queued.
    pub async fn run(self, wake: Arc<Notify>, stop: CancellationToken) {
        let mut running = Running::default();
        while !stop.is_cancelled() {
            // Registered before looking, so that no wake-up is missed.
            let mut woken = std::pin::pin!(wake.notified());
            woken.as_mut().enable();
            let pause = match self.fill(&mut running).await {
                Ok(()) => POLL_INTERVAL,
                Err(error) => {
                    tracing::warn!("Looking for work failed, trying again: {error}");
                    ERROR_PAUSE
                }
            };
            tokio::select! {
                () = woken => {}
                () = tokio::time::sleep(pause) => {}
                Some(done) = running.tasks.join_next() => running.ended(done),
                () = stop.cancelled() => {}
            }
        }
        // Leases of what is cut off here are given back by the composition root.
        running.tasks.shutdown().await;
    }

    async fn fill(&self, running: &mut Running) -> Result<(), StoreError> {
        let free = (CONNECTIONS_MAX as usize).saturating_sub(running.connections.len());
        if free == 0 {
            return Ok(());
        }
        for due in queue::next_connections(&self.db, self.clock.now(), CONNECTIONS_MAX).await?.into_iter().take(free) {
            if running.connections.insert(due.connection.clone()) {
                let worker = self.clone();
                running.tasks.spawn(async move {
                    let outcome = worker.work(&due).await;
                    if outcome.is_err() {
                        tokio::time::sleep(ERROR_PAUSE).await;
                    }
                    (due.connection, outcome)
                });
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Running {
    tasks: JoinSet<(ConnectionId, Result<(), StoreError>)>,
    connections: HashSet<ConnectionId>,
}

impl Running {
    fn ended(&mut self, done: Result<(ConnectionId, Result<(), StoreError>), tokio::task::JoinError>) {
        match done {
            Ok((connection, outcome)) => {
                self.connections.remove(&connection);
                if let Err(error) = outcome {
                    tracing::warn!(connection.id = %connection, "A batch could not be written, it stays due: {error}");
                }
            }
            Err(error) => {
                // Which connection it was is not told: forget them all; their leases keep them apart.
                tracing::error!("A batch panicked: {error}");
                self.connections.clear();
            }
        }
    }
}
