//! Subscriptions to change notifications. Graph: subscription, change-notifications-delivery-webhooks.

use std::time::Duration;

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use crate::clock::Timestamp;
use crate::directory::SubscriptionId;

use super::answer::Answer;
use super::call::Call;
use super::errors::GraphError;
use super::links;
use super::refusal::Refusal;
use super::selection::Address;
use super::session::Graph;
use super::wire::{Collection, Item};

/// The longest lifetime asked for: a little below Graph's 41,760 minutes for directory resources, because the clocks
/// of both sides differ.
pub const SUBSCRIPTION_LIFETIME_MAX: Duration = Duration::from_secs(41_700 * 60);

/// The longest client state Graph keeps, in characters.
pub const CLIENT_STATE_LENGTH_MAX: usize = 128;

/// Users and groups know only these two: creation and soft deletion come as `updated`. The text is part of the key by
/// which Graph finds duplicates, so it never varies.
const CHANGE_TYPE: &str = "updated,deleted";

/// An application has at most 100 subscriptions in a tenant, so a listing is one or two pages.
const LIST_PAGES_MAX: usize = 50;

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// All users of the tenant.
    Users,
    /// All groups of the tenant, with their memberships.
    Groups,
}

impl Resource {
    /// The resource as Graph names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
        }
    }

    /// Reads Graph's spellings: any case, with or without slashes around. `None` for any other resource.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches('/');
        [Self::Users, Self::Groups].into_iter().find(|resource| text.eq_ignore_ascii_case(resource.as_str()))
    }
}

/// A subscription to be created.
#[derive(Clone, Debug)]
pub struct NewSubscription {
    /// What to be told about.
    pub resource: Resource,
    /// Where change notifications go; https.
    pub notification_url: Url,
    /// Where lifecycle notifications go; cannot be added later.
    pub lifecycle_url: Url,
    /// When it shall end; cut to [`SUBSCRIPTION_LIFETIME_MAX`] from now. Graph raises less than 45 minutes to that.
    pub expires_at: Timestamp,
    /// Comes back with every notification; at most [`CLIENT_STATE_LENGTH_MAX`] characters. Graph never shows it again.
    pub client_state: SecretString,
}

/// A subscription as Graph shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Graph's id for it.
    pub id: SubscriptionId,
    /// What it is about; `None` when it is neither all users nor all groups.
    pub resource: Option<Resource>,
    /// Its change types as they were asked for.
    pub change_type: String,
    /// Where its notifications go: tells ours from those of others with the same application.
    pub notification_url: String,
    /// Where its lifecycle notifications go.
    pub lifecycle_url: Option<String>,
    /// When it ends. Renew by this, not by what was asked for.
    pub expires_at: Timestamp,
}

/// What became of a renewal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// It lives on.
    Renewed(Subscription),
    /// It is no more: create a new one, and look for what was missed.
    Gone,
}

impl Graph {
    /// Creates a subscription. Graph validates both addresses meanwhile, so whoever answers there must be listening.
    pub async fn create_subscription(&self, new: &NewSubscription) -> Result<Subscription, GraphError> {
        let body = json!({
            "changeType": CHANGE_TYPE,
            "notificationUrl": new.notification_url.as_str(),
            "lifecycleNotificationUrl": new.lifecycle_url.as_str(),
            "resource": new.resource.as_str(),
            "expirationDateTime": self.bounded(new.expires_at),
            "clientState": new.client_state.expose_secret(),
            "latestSupportedTlsVersion": "v1_2",
        });
        let url = self.url(&Address::new("/subscriptions"));
        let call = Call::post("create_subscription", url, body).within(self.subscription_timeout());
        let answer = self.send(&call).await?;
        if answer.is_success() { one(answer) } else { Err(create_error(answer)) }
    }

    /// All subscriptions of this application in the tenant, also those of other installations, and possibly expired
    /// ones.
    pub async fn list_subscriptions(&self) -> Result<Vec<Subscription>, GraphError> {
        let mut url = self.url(&Address::new("/subscriptions"));
        let mut subscriptions = Vec::new();
        for _ in 0..LIST_PAGES_MAX {
            let page: Collection = self.send(&Call::get("list_subscriptions", url)).await?.decode()?;
            for item in &page.value {
                subscriptions.extend(listed(item)?);
            }
            let Some(next) = page.next else { return Ok(subscriptions) };
            url = links::address(&next, self.base())?;
        }
        Err(GraphError::Protocol("the list of subscriptions does not end"))
    }

