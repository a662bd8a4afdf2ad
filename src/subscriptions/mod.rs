//! Keeps Graph subscriptions alive.
