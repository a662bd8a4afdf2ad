//! What the admin API asks of the workers, so that it depends on none of them.

use futures_util::future::BoxFuture;
use serde::Serialize;

use super::errors::Problem;
use crate::clock::Timestamp;
use crate::directory::{ConnectionId, RunId};

/// A run that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunRequest {
    /// A full comparison instead of what is queued and delta.
    pub full: bool,
    /// Only show what would be done.
    pub dry_run: bool,
    /// Only this person, by user principal name or object id.
    pub user: Option<String>,
}

/// Why an act was refused; the text is a sentence for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// What it is about does not exist.
    #[error("{0}")]
    NotFound(String),
    /// It cannot be done as things stand.
    #[error("{0}")]
    Conflict(String),
    /// It cannot be done now; try again.
    #[error("{0}")]
    Unavailable(String),
}

/// What became of the subscriptions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RenewReport {
    /// One result for each subscription.
    pub results: Vec<RenewResult>,
}

/// What became of one subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RenewResult {
    /// The connection.
    #[schema(value_type = String)]
    pub connection: ConnectionId,
    /// `users` or `groups`.
    pub resource: String,
    /// Its id at Graph.
    pub subscription_id: Option<String>,
    /// What was done.
    pub action: RenewAction,
    /// When it ends now.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// Why it failed, and what to do.
    pub error: Option<String>,
}

/// What was done with a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RenewAction {
    /// Its end was moved.
    Renewed,
    /// It was gone and made again.
    Recreated,
    /// There was none and it was made.
    Created,
    /// It lives long enough.
    Skipped,
    /// Graph refused.
    Failed,
    /// It was not reached in time, or is still under way; the scheduler goes on with it.
    Scheduled,
}

/// The acts that need workers. Every one is bounded in time by whoever carries it out.
pub trait Operations: Send + Sync {
    /// A connection is to be synchronized from now on: it was created, or resumed before its initial cycle.
    fn connection_created<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, ()>;

    /// An administrator changed, paused or resumed a connection; with `rescan` a full run is to be queued.
    fn connection_changed<'a>(&'a self, id: &'a ConnectionId, rescan: bool) -> BoxFuture<'a, ()>;

    /// A connection, paused already, is about to be removed: take its subscriptions away from Graph.
    fn before_removal<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, ()>;

    /// Queues a run, or names the queued one it would repeat.
    fn request_run<'a>(
        &'a self,
        id: &'a ConnectionId,
        request: RunRequest,
    ) -> BoxFuture<'a, Result<RunId, OperationError>>;

    /// Ends a run that is pending or running.
    fn cancel_run<'a>(&'a self, id: &'a ConnectionId, run: RunId) -> BoxFuture<'a, Result<(), OperationError>>;

    /// Lets the leavers of a held run go.
    fn allow_run<'a>(&'a self, id: &'a ConnectionId, run: RunId) -> BoxFuture<'a, Result<(), OperationError>>;

    /// Keeps the leavers of a held run.
    fn reject_run<'a>(&'a self, id: &'a ConnectionId, run: RunId) -> BoxFuture<'a, Result<(), OperationError>>;

    /// Renews subscriptions of one connection or all, those that live long enough only with `force`; answers within
    /// 25 seconds.
    fn renew_subscriptions(
        &self,
        connection: Option<ConnectionId>,
        force: bool,
    ) -> BoxFuture<'_, Result<RenewReport, OperationError>>;
}

impl From<OperationError> for Problem {
    fn from(error: OperationError) -> Self {
        use actix_web::http::StatusCode;
        let status = match &error {
            OperationError::NotFound(_) => StatusCode::NOT_FOUND,
            OperationError::Conflict(_) => StatusCode::CONFLICT,
            OperationError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}
