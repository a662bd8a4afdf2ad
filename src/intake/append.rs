//! Appending admitted notifications to the inbox, within the time Graph allows for an answer.

use tokio::time::Instant;

use crate::clock::Timestamp;
use crate::store::inbox::{AppendRefused, Inbox, Packer};

/// Why notifications were not stored, or not certainly: Graph is asked to send them again.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The inbox did not take them.
    #[error(transparent)]
    Refused(#[from] AppendRefused),
    /// The database does not say whose they are.
    #[error("the expected client states cannot be read: {0}")]
    Unverifiable(#[from] crate::store::StoreError),
    /// It took too long. It may still happen: harmless, because repetitions fold into one.
    #[error("storing the notifications took too long")]
    TooSlow,
}

/// Stores what was admitted; nothing admitted is nothing stored.
///
/// # Errors
/// [`AppendError`] when it is not certain before `deadline` that all is durably stored.
pub async fn append(
    inbox: &Inbox,
    admitted: Packer,
    received_at: Timestamp,
    deadline: Instant,
) -> Result<(), AppendError> {
    if admitted.is_empty() {
        return Ok(());
    }
    let stored = tokio::time::timeout_at(deadline, inbox.append(admitted.finish(), received_at)).await;
    Ok(stored.map_err(|_| AppendError::TooSlow)??)
}
