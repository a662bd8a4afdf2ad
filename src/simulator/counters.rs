//! What was asked of the simulator, for tests and benches.

use std::collections::BTreeMap;

/// Requests and their cost since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// HTTP requests to Graph, a `$batch` counting once.
    pub requests: u64,
    /// Requests inside of `$batch` bodies.
    pub batch_subrequests: u64,
    /// Requests to the token endpoint.
    pub token_requests: u64,
    /// Resource units charged, also for refused requests.
    pub resource_units: u64,
    /// Requests refused with 429.
    pub throttled: u64,
    /// Handshakes sent to notification URLs.
    pub handshakes: u64,
    /// Operations by name (`users.list`, `groups.members`, `directoryObjects.getByIds`, ...), inside a batch or not.
    pub by_operation: BTreeMap<String, u64>,
}

impl Counters {
    /// How often an operation was asked for.
    #[must_use]
    pub fn of(&self, operation: &str) -> u64 {
        self.by_operation.get(operation).copied().unwrap_or_default()
    }

    pub(super) fn count(&mut self, operation: &str) {
        match self.by_operation.get_mut(operation) {
            Some(count) => *count += 1,
            None => {
                self.by_operation.insert(operation.to_owned(), 1);
            }
        }
    }
}
