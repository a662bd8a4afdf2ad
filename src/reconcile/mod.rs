//! Full listings (the initial cycle and the nightly reconcile), the delta poll, and when they run.
//!
//! A full run trusts nothing that was stored: it reads every group that matters and everybody in scope, sends each
//! through the same decide and apply as the worker, and decides its leavers at its end, as one set.

mod delta;
mod full;
mod groups;
mod held;
mod leavers;
mod on_demand;
mod people;
mod runner;
pub mod schedule;

pub use held::HeldDecision;
pub use runner::Reconciler;
