//! What a subscription needs now.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::store::subscriptions::SubscriptionRow;

/// Graph ends a subscription a little before or after the stated instant; renewing one this close would race it.
const EXPIRY_MARGIN: Duration = Duration::from_secs(60);

/// What a subscription needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Nothing before it is due.
    Keep,
    /// A new end; this also reauthorizes it.
    Renew,
    /// There is none yet.
    Create,
    /// It has ended: a new one, and what was missed meanwhile.
    Recreate,
}

/// Decides what `row` needs at `now`; `force` renews what is not due.
pub fn decide_renewal(row: &SubscriptionRow, now: Timestamp, force: bool) -> Renewal {
    match (row.id, row.expires_at) {
        (None, _) if row.due_at <= now || force => Renewal::Create,
        (None, _) => Renewal::Keep,
        (Some(_), Some(expires_at)) if expires_at <= now.plus(EXPIRY_MARGIN) => Renewal::Recreate,
        (Some(_), _) if force || row.due_at <= now => Renewal::Renew,
        (Some(_), _) => Renewal::Keep,
    }
}

/// When a subscription that lives until `expires_at` is renewed: when half of its life is gone, a little earlier for
/// some so that a thousand connections made in one hour do not renew in one minute. `spread` is 0 to 255.
pub fn renew_at(now: Timestamp, expires_at: Timestamp, spread: u8) -> Timestamp {
    let half = expires_at.since(now) / 2;
    now.plus(half - half.mul_f64(f64::from(spread) / 2_560.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::SubscriptionId;
    use crate::secrets::KeyVersion;

    fn row(id: Option<u128>, expires_at: i64, due_at: i64) -> SubscriptionRow {
        SubscriptionRow {
            resource: "users".into(),
            id: id.map(|number| SubscriptionId(uuid::Uuid::from_u128(number))),
            key_version: KeyVersion(1),
            expires_at: id.map(|_| Timestamp(expires_at * 1_000_000)),
            error: None,
            attempt_count: 0,
            due_at: Timestamp(due_at * 1_000_000),
        }
    }

    #[test]
    fn a_subscription_is_created_renewed_and_recreated_when_due() {
        let now = Timestamp(1_000_000_000);
        assert_eq!(decide_renewal(&row(None, 0, 1_000), now, false), Renewal::Create);
        assert_eq!(decide_renewal(&row(None, 0, 1_001), now, false), Renewal::Keep);
        assert_eq!(decide_renewal(&row(Some(1), 9_000, 2_000), now, false), Renewal::Keep);
        assert_eq!(decide_renewal(&row(Some(1), 9_000, 1_000), now, false), Renewal::Renew);
        assert_eq!(decide_renewal(&row(Some(1), 9_000, 2_000), now, true), Renewal::Renew);
        assert_eq!(decide_renewal(&row(Some(1), 1_030, 900), now, false), Renewal::Recreate);
    }

    #[test]
    fn renewal_comes_when_at_most_half_of_the_life_is_gone() {
        let (now, end) = (Timestamp(0), Timestamp(1_000_000));
        assert_eq!(renew_at(now, end, 0), Timestamp(500_000));
        let early = renew_at(now, end, 255);
        assert!(early < Timestamp(500_000) && early > Timestamp(440_000), "{early:?}");
    }
}
