//! The switches with which a test makes Graph misbehave. All off by default.

use std::time::Duration;

/// What Graph does with an expiration beyond the maximum; its documentation announces the first, traffic shows both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverLongExpiration {
    /// 400.
    #[default]
    Refuse,
    /// 201 with the maximum.
    Clamp,
}

/// How an expired delta token is refused; both are documented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpiredDelta {
    /// 410 with a `Location` whose `$deltatoken` is empty.
    #[default]
    Gone,
    /// 400 with the code `SyncStateNotFound`.
    SyncStateNotFound,
}

/// Requests that are to fail.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// Only this operation, or any.
    pub(super) operation: Option<String>,
    pub(super) remaining: u32,
    pub(super) status: u16,
}

/// The switches. Change them while running with `Simulator::faults`.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Every Graph request waits this long before it is answered (a batch once).
    pub answer_delay: Duration,
    /// Resource units per application, tenant and 10 s; without it Graph's own, by the tenant's size.
    pub resource_unit_quota: Option<u32>,
    /// Notifications vanish when they would be sent, as after a slow endpoint.
    pub lose_notifications: bool,
    /// Every notification is sent twice.
    pub duplicate_notifications: bool,
    /// Notifications carry a client state that is not the subscription's.
    pub forge_client_state: bool,
    /// The token endpoint answers 503 `temporarily_unavailable`.
    pub login_unavailable: bool,
    /// Every delta page is preceded by an empty one.
    pub empty_delta_pages: bool,
    /// What happens to an expiration beyond the maximum.
    pub over_long_expiration: OverLongExpiration,
    /// How an expired delta token is refused.
    pub expired_delta: ExpiredDelta,
    pub(super) failures: Vec<Failure>,
}

impl Faults {
    /// The status this request is to fail with, if any; uses one failure up.
    pub(super) fn take_failure(&mut self, operation: &str) -> Option<u16> {
        let concerns = |failure: &Failure| failure.operation.as_deref().is_none_or(|wanted| wanted == operation);
        let place = self.failures.iter().position(concerns)?;
        let failure = &mut self.failures[place];
        failure.remaining -= 1;
        let status = failure.status;
        if failure.remaining == 0 {
            self.failures.remove(place);
        }
        Some(status)
    }
}
