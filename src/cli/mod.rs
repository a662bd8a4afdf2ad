//! The commands: what they take, what they do, what they print.
//!
//! What a command is asked for goes to stdout, log lines and the one sentence of a failure go to stderr. The commands
//! over the admin API know nothing but its JSON, as any other client of it.

pub mod arguments;
pub mod client;
pub mod connection;
mod error;
pub mod migrate;
pub mod output;
pub mod serve;
pub mod signals;
pub mod simulate;
pub mod subscriptions;
pub mod sync;

pub use error::CommandError;
