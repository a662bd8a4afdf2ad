//! What the admin API lists, read page by page in the form it is shown in.
//!
//! Every function takes at most `limit` rows after a key; the key of the last row is where the next page begins.

pub mod accounts;
pub mod events;
pub mod log;
pub mod overview;
pub mod queue;
pub mod runs;
pub mod subscriptions;
pub mod teams;
