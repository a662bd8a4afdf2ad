//! Everything the simulator knows, behind one lock.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::Notify;
use uuid::Uuid;

use super::announce::Outbox;
use super::clock::{self, SimulatedClock};
use super::control::SimulatorSettings;
use super::counters::Counters;
use super::faults::Faults;
use super::message::Grant;
use super::registry::TenantRecord;
use super::subscriptions::Subscriptions;
use super::throttling::Buckets;

/// Deleted items are kept for 30 days. Graph: directory-deleteditems-list.
const DELETED_ITEMS_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// The state.
#[derive(Debug)]
pub(super) struct World {
    pub(super) settings: SimulatorSettings,
    pub(super) clock: SimulatedClock,
    pub(super) random: StdRng,
    pub(super) tenants: HashMap<Uuid, TenantRecord>,
    pub(super) grants: HashMap<String, Grant>,
    pub(super) subscriptions: Subscriptions,
    pub(super) outbox: Outbox,
    pub(super) buckets: Buckets,
    pub(super) counters: Counters,
    pub(super) faults: Faults,
    /// Signs the opaque tokens of links.
    pub(super) link_secret: [u8; 16],
}

impl World {
    fn new(settings: SimulatorSettings) -> Self {
        let mut random = StdRng::seed_from_u64(settings.seed);
        let link_secret = random.random();
        Self {
            settings,
            clock: SimulatedClock::default(),
            random,
            tenants: HashMap::new(),
            grants: HashMap::new(),
            subscriptions: Subscriptions::default(),
            outbox: Outbox::default(),
            buckets: Buckets::default(),
            counters: Counters::default(),
            faults: Faults::default(),
            link_secret,
        }
    }

    /// Microseconds since the Unix epoch, on the simulated clock.
    pub(super) fn now(&self) -> i64 {
        self.clock.now()
    }

    /// An id that the seed decides.
    pub(super) fn fresh_id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.random.random()).into_uuid()
    }

    /// The tenant of a grant or a handle; tenants are never removed.
    pub(super) fn tenant(&self, id: Uuid) -> &TenantRecord {
        self.tenants.get(&id).expect("tenants are never removed")
    }

    pub(super) fn tenant_mut(&mut self, id: Uuid) -> &mut TenantRecord {
        self.tenants.get_mut(&id).expect("tenants are never removed")
    }

    /// Purges what has been in deleted items for too long, in every tenant.
    pub(super) fn purge_old_deleted_items(&mut self) {
        let before = self.now() - clock::micros(DELETED_ITEMS_LIFETIME);
        let ids: Vec<_> = self.tenants.keys().copied().collect();
        for id in ids {
            self.tenant_mut(id).directory.purge_deleted_before(before);
            self.announce(id);
        }
    }
}

/// The state with what does not change and what is needed outside of the lock.
#[derive(Debug)]
pub(super) struct Shared {
    world: Mutex<World>,
    pub(super) settings: SimulatorSettings,
    /// Without pooled connections: handshakes are sent from the server's own runtime, which may end before.
    pub(super) handshake_client: reqwest::Client,
    pub(super) delivery_client: reqwest::Client,
    /// Rung when something may be deliverable.
    pub(super) outbox_filled: Notify,
}

impl Shared {
    pub(super) fn new(settings: SimulatorSettings) -> Self {
        // A second installation fails and changes nothing: whoever came first chose the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = || reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let built = |builder: reqwest::ClientBuilder| builder.build().expect("a client without files or environment");
        Self {
            world: Mutex::new(World::new(settings.clone())),
            settings,
            handshake_client: built(client().pool_max_idle_per_host(0)),
            delivery_client: built(client()),
            outbox_filled: Notify::new(),
        }
    }

    /// Locks the state. A test that panicked while holding it left it whole: every edit ends before it panics.
    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Edits one tenant, announces the changes and wakes the sender.
    pub(super) fn edit<T>(&self, tenant: Uuid, edit: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.lock();
        let result = edit(&mut world);
        world.announce(tenant);
        drop(world);
        self.outbox_filled.notify_one();
        result
    }
}
