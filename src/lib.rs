//! Rollcall keeps an application's accounts and teams in step with its customers' Microsoft Entra ID.

pub mod cli;
pub mod clock;
pub mod demo;
pub mod directory;
pub mod engine;
pub mod expression;
pub mod graph;
pub mod http;
pub mod intake;
pub mod provisioning;
pub mod queue;
pub mod reconcile;
pub mod secrets;
pub mod settings;
pub mod simulator;
pub mod startup;
pub mod store;
pub mod subscriptions;
pub mod sync;
pub mod telemetry;
