//! Notifications in, through real HTTP, until they are in the queue.

mod bodies;
mod client_states;
pub mod ground;
mod handshake;
mod refusals;
