//! Migrations of both databases: the same numbers and names, the same tables.

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::db::Db;
use super::db_connection::DbConnection;
use super::error::StoreError;

const POSTGRESQL: EmbeddedMigrations = embed_migrations!("migrations/postgresql");
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const SQLITE_INBOX: EmbeddedMigrations = embed_migrations!("migrations/sqlite-inbox");

/// The advisory lock that lets only one of several starting processes migrate.
const MIGRATION_LOCK: i64 = 0x726f_6c6c_6361_6c6c;

/// Which set of tables a SQLite file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tables {
    /// Everything but the inbox (on PostgreSQL: everything).
    Main,
    /// The inbox, in a file of its own.
    Inbox,
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError::Migration(format!("a migration failed, and the database is as it was before it: {error}"))
}

/// Applies what is pending; returns the names of what was applied.
pub(super) async fn apply(db: &Db, tables: Tables) -> Result<Vec<String>, StoreError> {
    db.administer(move |connection| match connection {
        DbConnection::Postgresql(pg) => {
            pg.batch_execute(&format!("SELECT pg_advisory_lock({MIGRATION_LOCK})"))?;
            let applied = run(pg, POSTGRESQL);
            pg.batch_execute(&format!("SELECT pg_advisory_unlock({MIGRATION_LOCK})"))?;
            applied
        }
        DbConnection::Sqlite(sqlite) => run(sqlite, sqlite_source(tables)),
    })
    .await
}

/// The names of migrations not yet applied.
pub(super) async fn pending(db: &Db, tables: Tables) -> Result<Vec<String>, StoreError> {
    db.administer(move |connection| match connection {
        DbConnection::Postgresql(pg) => names(pg.pending_migrations(POSTGRESQL).map_err(failed)?),
        DbConnection::Sqlite(sqlite) => names(sqlite.pending_migrations(sqlite_source(tables)).map_err(failed)?),
    })
    .await
}

fn sqlite_source(tables: Tables) -> EmbeddedMigrations {
    match tables {
        Tables::Main => SQLITE,
        Tables::Inbox => SQLITE_INBOX,
    }
}

fn run<DB: diesel::backend::Backend, C: MigrationHarness<DB>>(
    connection: &mut C,
    source: impl MigrationSource<DB>,
) -> Result<Vec<String>, StoreError> {
    let applied = connection.run_pending_migrations(source).map_err(failed)?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

fn names<DB: diesel::backend::Backend>(migrations: Vec<Box<dyn Migration<DB>>>) -> Result<Vec<String>, StoreError> {
    Ok(migrations.iter().map(|migration| migration.name().to_string()).collect())
}
