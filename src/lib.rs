//! Rollcall keeps an application's accounts and teams in step with its customers' Microsoft Entra ID.
//!
//! A notification, a page of delta and the nightly listing only say that something changed; what to do about it is
//! decided by a fetch, in one place. The walk of a change, from Graph's request to the application's events:
//!
//! ```text
//! http::callbacks::receive             echoes a validation token at once; hands everything else to the intake
//!   intake::parse::parse               bytes -> notifications, tolerant item by item
//!   intake::admit::Registry::admit     only those whose client state is that of the tenant's connection
//!   intake::append::append             one packed row of the inbox; answered 202 after its commit
//! queue::fold::Fold::run_once          inbox -> one work item for each object; wakes the workers
//! sync::Worker::run_once               queue::lease::lease a batch of one connection, then for its people:
//!   graph::Graph::users_by_ids         present or absent; an error is neither
//!   provisioning::people::plan         directory::decide::decide for each: joiner, mover, leaver, nothing, unknown
//!   provisioning::people::pass_guard   directory::guard::pass: too many leavers are held, as one set
//!   sync::people::apply_slice          store::apply::apply: accounts, teams, log and events in one transaction,
//!                                      and in it queue::settle::settle: done at the version that was leased
//! ```
//!
//! A group is read whole by `provisioning::groups::read`; `provisioning::groups::take_in` brings the mirror of
//! memberships up to it and queues the people it concerns. The other two finders meet the same path:
//! `reconcile::Reconciler::poll_once` queues what delta shows, `reconcile::full::full_run` lists everybody.
//! `subscriptions::decide_renewal` says what keeps the notifications coming. `startup::Application::build` puts it all
//! together, and `engine::Engine::run` keeps it going.

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
