//! What can stop the work for a connection, and what that means for it.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::directory::ConnectionId;
use crate::graph::GraphError;
use crate::secrets::SecretsError;
use crate::store::{Db, StoreError, troubles};

/// Without a wait asked for by Graph, the first pause of a connection that failed.
pub const PAUSE_MIN: Duration = Duration::from_secs(2);

/// The longest pause after transient failures: an outage is noticed to be over within this time.
pub const PAUSE_MAX: Duration = Duration::from_secs(60);

/// The first pause of a quarantined connection.
pub const QUARANTINE_PAUSE_MIN: Duration = Duration::from_secs(300);

/// The longest pause of a quarantined connection: it looks once a day whether somebody has mended it.
pub const QUARANTINE_PAUSE_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Why the work for a connection stopped. Nothing of it was applied.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Graph did not give what was asked.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored secret cannot be opened.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The connection brings no credentials and neither does the service.
    #[error("the connection has no credentials; set them on the connection, or ROLLCALL_CLIENT_ID and its secret")]
    NoCredentials,
    /// Graph does not have this person, or not yet.
    #[error("{0} was not found in the directory; if the person was made a moment ago, try again in a minute")]
    NotFound(String),
    /// The connection could not be opened; says why.
    #[error("{0}")]
    NoSession(String),
    /// Another deployment uses this application in this tenant.
    #[error(
        "another subscription of this application exists for the resource, with a notification address that is not \
         ours; use an application of its own for each deployment, or delete that subscription"
    )]
    ForeignSubscription,
    /// A listing was longer than it may be.
    #[error("the listing of {what} did not end after {pages} pages; nothing was concluded from it")]
    Endless {
        /// What was listed.
        what: &'static str,
        /// How many pages were read.
        pages: u32,
    },
    /// An administrator cancelled the run, or paused or removed its connection.
    #[error("the run was cancelled")]
    Cancelled,
}

/// What trouble means for the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// Try again after a pause; nobody has to do anything. Graph's own wait, if it named one.
    Pause(Option<Duration>),
    /// Somebody has to act: slow down and say so.
    Quarantine(&'static str),
    /// Nothing about the connection: our own trouble, or nobody's.
    None,
}

impl Trouble {
    /// What this means for the connection.
    pub fn consequence(&self) -> Consequence {
        match self {
            Self::Graph(error) if error.is_about_credentials() => Consequence::Quarantine("credentials"),
            Self::Graph(error) if error.is_about_permissions() => Consequence::Quarantine("permissions"),
            Self::Graph(error) => Consequence::Pause(error.retry_after()),
            Self::NoCredentials | Self::Secrets(_) => Consequence::Quarantine("credentials"),
            Self::Endless { .. } => Consequence::Pause(None),
            Self::ForeignSubscription => Consequence::Pause(None),
            Self::NotFound(_) | Self::NoSession(_) | Self::Store(_) | Self::Cancelled => Consequence::None,
        }
    }

    /// How long to wait before attempt `count + 1`, doubling from the least to the longest pause of its kind.
    pub fn pause(&self, count: u32) -> Duration {
        let (least, longest) = match self.consequence() {
            Consequence::Pause(Some(wait)) => return wait,
            Consequence::Quarantine(_) => (QUARANTINE_PAUSE_MIN, QUARANTINE_PAUSE_MAX),
            Consequence::Pause(None) | Consequence::None => (PAUSE_MIN, PAUSE_MAX),
        };
        least.saturating_mul(1 << count.min(16)).min(longest)
    }
}

/// Records trouble against a connection and says until when it waits. What is no fault of the connection leaves no
/// mark on it.
pub async fn record(
    db: &Db,
    connection: &ConnectionId,
    trouble: &Trouble,
    now: Timestamp,
) -> Result<Timestamp, StoreError> {
    let cause = match trouble.consequence() {
        Consequence::None => return Ok(now),
        Consequence::Pause(_) => None,
        Consequence::Quarantine(cause) => Some(cause),
    };
    let id = connection.clone();
    let count = db.read(move |db| troubles::count(db, &id)).await?;
    let until = now.plus(trouble.pause(count));
    let (id, detail) = (connection.clone(), trouble.to_string());
    db.write(move |db| troubles::record(db, &id, cause, &detail, until, now)).await?;
    Ok(until)
}

/// Clears what was recorded against a connection that works again.
pub async fn clear(db: &Db, connection: &ConnectionId, now: Timestamp) -> Result<(), StoreError> {
    let id = connection.clone();
    if db.read(move |db| troubles::count(db, &id)).await? == 0 {
        return Ok(());
    }
    let id = connection.clone();
    if db.write(move |db| troubles::clear(db, &id, now)).await? {
        tracing::info!(connection.id = %connection, "The connection works again");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_asked_for_by_graph_is_kept_as_it_is() {
        let wait = Duration::from_millis(2_128);
        let trouble = Trouble::Graph(GraphError::Throttled { retry_after: Some(wait) });
        assert_eq!(trouble.pause(7), wait);
    }

    #[test]
    fn a_quarantine_grows_from_five_minutes_to_a_day() {
        let pauses: Vec<u64> = (0..10).map(|count| Trouble::NoCredentials.pause(count).as_secs()).collect();
        assert_eq!(pauses[..3], [300, 600, 1_200]);
        assert_eq!(pauses[9], 86_400);
    }
}
