//! Resource units. Graph: throttling-limits, identity and access.

use std::collections::HashMap;

use uuid::Uuid;

use super::clock::MICROS_PER_SECOND;
use super::errors::GraphError;
use super::message::Grant;
use super::options::Options;
use super::routes::Operation;
use super::world::World;

/// Quotas are given per window of 10 s.
const WINDOW_MICROS: i64 = 10 * MICROS_PER_SECOND;

/// Quota of a tenant below 50 users.
const QUOTA_SMALL: u32 = 3_500;
/// Quota of a tenant of 50 to 500 users.
const QUOTA_MEDIUM: u32 = 5_000;
/// Quota of a tenant above 500 users.
const QUOTA_LARGE: u32 = 8_000;

/// The share of the quota from which `x-ms-throttle-limit-percentage` is told.
const SHARE_TOLD_FROM: f64 = 0.8;
/// The highest share told.
const SHARE_TOLD_MAX: f64 = 1.8;

/// What one application has used in one tenant in the running window.
#[derive(Debug, Default)]
struct Bucket {
    started_at: i64,
    used: u32,
}

/// The use of all applications in all tenants.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    buckets: HashMap<(Uuid, Uuid), Bucket>,
}

/// What a request cost, and how far the quota is used.
#[derive(Debug)]
pub(super) struct Charge {
    pub(super) units: u32,
    share: f64,
}

impl Charge {
    /// The headers that tell it.
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![("x-ms-resource-unit", self.units.to_string())];
        if self.share >= SHARE_TOLD_FROM {
            headers.push(("x-ms-throttle-limit-percentage", format!("{:.1}", self.share.min(SHARE_TOLD_MAX))));
        }
        headers
    }
}

/// The cost of an operation with its options, at least 1.
pub(super) fn units(operation: &Operation, options: &Options) -> u32 {
    let selected = options.has("$select");
    if matches!(operation, Operation::GetByIds) && selected {
        return 2;
    }
    let few = options.has("$top") && options.top().is_ok_and(|top| top < 20);
    let expanded = u32::from(options.has("$expand"));
    (operation.base_units() + expanded).saturating_sub(u32::from(selected) + u32::from(few)).max(1)
}

impl World {
    /// Charges a request to its application and tenant.
    ///
    /// # Errors
    /// 429 with `Retry-After` when the quota of the window is used up; the request still counts.
    pub(super) fn charge(&mut self, grant: &Grant, units: u32) -> (Charge, Result<(), GraphError>) {
        let (now, quota) = (self.now(), self.resource_unit_quota(grant.tenant));
        let bucket = self.buckets.buckets.entry((grant.client_id, grant.tenant)).or_default();
        if !(bucket.started_at..bucket.started_at + WINDOW_MICROS).contains(&now) {
            *bucket = Bucket { started_at: now, used: 0 };
        }
        bucket.used = bucket.used.saturating_add(units);
        let (used, ends_at) = (bucket.used, bucket.started_at + WINDOW_MICROS);
        self.counters.resource_units += u64::from(units);
        let charge = Charge { units, share: f64::from(used) / f64::from(quota.max(1)) };
        if used <= quota {
            return (charge, Ok(()));
        }
        self.counters.throttled += 1;
        (charge, Err(too_many(grant, ends_at - now)))
    }

    fn resource_unit_quota(&self, tenant: Uuid) -> u32 {
        let by_size = || match self.tenant(tenant).directory.live_user_count {
            ..50 => QUOTA_SMALL,
            50..=500 => QUOTA_MEDIUM,
            _ => QUOTA_LARGE,
        };
        self.faults.resource_unit_quota.unwrap_or_else(by_size)
    }
}

/// The wait is a decimal, as in Graph's own sample: clients must read it.
fn too_many(grant: &Grant, wait_micros: i64) -> GraphError {
    let seconds = wait_micros as f64 / MICROS_PER_SECOND as f64;
    let scope = format!("Tenant_Application/ReadWrite/{}/{}", grant.client_id, grant.tenant);
    GraphError::new(429, "TooManyRequests", "Please retry again later.")
        .with_header("Retry-After", format!("{seconds:.3}"))
        .with_header("x-ms-throttle-scope", scope)
        .with_header("x-ms-throttle-information", "ResourceUnitLimitExceeded".to_owned())
}
