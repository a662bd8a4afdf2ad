//! Notifications in: parse, admit, append to the inbox.
//!
//! [`Intake::receive`] is the whole walk. It answers `Ok` only after everything that verified is durably stored
//! (design rule 1); what does not verify is dropped and counted, and the sender never learns which.

pub mod admit;
pub mod append;
pub mod budget;
pub mod parse;

use std::time::Duration;

use metrics::counter;
use tokio::time::Instant;

use crate::clock::SharedClock;
use crate::store::inbox::Inbox;
use crate::telemetry::metrics_names::NOTIFICATIONS_TOTAL;

use admit::Registry;
use append::AppendError;
use budget::BodyBudget;
use parse::MalformedBody;

/// How long storing may take: Graph calls an answer slow at 2,900 ms in the strictest of its published rules
/// (Graph: change-notifications-delivery-webhooks), and the answer has to travel as well.
pub const STORE_DEADLINE: Duration = Duration::from_millis(2_500);

/// What the sender is asked to wait after a 503: long enough for a writer to reconnect.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Everything that receiving a request body needs.
#[derive(Debug)]
pub struct Intake {
    /// Which client states are expected.
    pub registry: Registry,
    /// Where admitted notifications are kept until the fold.
    pub inbox: Inbox,
    /// Says when a body was received.
    pub clock: SharedClock,
    /// What all bodies that are read at a time may take of the memory.
    pub bodies: BodyBudget,
}

/// What became of the notifications of one body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Verified and durably stored.
    pub accepted: u64,
    /// Did not verify: unknown tenant, or a client state that is not that tenant's.
    pub rejected: u64,
    /// Unreadable as a notification.
    pub dropped: u64,
}

/// Why a body was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// It is no collection of notifications: answer 400.
    #[error(transparent)]
    Malformed(#[from] MalformedBody),
    /// It could not be stored: answer 503, so that Graph tries again.
    #[error(transparent)]
    NotStored(#[from] AppendError),
}

impl Intake {
    /// Parses a request body, and verifies and stores what it holds within [`STORE_DEADLINE`].
    ///
    /// # Errors
    /// [`ReceiveError::Malformed`] when it is no collection; [`ReceiveError::NotStored`] when what verified could not
    /// be stored in time (it may be stored later all the same: harmless, because Graph's repetition folds into it).
    pub async fn receive(&self, body: &[u8]) -> Result<Received, ReceiveError> {
        let received_at = self.clock.now();
        let parsed = parse::parse(body)?;
        let deadline = Instant::now() + STORE_DEADLINE;
        let admitted = self.registry.admit(&parsed.notifications, deadline).await.inspect_err(|_| {
            counter!(NOTIFICATIONS_TOTAL, "result" => "refused").increment(parsed.notifications.len() as u64);
        })?;
        let received =
            Received { accepted: admitted.accepted, rejected: admitted.rejected, dropped: parsed.dropped_count };
        let stored = append::append(&self.inbox, admitted.batch, received_at, deadline).await;
        count(&received, stored.is_ok(), parsed.unknown_count);
        stored?;
        Ok(received)
    }
}

fn count(received: &Received, stored: bool, unknown_count: u64) {
    let result = if stored { "accepted" } else { "refused" };
    for (result, count) in [(result, received.accepted), ("rejected", received.rejected), ("dropped", received.dropped)]
    {
        if count > 0 {
            counter!(NOTIFICATIONS_TOTAL, "result" => result).increment(count);
        }
    }
    if received.rejected > 0 || received.dropped > 0 {
        tracing::info!(
            notifications.rejected = received.rejected,
            notifications.dropped = received.dropped,
            "Notifications were not admitted: unreadable, or the client state is not that of the tenant's connection"
        );
    }
    if unknown_count > 0 {
        tracing::info!(
            notifications.unknown = unknown_count,
            "Notifications of an unknown kind were taken as a sign that something changed"
        );
    }
}
