//! Fetch, decide, pass the guard, apply: the one way every change takes, whoever found it.
//!
//! The worker, the full listings and provisioning on demand all go through here, so there is one path to get right,
//! and it runs all day.

pub mod groups;
pub mod people;
pub mod sessions;
pub mod teams;
pub mod trouble;

pub use people::Batch;
pub use sessions::{Session, Sessions};
pub use trouble::Trouble;

/// The most people written in one transaction: on SQLite none may take longer than 20 ms, or it would make the
/// readers of the log and the other connections wait.
pub const SLICE_SIZE: usize = 200;
