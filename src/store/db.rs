//! The one door to a database: a pool, readers, and writers that begin their transaction the right way.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::{ManageConnection, Pool, PooledConnection};
use tokio::sync::Semaphore;

use super::db_connection::DbConnection;
use super::error::StoreError;

/// Readers (and, on PostgreSQL, writers) of one process: enough for two cores and slow disks, few enough that ten
/// processes stay below PostgreSQL's default of 100 connections.
const POOL_SIZE: u32 = 8;

/// How often a transaction that PostgreSQL chose as a deadlock's victim is tried again.
const WRITE_ATTEMPT_COUNT_MAX: u32 = 5;

/// SQLite: how long a statement waits for another process's lock, such as a backup's, before it fails.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// SQLite: pages in the write-ahead log before a checkpoint; four times the default gains half again in writes.
const SQLITE_WAL_AUTOCHECKPOINT_PAGES: u32 = 4_000;

/// Where the data lives.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A file, created when missing; the inbox is a second file beside it.
    Sqlite(PathBuf),
    /// A `postgres://` address.
    Postgresql(String),
}

impl std::fmt::Debug for Location {
    /// Never the address of a server: it holds a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgresql(_) => f.write_str("Postgresql([REDACTED])"),
        }
    }
}

/// Opens connections for the pool.
#[derive(Debug)]
struct Opener(Location);

impl Opener {
    fn open(&self) -> Result<DbConnection, StoreError> {
        match &self.0 {
            Location::Postgresql(url) => Ok(DbConnection::Postgresql(PgConnection::establish(url)?)),
            Location::Sqlite(path) => {
                let mut sqlite = SqliteConnection::establish(&path.to_string_lossy())?;
                sqlite.batch_execute(&format!(
                    "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                     PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = {};",
                    SQLITE_BUSY_TIMEOUT.as_millis(),
                    SQLITE_WAL_AUTOCHECKPOINT_PAGES
                ))?;
                Ok(DbConnection::Sqlite(sqlite))
            }
        }
    }
}

impl ManageConnection for Opener {
    type Connection = DbConnection;
    type Error = StoreError;

    fn connect(&self) -> Result<DbConnection, StoreError> {
        self.open()
    }

    fn is_valid(&self, connection: &mut DbConnection) -> Result<(), StoreError> {
        match connection {
            // SQLite lives in this process: there is no link that could have broken.
            DbConnection::Sqlite(_) => Ok(()),
            DbConnection::Postgresql(pg) => Ok(pg.batch_execute("SELECT 1")?),
        }
    }

    fn has_broken(&self, connection: &mut DbConnection) -> bool {
        use diesel::connection::TransactionManagerStatus;
        let open = |status: &mut TransactionManagerStatus| !matches!(status.transaction_depth(), Ok(None));
        match connection {
            DbConnection::Postgresql(pg) => open(AnsiTransactionManager::transaction_manager_status_mut(pg)),
            DbConnection::Sqlite(sqlite) => open(AnsiTransactionManager::transaction_manager_status_mut(sqlite)),
        }
    }
}

/// Opens a connection outside the pools, for a writer that keeps one for itself.
pub(super) fn connect(location: &Location) -> Result<DbConnection, StoreError> {
    Opener(location.clone()).open()
}

/// A database with its readers and writers; cheap to clone.
#[derive(Clone)]
pub struct Db {
    readers: Door,
    writers: Door,
    location: Location,
    /// Held for as long as the database is open, so that a second process on the same file is refused.
    _lock: Option<Arc<File>>,
}

/// A pool, and permits waited for in async land so that no thread blocks on the pool.
#[derive(Clone)]
struct Door {
    pool: Pool<Opener>,
    permits: Arc<Semaphore>,
}

impl Door {
    fn new(location: &Location, size: u32) -> Result<Self, StoreError> {
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(Duration::from_secs(5))
            .error_handler(Box::new(diesel::r2d2::NopErrorHandler))
            .build(Opener(location.clone()))
            .map_err(|error| StoreError::Unreachable(error.to_string()))?;
        Ok(Self { pool, permits: Arc::new(Semaphore::new(size as usize)) })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut PooledConnection<Opener>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let pool = self.pool.clone();
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut connection = pool.get().map_err(|error| StoreError::Unreachable(error.to_string()))?;
            work(&mut connection)
        })
        .await
        .map_err(|error| StoreError::Panicked(error.to_string()))?
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.location {
            Location::Sqlite(_) => "Sqlite",
            Location::Postgresql(_) => "Postgresql",
        };
        f.debug_struct("Db").field("kind", &kind).finish_non_exhaustive()
    }
}

impl Db {
    /// Opens the database. A SQLite file that another process has open is refused.
    pub fn open(location: Location) -> Result<Self, StoreError> {
        let lock = match &location {
            Location::Sqlite(path) => Some(Arc::new(lock_file(path)?)),
            Location::Postgresql(_) => None,
        };
        let readers = Door::new(&location, POOL_SIZE)?;
        let writers = match &location {
            // One writer: more of them only wait for each other, up to the busy timeout.
            Location::Sqlite(_) => Door::new(&location, 1)?,
            Location::Postgresql(_) => readers.clone(),
        };
        Ok(Self { readers, writers, location, _lock: lock })
    }

    /// Where this database lives.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Runs `work` on a connection, off the async threads, without a transaction of its own.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut DbConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.run(|connection| work(connection)).await
    }

    /// Runs `work` in one transaction. It may run again when PostgreSQL ends it for a deadlock, so it has no effects
    /// but those on the database.
    pub async fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut DbConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writers
            .run(move |connection| {
                let mut attempt = 1;
                loop {
                    match connection.in_transaction(&mut work) {
                        Err(error) if error.is_conflict() && attempt < WRITE_ATTEMPT_COUNT_MAX => attempt += 1,
                        outcome => return outcome,
                    }
                }
            })
            .await
    }

    /// Runs `work` on the writing connection without a transaction: for migrations, which bring their own.
    pub(super) async fn administer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut DbConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writers.run(|connection| work(connection)).await
    }
}

/// Takes the lock beside a SQLite file.
fn lock_file(path: &Path) -> Result<File, StoreError> {
    let lock_path = beside(path, "-lock");
    let unusable = |error: std::io::Error| StoreError::Unreachable(format!("{}: {error}", lock_path.display()));
    let file = File::options().create(true).write(true).truncate(false).open(&lock_path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse(path.to_owned())),
        Err(std::fs::TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// The path of a file that belongs to `path`: the same name with a suffix.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_server_is_not_shown() {
        let location = Location::Postgresql("postgres://rollcall:s3cret@db.example/rollcall".to_owned());
        let shown = format!("{location:?} {:?}", Opener(location.clone()));
        assert_eq!(shown, "Postgresql([REDACTED]) Opener(Postgresql([REDACTED]))");
    }
}