    /// One subscription; `None` when it has expired or was deleted.
    pub async fn subscription(&self, id: SubscriptionId) -> Result<Option<Subscription>, GraphError> {
        let answer = self.send(&Call::get("get_subscription", self.subscription_url(id))).await?;
        if answer.is_not_found() { Ok(None) } else { one(answer).map(Some) }
    }

    /// Renews a subscription, which also reauthorizes it: never send `reauthorize` besides. Graph:
    /// change-notifications-lifecycle-events.
    pub async fn renew_subscription(&self, id: SubscriptionId, expires_at: Timestamp) -> Result<Renewed, GraphError> {
        let call = Call::new("renew_subscription", Method::PATCH, self.subscription_url(id))
            .with_body(json!({"expirationDateTime": self.bounded(expires_at)}))
            .within(self.subscription_timeout());
        let answer = self.send(&call).await?;
        if answer.is_not_found() { Ok(Renewed::Gone) } else { one(answer).map(Renewed::Renewed) }
    }

    /// Deletes a subscription; one that is gone already counts as deleted.
    pub async fn delete_subscription(&self, id: SubscriptionId) -> Result<(), GraphError> {
        let call = Call::new("delete_subscription", Method::DELETE, self.subscription_url(id));
        let answer = self.send(&call).await?;
        if answer.is_not_found() { Ok(()) } else { answer.accept() }
    }

    fn subscription_url(&self, id: SubscriptionId) -> Url {
        self.url(&Address::new(format!("/subscriptions/{id}")))
    }

    fn bounded(&self, expires_at: Timestamp) -> Timestamp {
        expires_at.min(self.now().plus(SUBSCRIPTION_LIFETIME_MAX))
    }
}

fn one(answer: Answer) -> Result<Subscription, GraphError> {
    let item: Item = answer.decode()?;
    listed(&item)?.ok_or(GraphError::Protocol("a subscription whose id is not a GUID"))
}

/// Reads one subscription; `None` when its id is not a GUID, which those of users and groups always are.
fn listed(item: &Item) -> Result<Option<Subscription>, GraphError> {
    let text = |key: &str| item.get(key).and_then(Value::as_str);
    let id = text("id").ok_or(GraphError::Protocol("a subscription without id"))?;
    let Ok(id) = id.parse() else { return Ok(None) };
    let expires_at = text("expirationDateTime").and_then(Timestamp::parse_rfc3339);
    Ok(Some(Subscription {
        id,
        resource: text("resource").and_then(Resource::parse),
        change_type: text("changeType").unwrap_or_default().to_owned(),
        notification_url: text("notificationUrl").unwrap_or_default().to_owned(),
        lifecycle_url: text("lifecycleNotificationUrl").map(str::to_owned),
        expires_at: expires_at.ok_or(GraphError::Protocol("a subscription without expiry"))?,
    }))
}

/// The meanings a refusal has only here. The bodies of 403 and 409 are not documented beyond their message.
fn create_error(answer: Answer) -> GraphError {
    let refusal = answer.refusal();
    match answer.status {
        409 => GraphError::SubscriptionConflict { existing: named_id(&refusal) },
        403 if is_about_a_limit(&refusal) => GraphError::QuotaExceeded { detail: refusal.detail() },
        400 if is_about_validation(&refusal) => GraphError::EndpointValidation { detail: refusal.detail() },
        _ => answer.into_error(),
    }
}

/// "Subscription Id <id> already exists for the requested combination".
fn named_id(refusal: &Refusal) -> Option<SubscriptionId> {
    refusal.message.as_deref()?.split(|c: char| !c.is_ascii_hexdigit() && c != '-').find_map(|word| word.parse().ok())
}

fn is_about_a_limit(refusal: &Refusal) -> bool {
    let message = refusal.message.as_deref().unwrap_or_default().to_ascii_lowercase();
    ["limit", "quota", "maximum", "exceed"].iter().any(|word| message.contains(word))
}

/// `ValidationError`, or `InvalidRequest` "Subscription validation request timed out."
fn is_about_validation(refusal: &Refusal) -> bool {
    let message = refusal.message.as_deref().unwrap_or_default().to_ascii_lowercase();
    refusal.has_code_like(&["validationerror"]) || message.contains("subscription validation request")
}
