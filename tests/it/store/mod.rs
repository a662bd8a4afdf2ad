//! The store's functions, each on both databases.

mod test_databases;
