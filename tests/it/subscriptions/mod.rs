//! Graph subscriptions: made, renewed, made again, adopted, and taken away.

mod lifecycle;
mod ownership;
