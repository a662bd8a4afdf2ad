//! The Microsoft Graph client: tokens, subscriptions, objects by id, listings, members and delta.
//!
//! One [`GraphClient`] serves the process; [`GraphClient::session`] makes a [`Graph`] for one connection, with its own
//! token. Three rules shape everything here:
//!
//! - An error is not absence. Only a whole answer of Graph makes an object absent; a call that could not be completed
//!   for all ids it was asked fails as a whole.
//! - A token goes to the configured Graph and nowhere else: links are checked before they are followed, redirects are
//!   not followed.
//! - Nothing is retried here, except once with a new token after a 401. [`GraphError`] says what the caller can do;
//!   waits and attempts are the caller's.

mod answer;
mod batch;
mod by_name;
mod call;
mod client;
mod deleted;
mod delta;
mod errors;
mod exchange;
mod links;
mod listings;
mod login;
mod members;
mod meter;
mod objects;
mod refusal;
mod retry_after;
mod selection;
mod session;
mod subscriptions;
mod token;
mod wire;

#[cfg(test)]
mod tests;

pub use client::{GraphClient, GraphClientError, GraphSettings, REQUEST_TIMEOUT, SUBSCRIPTION_TIMEOUT};
pub use delta::{DeltaFrom, DeltaNext, DeltaPage, GroupChange, MemberChange, RemovedReason, UserChange};
pub use errors::{GraphError, TokenRefused};
pub use links::{DeltaLink, NextLink};
pub use listings::{PAGE_SIZE_MAX, Page};
pub use login::{CredentialSecret, Credentials};
pub use selection::Selection;
pub use session::Graph;
pub use subscriptions::{
    CLIENT_STATE_LENGTH_MAX, NewSubscription, Renewed, Resource, SUBSCRIPTION_LIFETIME_MAX, Subscription,
};
