//! The database: the only part that knows diesel.

pub mod accounts;
pub mod apply;
mod bulk;
pub mod connections;
pub mod db;
pub mod error;
pub mod guard;
pub mod keys;
pub mod leases;
mod migrate;
pub mod mirror;
pub mod pages;
mod sequences;
mod snapshots;
pub mod teams;

pub use db::{Db, DbConnection, Location};
pub use error::StoreError;

use migrate::Tables;

impl Db {
    /// Applies pending migrations of the main tables; returns their names.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        migrate::apply(self, Tables::Main).await
    }

    /// The names of migrations of the main tables that are not applied yet.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        migrate::pending(self, Tables::Main).await
    }
}
