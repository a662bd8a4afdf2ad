//! The simulator as its users hold it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::RngExt;
use uuid::Uuid;

use super::clock;
use super::counters::Counters;
use super::delivery::{self, DeliveryReport};
use super::directory::Directory;
use super::faults::{Failure, Faults};
use super::registry::{Application, TenantRecord};
use super::server::{self, Running};
use super::tenant::Tenant;
use super::world::Shared;

/// Who sends notifications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Nobody until [`Simulator::deliver`] is called.
    #[default]
    Manual,
    /// A task of the running simulator, with retries after growing waits.
    Automatic,
}

/// How a simulator is made. What can be changed while running is in [`Faults`].
#[derive(Clone, Debug)]
pub struct SimulatorSettings {
    /// Decides every id, secret and random person.
    pub seed: u64,
    /// Who sends notifications.
    pub delivery: Delivery,
    /// Items in one POST of notifications; items of several tenants share one when they share the URL.
    pub items_per_post_max: usize,
    /// POSTs of notifications under way at once.
    pub posts_in_flight_max: usize,
    /// How long after a change its notification becomes due; counts for automatic delivery.
    pub notification_delay: Duration,
    /// Notifications for one created object: Graph tells of the skeleton first, then of its properties.
    pub notifications_per_creation: u32,
    /// Lifetime of access tokens.
    pub token_lifetime: Duration,
    /// Objects and links on one delta page.
    pub delta_page_size: usize,
    /// Subscriptions on one page of their list.
    pub subscription_page_size: usize,
    /// Threads of the server.
    pub workers: usize,
}

impl Default for SimulatorSettings {
    fn default() -> Self {
        Self {
            seed: 0,
            delivery: Delivery::Manual,
            items_per_post_max: 50,
            posts_in_flight_max: 1,
            notification_delay: Duration::ZERO,
            notifications_per_creation: 2,
            token_lifetime: Duration::from_secs(3599),
            delta_page_size: 200,
            subscription_page_size: 20,
            workers: 1,
        }
    }
}

/// A simulated Entra ID. Clones are handles of the same one.
#[derive(Clone, Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
}

impl Simulator {
    /// Makes one without tenants.
    #[must_use]
    pub fn new(settings: SimulatorSettings) -> Self {
        Self { shared: Arc::new(Shared::new(settings)) }
    }

    /// Answers under an address (`127.0.0.1:0` takes a free port) until [`Running::stop`].
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn serve(&self, address: &str) -> io::Result<Running> {
        server::serve(self.shared.clone(), address).await
    }

    /// Adds a tenant whose users have principal names under `NAME.example`, with one application that is granted
    /// `User.Read.All`, `Group.Read.All`, `GroupMember.Read.All` and `Directory.Read.All`.
    #[must_use]
    pub fn add_tenant(&self, name: &str) -> Tenant {
        let mut world = self.shared.lock();
        let (id, client_id, service_principal_id) = (world.fresh_id(), world.fresh_id(), world.fresh_id());
        let secret = format!("sim~{:032x}", world.random.random::<u128>());
        let record = TenantRecord {
            id,
            name: name.to_ascii_lowercase(),
            client_id,
            applications: [(client_id, Application::new(secret, service_principal_id))].into(),
            directory: Directory::default(),
            announced: 0,
            delta_generation: 0,
            soft_deletes_security_groups: false,
        };
        world.tenants.insert(id, record);
        Tenant::new(self.shared.clone(), id)
    }

    /// The handle of a tenant.
    #[must_use]
    pub fn tenant(&self, id: Uuid) -> Option<Tenant> {
        self.shared.lock().tenants.contains_key(&id).then(|| Tenant::new(self.shared.clone(), id))
    }

    /// Sends everything pending once, due or not; what failed stays pending for the next call.
    pub async fn deliver(&self) -> DeliveryReport {
        delivery::deliver(&self.shared, false).await
    }

    /// Notifications not yet delivered.
    #[must_use]
    pub fn pending_notifications(&self) -> usize {
        self.shared.lock().outbox.len()
    }

    /// Forgets every pending notification; says how many there were.
    pub fn forget_pending_notifications(&self) -> usize {
        self.shared.lock().outbox.take().len()
    }

    /// Changes the switches.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.shared.lock().faults);
    }

    /// Lets notifications vanish from now on, or no longer. Changes stay to be found by other means.
    pub fn lose_notifications(&self, lose: bool) {
        self.faults(|faults| faults.lose_notifications = lose);
    }

    /// Lets the next requests to Graph fail with this status; sub-requests of a batch count one by one.
    pub fn fail_next(&self, count: u32, status: u16) {
        self.fail(None, count, status);
    }

    /// Like [`Simulator::fail_next`], only for one operation (its name as in [`Counters::by_operation`]).
    pub fn fail_next_of(&self, operation: &str, count: u32, status: u16) {
        self.fail(Some(operation.to_owned()), count, status);
    }

    fn fail(&self, operation: Option<String>, remaining: u32, status: u16) {
        if remaining > 0 {
            self.faults(|faults| faults.failures.push(Failure { operation, remaining, status }));
        }
    }

    /// What was asked so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.lock().counters.clone()
    }

    /// Counts from zero again.
    pub fn reset_counters(&self) {
        self.shared.lock().counters = Counters::default();
    }

    /// The simulated instant.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        clock::date_time(self.shared.lock().now())
    }

    /// Lets the simulated clock stand still at this instant until advanced.
    pub fn set_time(&self, instant: DateTime<Utc>) {
        self.shared.lock().clock.fix(instant.timestamp_micros());
    }

    /// Advances the simulated clock: tokens, subscriptions and delta tokens age, deleted items are purged after 30 days.
    pub fn advance(&self, by: Duration) {
        let mut world = self.shared.lock();
        world.clock.advance(by);
        world.purge_old_deleted_items();
        drop(world);
        self.shared.outbox_filled.notify_one();
    }

    /// Lets every access token issued so far expire.
    pub fn expire_access_tokens(&self) {
        self.shared.lock().grants.clear();
    }
}
