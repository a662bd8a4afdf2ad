//! The rules of provisioning, pure: no clock, no network, no database.

pub mod ids;
pub mod source;

pub use ids::{AccountId, ConnectionId, ObjectId, RunId, SubscriptionId, TeamId, TenantId};
