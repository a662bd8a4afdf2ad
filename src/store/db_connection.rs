//! A connection to either database, and how a transaction begins on each.

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;

use super::error::StoreError;

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum DbConnection {
    /// PostgreSQL.
    Postgresql(PgConnection),
    /// SQLite.
    Sqlite(SqliteConnection),
}

/// Which SQL a statement must speak where the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL.
    Postgresql,
    /// SQLite.
    Sqlite,
}

impl DbConnection {
    /// Which SQL this connection speaks.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Postgresql(_) => Dialect::Postgresql,
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Begins a transaction that may write.
    ///
    /// SQLite begins immediately: a deferred one that turns into a writer fails with "database is locked" as soon as
    /// two do so.
    fn begin(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgresql(pg) => <PgConnection as diesel::Connection>::TransactionManager::begin_transaction(pg),
            Self::Sqlite(sqlite) => AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE"),
        }
    }

    fn commit(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgresql(pg) => <PgConnection as diesel::Connection>::TransactionManager::commit_transaction(pg),
            Self::Sqlite(sqlite) => {
                <SqliteConnection as diesel::Connection>::TransactionManager::commit_transaction(sqlite)
            }
        }
    }

    fn rollback(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgresql(pg) => <PgConnection as diesel::Connection>::TransactionManager::rollback_transaction(pg),
            Self::Sqlite(sqlite) => {
                <SqliteConnection as diesel::Connection>::TransactionManager::rollback_transaction(sqlite)
            }
        }
    }

    /// Runs `work` in one transaction: committed when it returns `Ok`, rolled back when it returns `Err`.
    pub(super) fn in_transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.begin()?;
        match work(self) {
            Ok(value) => {
                self.commit()?;
                Ok(value)
            }
            Err(error) => {
                // The connection may be gone, which is why the work failed: its error tells more than this one.
                if let Err(rollback) = self.rollback() {
                    tracing::debug!(error = %rollback, "Rolling back failed");
                }
                Err(error)
            }
        }
    }
}
