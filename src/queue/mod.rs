//! The durable queue of changed objects, one row for each.
