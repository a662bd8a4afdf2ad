//! The database: the only part that knows diesel.

pub mod accounts;
pub mod admission;
pub mod apply;
mod bulk;
pub mod connections;
pub mod db;
mod db_connection;
pub mod delta_links;
pub mod error;
pub mod folding;
pub mod guard;
pub mod inbox;
pub mod keys;
pub mod leases;
mod migrate;
pub mod mirror;
pub mod pages;
pub mod runs;
pub mod schedules;
mod sequences;
mod snapshots;
pub mod subscriptions;
pub mod teams;
pub mod troubles;
pub mod work_items;

pub use db::{Db, Location};
pub use db_connection::{DbConnection, Dialect};
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
