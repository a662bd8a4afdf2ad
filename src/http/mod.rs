//! The two listeners: routes, callbacks, the admin API.

pub mod api;
pub mod auth;
pub mod callbacks;
pub mod errors;
pub mod operations;
pub mod paging;
pub mod probes;
pub mod routes;

pub use api::Api;
pub use operations::Operations;
