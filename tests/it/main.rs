//! The integration tests: one module for each step of the walk, and `store` for each table group.
//!
//! One binary for all of them, because each test binary links the whole program anew (SQLite and libpq included).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admin;
mod commands;
mod guard;
mod intake;
mod process;
mod queue;
mod reconcile;
mod store;
mod subscriptions;
mod support;
mod sync;
