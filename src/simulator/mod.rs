//! A simulated Microsoft Entra ID: several tenants with their directories, the Graph endpoints Rollcall uses, the
//! login service, and the sender of change notifications, in one process and in memory.
//!
//! It plays the other side of the wire. So it shares no type with the rest of the crate (a mistake made in a shared
//! type would hide itself), and it is stricter than a client should need: what was not selected is not returned,
//! every limit of Graph is enforced, unknown options and paths are refused.
//!
//! The walk of a request: `server` takes it from HTTP, `dispatch` checks its token, faults, quota and permissions,
//! `routes` names the operation, one function of the operation's file answers from the `directory`. The walk of a
//! change: an edit in `edits` writes the `changes` log, `announce` turns new entries into notifications for the
//! live `subscriptions`, `delivery` sends them.
//!
//! One lock guards everything (`world`); it is never held while the network is waited for, because the handshake of
//! a subscription calls back into a server that may live in the same process.

mod announce;
mod batch;
mod by_ids;
mod changes;
mod clock;
mod control;
mod counters;
mod deleted;
mod delivery;
mod delta;
mod delta_changes;
mod delta_listing;
mod directory;
mod dispatch;
mod edits;
mod errors;
mod faults;
mod filter;
mod handshake;
mod link_tokens;
mod listing;
mod login;
mod login_assertions;
mod members;
mod message;
mod names;
mod newcomers;
mod objects;
mod options;
mod permissions;
mod photos;
mod population;
mod properties;
mod registry;
mod render;
mod routes;
mod server;
mod snapshots;
mod subscription_requests;
mod subscriptions;
mod tenant;
mod tenant_faults;
mod throttling;
mod values;
mod world;

#[cfg(test)]
mod tests;

pub use counters::Counters;
pub use delivery::DeliveryReport;
pub use directory::GroupKind;
pub use faults::{ExpiredDelta, Faults, OverLongExpiration};
pub use newcomers::{NewGroup, NewUser};
pub use population::Population;
pub use server::Running;
pub use snapshots::{GroupSnapshot, SubscriptionSnapshot, UserSnapshot};
pub use tenant::Tenant;

pub use control::{Delivery, Simulator, SimulatorSettings};
