//! The store's functions, each on both databases.

mod connections;
mod inbox;
mod keys;
mod leases;
mod migrations;
mod test_databases;
