//! What happens to a tenant's application, subscriptions and delta links from outside.

use std::time::Duration;

use uuid::Uuid;

use super::clock;
use super::login_assertions::Certificate;
use super::registry::Application;
use super::tenant::Tenant;

impl Tenant {
    /// The id of the application made with the tenant.
    #[must_use]
    pub fn client_id(&self) -> Uuid {
        self.shared.lock().tenant(self.id()).client_id
    }

    /// The secret of the application made with the tenant.
    #[must_use]
    pub fn client_secret(&self) -> String {
        self.application(self.client_id(), |application| application.secret.clone())
    }

    /// Registers another application, or one that other tenants know too, with the usual permissions.
    pub fn register_application(&self, client_id: Uuid, secret: &str) {
        let mut world = self.shared.lock();
        let application = Application::new(secret.to_owned(), world.fresh_id());
        world.tenant_mut(self.id()).applications.insert(client_id, application);
    }

    /// Removes an application, as before consent; tokens it has stay valid.
    pub fn remove_application(&self, client_id: Uuid) {
        self.shared.lock().tenant_mut(self.id()).applications.remove(&client_id);
    }

    /// Grants the application exactly these permissions; tokens issued before keep theirs.
    pub fn set_roles(&self, roles: &[&str]) {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        self.application(self.client_id(), |application| application.roles = roles);
    }

    /// Replaces the application's secret.
    pub fn set_client_secret(&self, secret: &str) {
        self.application(self.client_id(), |application| application.secret = secret.to_owned());
    }

    /// Lets the application sign in with a certificate (X.509, RSA, in DER) besides its secret.
    pub fn trust_certificate(&self, certificate_der: &[u8]) {
        let Some(certificate) = Certificate::read(certificate_der) else {
            panic!("this is no X.509 certificate in DER")
        };
        self.application(self.client_id(), |application| application.certificates.push(certificate));
    }

    /// Lets the application sign in with tokens of another identity provider; their signature is not checked.
    pub fn trust_federated_token(&self, issuer: &str, subject: &str) {
        let trusted = (issuer.to_owned(), subject.to_owned());
        self.application(self.client_id(), |application| application.federated.push(trusted));
    }

    /// Lets the application's secret expire, or no longer (AADSTS7000222).
    pub fn expire_client_secret(&self, expired: bool) {
        self.application(self.client_id(), |application| application.is_secret_expired = expired);
    }

    /// Disables the application, or enables it again (AADSTS7000112).
    pub fn set_application_enabled(&self, enabled: bool) {
        self.application(self.client_id(), |application| application.is_enabled = enabled);
    }

    fn application<T>(&self, client_id: Uuid, change: impl FnOnce(&mut Application) -> T) -> T {
        let mut world = self.shared.lock();
        match world.tenant_mut(self.id()).applications.get_mut(&client_id) {
            Some(application) => change(application),
            None => panic!("the tenant has no application {client_id}"),
        }
    }

    /// Lets every delta and next link of delta queries issued so far expire.
    pub fn expire_delta_tokens(&self) {
        self.shared.lock().tenant_mut(self.id()).delta_generation += 1;
    }

    /// Queues `reauthorizationRequired` for every live subscription with a lifecycle URL; says how many.
    pub fn require_reauthorization(&self) -> usize {
        self.send_lifecycle_event("reauthorizationRequired")
    }

    /// Queues any lifecycle event for every live subscription with a lifecycle URL; says how many.
    pub fn send_lifecycle_event(&self, event: &str) -> usize {
        let mut world = self.shared.lock();
        let now = world.now();
        let ids: Vec<_> = world.subscriptions.live_in(self.id(), now).map(|known| known.id).collect();
        let told = ids.into_iter().filter(|id| world.tell_lifecycle((self.id(), *id), event)).count();
        drop(world);
        self.shared.outbox_filled.notify_one();
        told
    }

    /// Holds back the change notifications of every live subscription until it is renewed or reauthorized.
    pub fn suspend_subscriptions(&self) {
        let mut world = self.shared.lock();
        let now = world.now();
        let known = world.subscriptions.by_key.values_mut();
        let live = known.filter(|known| known.tenant == self.id() && !known.is_expired(now));
        live.for_each(|known| known.is_suspended = true);
    }

    /// Removes a subscription without telling anyone. False when there is none of that id.
    pub fn remove_subscription(&self, id: Uuid) -> bool {
        self.shared.lock().subscriptions.by_key.remove(&(self.id(), id)).is_some()
    }

    /// Lets a subscription expire after this long from now.
    pub fn expire_subscription_after(&self, id: Uuid, after: Duration) {
        let mut world = self.shared.lock();
        let expires_at = world.now() + clock::micros(after);
        match world.subscriptions.by_key.get_mut(&(self.id(), id)) {
            Some(known) => known.expires_at = expires_at,
            None => panic!("there is no subscription {id}"),
        }
    }
}
