//! The store's functions, each on both databases.

mod inbox;
mod test_databases;
