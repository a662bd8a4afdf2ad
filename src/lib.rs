//! Rollcall keeps an application's accounts and teams in step with its customers' Microsoft Entra ID.

pub mod clock;
pub mod directory;
pub mod graph;
pub mod secrets;
pub mod settings;
pub mod simulator;
pub mod telemetry;
