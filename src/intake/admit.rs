//! Which notifications are genuine: the client state is that of a connection of the tenant they name.
//!
//! Client states are computed beforehand, for every key version that a live subscription still carries and for the
//! current one, and found by tenant: a notification that overtakes the reply to `POST /subscriptions` verifies too.
//! The connection comes out of this comparison and of nothing else (design rule 8).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use uuid::Uuid;

use super::append::AppendError;
use super::parse::{Change, ChangeType, LifecycleEvent, Notification, Resource, Told};
use crate::directory::{ConnectionId, SubscriptionId, TenantId};
use crate::secrets::{KeyVersion, Keyring};
use crate::store::admission::{SignedWith, signed_with};
use crate::store::inbox::{Packer, Sign};
use crate::store::{Db, StoreError};

/// The shortest time between two readings caused by notifications that do not verify: forged ones must not keep the
/// database busy.
const RELOAD_INTERVAL: Duration = Duration::from_secs(1);

/// Which client states are expected of which tenant.
#[derive(Debug)]
pub struct Registry {
    db: Db,
    keyring: watch::Receiver<Arc<Keyring>>,
    expected: RwLock<Arc<Expected>>,
    /// When the last reading began; held while one is under way, so that one serves all who wait for it.
    reloaded_at: Mutex<Option<Instant>>,
}

/// What verified, and how many did not.
#[derive(Debug)]
pub struct Admitted {
    /// The notifications that verified, packed.
    pub batch: Packer,
    /// How many they are.
    pub accepted: u64,
    /// How many did not verify.
    pub rejected: u64,
}

impl Registry {
    /// A registry that reads the database when the first notification comes. `keyring` brings rotated keys.
    pub fn new(db: Db, keyring: watch::Receiver<Arc<Keyring>>) -> Self {
        Self { db, keyring, expected: RwLock::default(), reloaded_at: Mutex::default() }
    }

