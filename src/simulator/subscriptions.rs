//! Graph subscriptions as the simulator keeps them. Graph: resources/subscription.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::clock;
use super::properties::Kind;

/// What a subscription watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    All(Kind),
    One(Kind, Uuid),
    /// Only the membership of one group.
    Members(Uuid),
    /// Accepted and silent: the simulated directory has no owners.
    Owners,
}

impl Watched {
    /// Reads a resource; its case and a leading slash do not matter.
    pub(super) fn parse(resource: &str) -> Option<Self> {
        let lower = resource.to_ascii_lowercase();
        let segments: Vec<_> = lower.trim_start_matches('/').split('/').collect();
        let id = |text: &str| Uuid::parse_str(text).ok();
        match segments.as_slice() {
            ["users"] => Some(Self::All(Kind::User)),
            ["groups"] => Some(Self::All(Kind::Group)),
            ["users", user] => Some(Self::One(Kind::User, id(user)?)),
            ["groups", group] => Some(Self::One(Kind::Group, id(group)?)),
            ["groups", group, "members"] => Some(Self::Members(id(group)?)),
            ["groups", group, "owners"] => id(group).map(|_| Self::Owners),
            _ => None,
        }
    }

    /// The kind whose read permission is needed.
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::All(kind) | Self::One(kind, _) => kind,
            Self::Members(_) | Self::Owners => Kind::Group,
        }
    }
}

/// A subscription.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    pub(super) id: Uuid,
    pub(super) tenant: Uuid,
    pub(super) client_id: Uuid,
    pub(super) creator_id: Uuid,
    /// As it was sent.
    pub(super) resource: String,
    pub(super) watched: Watched,
    /// As it was sent.
    pub(super) change_type: String,
    pub(super) notification_url: String,
    pub(super) lifecycle_url: Option<String>,
    pub(super) client_state: Option<String>,
    pub(super) tls_version: String,
    pub(super) expires_at: i64,
    /// Nothing is sent until it is reauthorized or renewed.
    pub(super) is_suspended: bool,
}

impl Subscription {
    pub(super) fn is_expired(&self, now: i64) -> bool {
        self.expires_at <= now
    }

    pub(super) fn wants(&self, change: &str) -> bool {
        self.change_type.split(',').any(|wanted| wanted.trim().eq_ignore_ascii_case(change))
    }

    /// What must not be there twice for one application and tenant.
    fn combination(&self) -> (Uuid, Uuid, String, String) {
        let mut changes: Vec<_> =
            self.change_type.split(',').map(|change| change.trim().to_ascii_lowercase()).collect();
        changes.sort();
        let resource = self.resource.trim_start_matches('/').to_ascii_lowercase();
        (self.client_id, self.tenant, changes.join(","), resource)
    }

    /// The object as Graph shows it; the client state only in the answer to its creation.
    pub(super) fn shown(&self, with_client_state: bool) -> Value {
        json!({
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.client_id,
            "changeType": self.change_type,
            "clientState": self.client_state.as_ref().filter(|_| with_client_state),
            "notificationUrl": self.notification_url,
            "notificationQueryOptions": null,
            "lifecycleNotificationUrl": self.lifecycle_url,
            "expirationDateTime": clock::in_seconds(self.expires_at),
            "creatorId": self.creator_id,
            "includeResourceData": null,
            "latestSupportedTlsVersion": self.tls_version,
            "encryptionCertificate": null,
            "encryptionCertificateId": null,
            "notificationUrlAppId": null,
        })
    }
}

/// All subscriptions of all tenants.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    /// By tenant and id.
    pub(super) by_key: BTreeMap<(Uuid, Uuid), Subscription>,
}

impl Subscriptions {
    /// Those of a tenant, expired ones included.
    pub(super) fn all_in(&self, tenant: Uuid) -> impl Iterator<Item = &Subscription> {
        self.by_key.range((tenant, Uuid::nil())..=(tenant, Uuid::max())).map(|(_, subscription)| subscription)
    }

    /// Those of a tenant that have not expired.
    pub(super) fn live_in(&self, tenant: Uuid, now: i64) -> impl Iterator<Item = &Subscription> {
        self.all_in(tenant).filter(move |subscription| !subscription.is_expired(now))
    }

    /// Those an application has in a tenant, expired ones included.
    pub(super) fn of(&self, client_id: Uuid, tenant: Uuid) -> impl Iterator<Item = &Subscription> {
        self.all_in(tenant).filter(move |known| known.client_id == client_id)
    }

    /// The live subscription that stands in the way of this one.
    pub(super) fn same_as(&self, wanted: &Subscription, now: i64) -> Option<Uuid> {
        let same = |known: &&Subscription| !known.is_expired(now) && known.combination() == wanted.combination();
        self.of(wanted.client_id, wanted.tenant).find(same).map(|known| known.id)
    }
}
