//! Keeps Graph subscriptions alive: one on users and one on groups for each connection.
//!
//! [`decide_renewal`] says what a subscription needs; [`Keeper::run_once`] does it for one connection at a time.
//! Graph never says that a subscription vanished (Graph: change-notifications-lifecycle-events), so every answer that
//! it does not exist makes a new one and a delta poll for what was missed meanwhile.

mod act;
mod decide;
mod keeper;

pub use decide::{Renewal, decide_renewal};
pub use keeper::{Keeper, KeeperSettings, Renewed, RenewedAction};

/// The resources subscribed to, as Graph spells them.
pub const RESOURCES: [&str; 2] = ["users", "groups"];
