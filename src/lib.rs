//! Rollcall keeps an application's accounts and teams in step with its customers' Microsoft Entra ID.

pub mod clock;
pub mod directory;
pub mod expression;
pub mod graph;
pub mod simulator;
