//! What can go wrong with the database, by what the caller can do about it.

use std::path::PathBuf;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A database operation failed and, inside a write, left nothing behind.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer; try again later.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// Another process holds the SQLite file.
    #[error(
        "{} is in use by another rollcall process; stop it first, or use PostgreSQL, which any number of processes may share",
        .0.display()
    )]
    InUse(PathBuf),
    /// PostgreSQL ended the transaction in favour of another; it may be run again.
    #[error("the transaction lost against another one")]
    Conflict,
    /// A row with the same unique value exists.
    #[error("a row with the same key exists")]
    Duplicate,
    /// The lease under which the work was done is no longer held: somebody else has taken over.
    #[error("the lease was lost; another worker has taken over")]
    LeaseLost,
    /// The run was ended by an administrator while it was at work.
    #[error("the run has ended")]
    RunEnded,
    /// A stored value cannot be read back.
    #[error("a stored value of {column} cannot be read: {detail}")]
    Corrupt {
        /// Table and column.
        column: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The application is shutting down.
    #[error("the database is being closed")]
    Closed,
    /// The unit of work panicked.
    #[error("a database operation panicked: {0}")]
    Panicked(String),
    /// Migrations could not be applied or are missing.
    #[error("{0}")]
    Migration(String),
    /// A statement failed for another reason, a full disk among them.
    #[error("a database statement failed: {0}")]
    Statement(DieselError),
}

impl StoreError {
    /// Whether running the same transaction again may succeed at once.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict)
    }

    /// A stored value that cannot be read back.
    pub fn corrupt(column: &'static str, detail: impl ToString) -> Self {
        Self::Corrupt { column, detail: detail.to_string() }
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Self::Duplicate,
            DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => Self::Conflict,
            DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, info) => {
                Self::Unreachable(info.message().to_owned())
            }
            // diesel names no kind for PostgreSQL's 40P01.
            DieselError::DatabaseError(_, info) if info.message().contains("deadlock detected") => Self::Conflict,
            _ => Self::Statement(error),
        }
    }
}

impl From<diesel::ConnectionError> for StoreError {
    fn from(error: diesel::ConnectionError) -> Self {
        Self::Unreachable(error.to_string())
    }
}
