//! The two listeners: routes, callbacks, the admin API.

pub mod callbacks;
