//! The loops: they wait, look what is due, and let a bounded number of connections be worked on at a time, so that
//! one slow connection delays no other.

use std::collections::HashSet;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::directory::ConnectionId;
use crate::queue::fold::Folded;
use crate::store::StoreError;

use super::{Engine, Shown};

/// How long work of another process, or work that becomes due, may go unnoticed.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The pause when another process folds: it may have read just before the latest commit.
const BY_ANOTHER_PAUSE: Duration = Duration::from_millis(50);

/// The pause after the database failed, so that an outage is not answered with a storm.
const ERROR_PAUSE: Duration = Duration::from_secs(1);

/// Connections one loop works on at a time: each holds at most one batch in memory and one call open.
pub(super) const CONNECTIONS_MAX: usize = 16;

/// How often gauges are measured.
const MEASURE_INTERVAL: Duration = Duration::from_secs(5);

/// Runs all loops until `stop`, then waits until each has put its work down.
pub(super) async fn run(engine: Engine, stop: CancellationToken) {
    let never = Arc::new(Notify::new());
    tokio::join!(
        fold(&engine, &stop),
        each(Part::Work, &engine, &engine.fold.work, &stop),
        each(Part::Subscriptions, &engine, &never, &stop),
        each(Part::Delta, &engine, &never, &stop),
        each(Part::Runs, &engine, &engine.fold.work, &stop),
        schedule(&engine, &stop),
        measure(&engine, &stop),
    );
}

/// What one loop does for each connection that is due.
#[derive(Clone, Copy, Debug)]
enum Part {
    Work,
    Subscriptions,
    Delta,
    Runs,
}

impl Part {
    async fn due(self, engine: &Engine) -> Result<Vec<ConnectionId>, StoreError> {
        match self {
            Self::Work => engine.worker.due().await,
            Self::Subscriptions => engine.keeper.due().await,
            Self::Delta => engine.reconciler.due().await,
            Self::Runs => engine.reconciler.pending().await,
        }
    }

    async fn act(self, engine: &Engine, connection: &ConnectionId) -> Result<(), StoreError> {
        match self {
            Self::Work => engine.worker.work_off(connection).await,
            Self::Subscriptions => engine.keeper.renew(connection, false).await.map(drop),
            Self::Delta => engine.reconciler.poll_connection(connection).await,
            Self::Runs => engine.reconciler.runs_of(connection).await.map(drop),
        }
    }
}

/// One loop over connections.
async fn each(part: Part, engine: &Engine, wake: &Notify, stop: &CancellationToken) {
    let mut tasks: JoinSet<ConnectionId> = JoinSet::new();
    let mut running: HashSet<ConnectionId> = HashSet::new();
    while !stop.is_cancelled() {
        // Registered before looking, so that no wake-up is missed.
        let mut woken = std::pin::pin!(wake.notified());
        woken.as_mut().enable();
        let pause = match part.due(engine).await {
            Ok(due) => {
                begin(part, engine, due, &mut running, &mut tasks);
                POLL_INTERVAL
            }
            Err(error) => pause_after(part, &error),
        };
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(pause) => {}
            Some(ended) = tasks.join_next() => match ended {
                Ok(connection) => drop(running.remove(&connection)),
                // Which connection it was is not told: forget them all; their leases keep them apart.
                Err(error) => { tracing::error!(?part, "Work on a connection panicked: {error}"); running.clear(); }
            },
            () = stop.cancelled() => {}
        }
    }
    tasks.shutdown().await;
}

fn begin(
    part: Part,
    engine: &Engine,
    due: Vec<ConnectionId>,
    running: &mut HashSet<ConnectionId>,
    tasks: &mut JoinSet<ConnectionId>,
) {
    for connection in due {
        if running.len() >= CONNECTIONS_MAX {
            return;
        }
        if running.insert(connection.clone()) {
            let engine = engine.clone();
            tasks.spawn(async move {
                if let Err(error) = part.act(&engine, &connection).await {
                    tracing::warn!(connection.id = %connection, ?part, "Work stays due: {error}");
                    tokio::time::sleep(ERROR_PAUSE).await;
                }
                connection
            });
        }
    }
}

fn pause_after(what: impl std::fmt::Debug, error: &impl Display) -> Duration {
    tracing::warn!(part = ?what, "Looking for work failed, trying again: {error}");
    ERROR_PAUSE
}

/// Moves the inbox into the queue as soon as something is in it.
async fn fold(engine: &Engine, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let mut woken = std::pin::pin!(engine.fold.inbox.appended().notified());
        woken.as_mut().enable();
        let pause = match engine.fold.run_once().await {
            Ok(Folded::All { .. }) => POLL_INTERVAL,
            Ok(Folded::ByAnother) => BY_ANOTHER_PAUSE,
            Err(error) => pause_after("fold", &error),
        };
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Queues full runs whose time has come.
async fn schedule(engine: &Engine, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let pause = match engine.reconciler.schedule_once().await {
            Ok(_) => POLL_INTERVAL,
            Err(error) => pause_after("schedule", &error),
        };
        tokio::select! { () = tokio::time::sleep(pause) => {}, () = stop.cancelled() => {} }
    }
}

/// Measures what only the database knows.
async fn measure(engine: &Engine, stop: &CancellationToken) {
    let mut shown = Shown::default();
    while !stop.is_cancelled() {
        if let Err(error) = engine.measure(&mut shown).await {
            pause_after("measure", &error);
        }
        tokio::select! { () = tokio::time::sleep(MEASURE_INTERVAL) => {}, () = stop.cancelled() => {} }
    }
}
