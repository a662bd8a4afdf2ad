//! The rules of provisioning, pure: no clock, no network, no database.
//!
//! [`decide`] compares what is known of a person with what was observed and says what is to be done; the
//! accidental-deletion [`guard`] looks at all leavers of a set before any of them is let through.

pub mod account;
pub mod decide;
pub mod guard;
pub mod health;
pub mod ids;
pub mod mapping;
pub mod profile;
pub mod rules;
pub mod scope;
pub mod source;
pub mod views;

pub use ids::{AccountId, ConnectionId, ObjectId, RunId, SubscriptionId, TeamId, TenantId};