    /// Reads connections and key versions anew: after a connection or a subscription was created, and after a rotation.
    ///
    /// # Errors
    /// When the database does not answer; what was expected before stays.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let mut reloaded_at = self.reloaded_at.lock().await;
        self.read_into(&mut reloaded_at).await
    }

    /// Verifies notifications and packs those that are genuine. When some do not verify, this waits for a reading that
    /// began after they arrived.
    ///
    /// # Errors
    /// [`AppendError`] when some do not verify and the database could not be asked before `deadline` whether they
    /// should.
    pub async fn admit(&self, notifications: &[Notification<'_>], deadline: Instant) -> Result<Admitted, AppendError> {
        let arrived_at = Instant::now();
        let admitted = self.now_expected().admit(notifications);
        if admitted.rejected == 0 {
            return Ok(admitted);
        }
        let reloaded = tokio::time::timeout_at(deadline, self.reload_once_since(arrived_at)).await;
        reloaded.map_err(|_| AppendError::TooSlow)??;
        Ok(self.now_expected().admit(notifications))
    }

    /// Reads what is expected, unless somebody did since `arrived_at`; not before the interval is over, and then once
    /// for all who wait: what another process has made a moment ago is not dropped.
    async fn reload_once_since(&self, arrived_at: Instant) -> Result<(), StoreError> {
        loop {
            let mut reloaded_at = self.reloaded_at.lock().await;
            let read_next_at = match *reloaded_at {
                Some(at) if at >= arrived_at => return Ok(()),
                Some(at) if at.elapsed() < RELOAD_INTERVAL => at + RELOAD_INTERVAL,
                _ => return self.read_into(&mut reloaded_at).await,
            };
            // Not under the lock: whoever created a connection reads at once.
            drop(reloaded_at);
            tokio::time::sleep_until(read_next_at).await;
        }
    }

    async fn read_into(&self, reloaded_at: &mut Option<Instant>) -> Result<(), StoreError> {
        let began_at = Instant::now();
        let keyring = self.keyring.borrow().clone();
        let rows = self.db.read(signed_with).await?;
        let expected = Arc::new(Expected::new(&keyring, &rows));
        *self.expected.write().unwrap_or_else(PoisonError::into_inner) = expected;
        *reloaded_at = Some(began_at);
        Ok(())
    }

    fn now_expected(&self) -> Arc<Expected> {
        Arc::clone(&self.expected.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The expected client states at one moment.
#[derive(Debug, Default)]
struct Expected(HashMap<TenantId, Vec<ExpectedState>>);

#[derive(Debug)]
struct ExpectedState {
    connection: ConnectionId,
    resource: Resource,
    client_state: SecretString,
}

/// What has to match, within one body: verified once however many notifications carry it.
#[derive(PartialEq, Eq, Hash)]
struct Claim<'a> {
    tenant: TenantId,
    subscription: SubscriptionId,
    client_state: &'a str,
    /// `None`, a lifecycle notification, verifies against either resource.
    resource: Option<Resource>,
}

impl Expected {
    fn new(keyring: &Keyring, rows: &[SignedWith]) -> Self {
        let mut versions: HashMap<(&ConnectionId, TenantId), BTreeSet<KeyVersion>> = HashMap::new();
        for row in rows {
            let carried = versions.entry((&row.connection, row.tenant)).or_default();
            carried.insert(keyring.current());
            carried.extend(row.key_version);
        }
        let mut expected = Self::default();
        for ((connection, tenant), versions) in versions {
            let states = expected.0.entry(tenant).or_default();
            for version in versions {
                states.extend(states_of(keyring, connection, version));
            }
        }
        expected
    }

    fn admit(&self, notifications: &[Notification<'_>]) -> Admitted {
        let mut admitted = Admitted { batch: Packer::default(), accepted: 0, rejected: 0 };
        let mut verified: HashMap<Claim<'_>, Option<&ConnectionId>> = HashMap::new();
        let mut latest: Option<(Claim<'_>, Option<&ConnectionId>)> = None;
        for notification in notifications {
            let claim = claim(notification);
            let connection = match &latest {
                Some((known, connection)) if *known == claim => *connection,
                _ => {
                    let connection = *verified.entry(claim).or_insert_with_key(|claim| self.verify(claim));
                    latest = Some((self::claim(notification), connection));
                    connection
                }
            };
            match connection {
                Some(connection) => {
                    pack(&mut admitted.batch, connection, notification);
                    admitted.accepted += 1;
                }
                None => admitted.rejected += 1,
            }
        }
        admitted
    }

    /// Compares with every expected state of the tenant, each in constant time and without stopping at the first.
    fn verify(&self, claim: &Claim<'_>) -> Option<&ConnectionId> {
        let mut found = None;
        for state in self.0.get(&claim.tenant).into_iter().flatten() {
            let is_resource = claim.resource.is_none_or(|resource| resource == state.resource);
            let expected = state.client_state.expose_secret().as_bytes();
            if bool::from(expected.ct_eq(claim.client_state.as_bytes())) && is_resource {
                found = Some(&state.connection);
            }
        }
        found
    }
}

fn states_of(keyring: &Keyring, connection: &ConnectionId, version: KeyVersion) -> Vec<ExpectedState> {
    let state = |resource: Resource| match keyring.client_state(version, connection, resource.as_str()) {
        Ok(client_state) => {
            Some(ExpectedState { connection: connection.clone(), resource, client_state: client_state.into() })
        }
        Err(error) => {
            tracing::warn!(connection.id = %connection, %error, "A subscription's client state cannot be expected");
            None
        }
    };
    Resource::ALL.into_iter().filter_map(state).collect()
}

fn claim<'a>(notification: &'a Notification<'_>) -> Claim<'a> {
    let resource = match &notification.told {
        Told::Change(change) => Some(change.resource),
        Told::Lifecycle(_) => None,
    };
    Claim {
        tenant: notification.tenant,
        subscription: notification.subscription,
        client_state: &notification.client_state.0,
        resource,
    }
}

fn pack(batch: &mut Packer, connection: &ConnectionId, notification: &Notification<'_>) {
    match &notification.told {
        Told::Change(change) => {
            let (sign, object): (Sign, Uuid) = (sign_of(change), change.object.0);
            batch.push(connection, sign, object);
            change.members.iter().for_each(|member| batch.push(connection, Sign::MemberNamed, member.id.0));
        }
        Told::Lifecycle(event) => batch.push(connection, sign_of_event(*event), notification.subscription.0),
    }
}

fn sign_of(change: &Change) -> Sign {
    match (change.resource, change.change_type) {
        (Resource::Users, ChangeType::Deleted) => Sign::UserDeleted,
        (Resource::Users, _) => Sign::UserChanged,
        (Resource::Groups, ChangeType::Deleted) => Sign::GroupDeleted,
        (Resource::Groups, _) => Sign::GroupChanged,
    }
}

fn sign_of_event(event: LifecycleEvent) -> Sign {
    match event {
        LifecycleEvent::ReauthorizationRequired => Sign::SubscriptionEnding,
        LifecycleEvent::SubscriptionRemoved => Sign::SubscriptionRemoved,
        // What is unknown may mean that something was lost: a delta poll costs one call.
        LifecycleEvent::Missed | LifecycleEvent::Unknown => Sign::NotificationsMissed,
    }
}

#[cfg(test)]
mod tests;
