//! Everything that works behind the listeners, and the loops that keep it going.
//!
//! Each part has a `run_once` that does what is due and says whether there was anything; the loops only wait. Tests
//! call [`Engine::settle`] instead and move the clock by hand.

mod acts;
mod loops;
mod measure;

pub use measure::Shown;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::intake::Intake;
use crate::queue::fold::{Fold, FoldError};
use crate::reconcile::Reconciler;
use crate::secrets::Keyring;
use crate::store::{Db, StoreError};
use crate::subscriptions::Keeper;
use crate::sync::Worker;

/// More rounds than this without coming to rest is a loop that feeds itself.
const SETTLE_ROUNDS_MAX: u32 = 10_000;

/// The working parts of one process; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: SharedClock,
    /// The data keys.
    pub keyring: Arc<Keyring>,
    /// Notifications in.
    pub intake: Arc<Intake>,
    /// Inbox to queue.
    pub fold: Arc<Fold>,
    /// Fetch, decide, apply.
    pub worker: Worker,
    /// Subscriptions.
    pub keeper: Keeper,
    /// Full runs and the delta poll.
    pub reconciler: Reconciler,
}

/// The engine did not come to rest.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The inbox could not be folded.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// There was always something more to do.
    #[error("there was still work after {SETTLE_ROUNDS_MAX} rounds")]
    Restless,
}

impl Engine {
    /// Does everything that is due now, until nothing is.
    pub async fn settle(&self) -> Result<(), SettleError> {
        for _ in 0..SETTLE_ROUNDS_MAX {
            if !self.round().await? {
                return Ok(());
            }
        }
        Err(SettleError::Restless)
    }

    async fn round(&self) -> Result<bool, SettleError> {
        let mut worked = !self.fold.run_once().await?.is_idle();
        worked |= self.keeper.run_once().await?;
        worked |= self.reconciler.schedule_once().await?;
        worked |= self.reconciler.poll_once().await?;
        worked |= self.reconciler.run_once().await?;
        worked |= self.worker.run_once().await?;
        Ok(worked)
    }

    /// Works until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        loops::run(self, stop).await;
    }
}
