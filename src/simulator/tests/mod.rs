//! The simulator driven over HTTP by a client that knows nothing of its inside.

mod assertions;
mod deltas;
mod directory;
mod login;
mod notifications;
mod subscriptions;
mod support;
mod throttling;
