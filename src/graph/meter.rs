//! Counting calls and what they cost.

use metrics::counter;

/// Graph prices its calls in resource units and tells the price in this header. Graph: throttling-limits.
pub(super) const UNIT_HEADER: &str = "x-ms-resource-unit";

/// What a call costs when the answer does not say. Graph: throttling-limits, "identity and access": base cost, less one
/// for `$select`, plus one for `$expand`, at least one.
pub(super) mod cost {
    /// Whatever the table does not list: one object, a deleted item, a delta page, a subscription.
    pub(in crate::graph) const OTHER: u32 = 1;
    /// Users with `$select`.
    pub(in crate::graph) const USERS: u32 = 1;
    /// Users with `$select` and `$expand`.
    pub(in crate::graph) const USERS_WITH_MANAGERS: u32 = 2;
    /// Members with `$select`.
    pub(in crate::graph) const MEMBERS: u32 = 2;
    /// `getByIds` with `$select`, whatever the number of ids.
    pub(in crate::graph) const BY_IDS: u32 = 2;
    /// The envelope of a batch: its parts are priced one by one.
    pub(in crate::graph) const BATCH: u32 = 0;
}

/// Counts one exchange; `status` is the HTTP status, or a word when there was none.
pub(super) fn request(operation: &'static str, status: &str) {
    counter!("rollcall_graph_requests_total", "operation" => operation, "status" => status.to_owned()).increment(1);
}

/// Counts the price of a call: as told, else as estimated.
pub(super) fn resource_units(told: Option<&str>, estimate: u32) {
    let units = told.and_then(|text| text.trim().parse::<u32>().ok()).unwrap_or(estimate);
    counter!("rollcall_graph_resource_units_total").increment(u64::from(units));
}

/// Counts an answer that asked to wait.
pub(super) fn throttled() {
    counter!("rollcall_graph_throttled_total").increment(1);
}
