//! Creating, reading, renewing and removing subscriptions.
//! Graph: subscription-post-subscriptions, subscription-update, subscription-list.

use std::time::Duration;

use serde_json::{Map, Value, json};
use url::Url;
use uuid::Uuid;

use super::clock;
use super::errors::GraphError;
use super::faults::OverLongExpiration;
use super::handshake;
use super::link_tokens;
use super::message::{Grant, Outcome, Request, Response};
use super::options::Options;
use super::permissions;
use super::subscriptions::{Subscription, Watched};
use super::world::{Shared, World};

/// Under 29 days for users and groups.
const LIFETIME_MAX: Duration = Duration::from_secs(41_760 * 60);
/// Shorter lifetimes are silently raised to this.
const LIFETIME_MIN: Duration = Duration::from_secs(45 * 60);
/// Live subscriptions of one application in one tenant.
const PER_APPLICATION_AND_TENANT_MAX: usize = 100;
/// Characters of a client state.
const CLIENT_STATE_CHARACTERS_MAX: usize = 128;
/// An expired subscription can still be seen in the list for a day.
const SHOWN_AFTER_EXPIRY: Duration = Duration::from_secs(24 * 3600);

const CREATABLE: [&str; 9] = [
    "changeType",
    "notificationUrl",
    "lifecycleNotificationUrl",
    "resource",
    "expirationDateTime",
    "clientState",
    "latestSupportedTlsVersion",
    "notificationUrlAppId",
    "@odata.type",
];
const RICH: [&str; 3] = ["includeResourceData", "encryptionCertificate", "encryptionCertificateId"];
const UPDATABLE: [&str; 3] = ["expirationDateTime", "notificationUrl", "@odata.type"];

fn invalid(message: impl Into<String>) -> GraphError {
    GraphError::new(400, "InvalidRequest", message)
}

fn object(request: &Request) -> Result<Map<String, Value>, GraphError> {
    match request.json()? {
        Value::Object(object) => Ok(object),
        _ => Err(invalid("The body must be an object.")),
    }
}

fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, GraphError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(invalid(format!("{name} must be a string."))),
    }
}

fn required(body: &Map<String, Value>, name: &str) -> Result<String, GraphError> {
    let missing = || invalid(format!("{name} is a required property for subscription creation"));
    text(body, name)?.filter(|text| !text.is_empty()).ok_or_else(missing)
}

/// Refuses properties that only rich notifications have, and those nobody knows.
fn check_names(body: &Map<String, Value>) -> Result<(), GraphError> {
    if RICH.iter().any(|name| body.get(*name).is_some_and(|value| !value.is_null() && *value != json!(false))) {
        return Err(invalid("Azure Active Directory workload is not enabled for rich notifications."));
    }
    let is_known = |name: &str| CREATABLE.contains(&name) || RICH.contains(&name);
    match body.keys().find(|name| !is_known(name)) {
        Some(name) => Err(invalid(format!("Invalid property '{name}'."))),
        None => Ok(()),
    }
}

fn client_state(body: &Map<String, Value>) -> Result<Option<String>, GraphError> {
    let state = text(body, "clientState")?;
    if state.as_ref().is_some_and(|state| state.chars().count() > CLIENT_STATE_CHARACTERS_MAX) {
        return Err(invalid("clientState must not be longer than 128 characters."));
    }
    Ok(state)
}

fn tls_version(body: &Map<String, Value>) -> Result<String, GraphError> {
    let version = text(body, "latestSupportedTlsVersion")?.unwrap_or_else(|| "v1_2".to_owned());
    let is_known = ["v1_0", "v1_1", "v1_2", "v1_3"].contains(&version.as_str());
    if is_known { Ok(version) } else { Err(invalid("Invalid 'latestSupportedTlsVersion' attribute.")) }
}

/// https, or http on this machine: tests and demos have no certificates.
fn check_url(url: &str) -> Result<(), GraphError> {
    let parsed = Url::parse(url).map_err(|_| invalid("The notification URL is not valid."))?;
    let host = parsed.host_str().unwrap_or_default();
    let is_loopback = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match parsed.scheme() {
        "https" => Ok(()),
        "http" if is_loopback => Ok(()),
        _ => Err(invalid("Notification URL must use HTTPS.")),
    }
}

fn check_change_type(change_type: &str) -> Result<(), GraphError> {
    let is_known = |change: &str| matches!(change.trim(), "created" | "updated" | "deleted");
    if change_type.split(',').all(is_known) { Ok(()) } else { Err(invalid("Invalid 'changeType' attribute.")) }
}

impl World {
    /// The instant a requested expiration becomes.
    fn expiration(&self, requested: &str) -> Result<i64, GraphError> {
        let now = self.now();
        let requested = clock::parse(requested).ok_or_else(|| invalid("expirationDateTime is not a valid instant."))?;
        let (least, most) = (now + clock::micros(LIFETIME_MIN), now + clock::micros(LIFETIME_MAX));
        if requested > most && self.faults.over_long_expiration == OverLongExpiration::Refuse {
            return Err(invalid("Subscription expiration can only be 41760 minutes in the future."));
        }
        if requested <= now {
            return Err(invalid("Subscription expiration must be in the future."));
        }
        Ok(requested.clamp(least, most))
    }

    /// A subscription as the body wants it, not yet kept.
    fn wanted(&mut self, body: &Map<String, Value>, grant: &Grant) -> Result<Subscription, GraphError> {
        check_names(body)?;
        let resource = required(body, "resource")?;
        let watched =
            Watched::parse(&resource).ok_or_else(|| invalid(format!("Resource '{resource}' is not supported.")))?;
        if !permissions::readable(grant).kind(watched.kind()) {
            let message = "Operation: Create; Exception: [Status Code: Forbidden; Reason: Forbidden]";
            return Err(GraphError::new(403, "ExtensionError", message));
        }
        let change_type = required(body, "changeType")?;
        check_change_type(&change_type)?;
        let notification_url = required(body, "notificationUrl")?;
        check_url(&notification_url)?;
        let lifecycle_url = text(body, "lifecycleNotificationUrl")?;
        lifecycle_url.as_deref().map_or(Ok(()), check_url)?;
        let expires_at = self.expiration(&required(body, "expirationDateTime")?)?;
        let application = self.tenant(grant.tenant).applications.get(&grant.client_id);
        Ok(Subscription {
            creator_id: application.map(|application| application.service_principal_id).unwrap_or_default(),
            id: self.fresh_id(),
            tenant: grant.tenant,
            client_id: grant.client_id,
            resource,
            watched,
            change_type,
            notification_url,
            lifecycle_url,
            client_state: client_state(body)?,
            tls_version: tls_version(body)?,
            expires_at,
            is_suspended: false,
        })
    }

    /// Refuses a second one of the same combination, and the 101st.
    fn check_room(&self, wanted: &Subscription) -> Result<(), GraphError> {
        let now = self.now();
        if let Some(id) = self.subscriptions.same_as(wanted, now) {
            let message = format!("Subscription Id {id} already exists for the requested combination");
            return Err(GraphError::new(409, "InvalidRequest", message));
        }
        let live = self.subscriptions.of(wanted.client_id, wanted.tenant).filter(|known| !known.is_expired(now));
        if live.count() >= PER_APPLICATION_AND_TENANT_MAX {
            let message = format!(
                "Application and tenant have reached the limit of {PER_APPLICATION_AND_TENANT_MAX} subscriptions."
            );
            return Err(GraphError::new(403, "Forbidden", message));
        }
        Ok(())
    }

    /// The live subscription of that id, of the asking application and tenant.
    fn subscription(&mut self, grant: &Grant, id: &str) -> Result<&mut Subscription, GraphError> {
        let now = self.now();
        let found = Uuid::parse_str(id).ok().and_then(|id| self.subscriptions.by_key.get_mut(&(grant.tenant, id)));
        let is_theirs = |known: &&mut Subscription| known.client_id == grant.client_id && !known.is_expired(now);
        let gone = || GraphError::new(404, "ResourceNotFound", "The object was not found.");
        found.filter(is_theirs).ok_or_else(gone)
    }
}

fn entity(request: &Request, status: u16, subscription: &Subscription, with_client_state: bool) -> Response {
    let mut body = json!({ "@odata.context": request.context("subscriptions/$entity") });
    if let (Value::Object(body), Value::Object(shown)) = (&mut body, subscription.shown(with_client_state)) {
        body.extend(shown);
    }
    Response::json(status, body.to_string())
}

/// `POST /subscriptions`: checks, calls back, and only then keeps.
pub(super) async fn create(shared: &Shared, request: &Request, grant: &Grant) -> Outcome {
    let body = object(request)?;
    let wanted = {
        let mut world = shared.lock();
        let wanted = world.wanted(&body, grant)?;
        world.check_room(&wanted)?;
        wanted
    };
    handshake::validate(shared, &wanted.notification_url).await?;
    if let Some(url) = &wanted.lifecycle_url {
        handshake::validate(shared, url).await?;
    }
    let mut world = shared.lock();
    world.check_room(&wanted)?;
    let forgotten_before = world.now() - clock::micros(SHOWN_AFTER_EXPIRY);
    world.subscriptions.by_key.retain(|_, known| known.expires_at > forgotten_before);
    world.subscriptions.by_key.insert((wanted.tenant, wanted.id), wanted.clone());
    Ok(entity(request, 201, &wanted, true))
}

/// `PATCH /subscriptions/{id}`: renews, and reauthorizes.
pub(super) async fn update(shared: &Shared, request: &Request, grant: &Grant, id: &str) -> Outcome {
    let body = object(request)?;
    if let Some(name) = body.keys().find(|name| !UPDATABLE.contains(&name.as_str())) {
        return Err(invalid(format!("Property '{name}' cannot be updated.")));
    }
    let (url, expiration) = (text(&body, "notificationUrl")?, text(&body, "expirationDateTime")?);
    if url.is_none() && expiration.is_none() {
        return Err(invalid("expirationDateTime or notificationUrl is required for subscription update"));
    }
    let moved_to = {
        let mut world = shared.lock();
        let known = world.subscription(grant, id)?;
        url.filter(|url| *url != known.notification_url)
    };
    if let Some(url) = &moved_to {
        check_url(url)?;
        handshake::validate(shared, url).await?;
    }
    let mut world = shared.lock();
    let expires_at = expiration.map(|requested| world.expiration(&requested)).transpose()?;
    let known = world.subscription(grant, id)?;
    known.expires_at = expires_at.unwrap_or(known.expires_at);
    known.notification_url = moved_to.unwrap_or_else(|| known.notification_url.clone());
    known.is_suspended = false;
    let response = entity(request, 200, known, false);
    drop(world);
    shared.outbox_filled.notify_one();
    Ok(response)
}

/// `GET /subscriptions`: those of the asking application, also some that have expired.
pub(super) fn list(world: &World, request: &Request, grant: &Grant, options: &Options) -> Outcome {
    options.allow(&["$skiptoken"])?;
    let after = match options.get("$skiptoken") {
        None => None,
        Some(token) => {
            let read = link_tokens::decode::<Uuid>(&world.link_secret, token);
            Some(read.ok_or_else(|| GraphError::bad_request("Invalid skip token."))?)
        }
    };
    let own = world.subscriptions.of(grant.client_id, grant.tenant);
    let mut page: Vec<_> =
        own.filter(|known| Some(known.id) > after).take(world.settings.subscription_page_size + 1).collect();
    let has_more = page.len() > world.settings.subscription_page_size;
    page.truncate(world.settings.subscription_page_size);
    let shown: Vec<_> = page.iter().map(|known| known.shown(false)).collect();
    let mut body = json!({ "@odata.context": request.context("subscriptions"), "value": shown });
    if let Some(last) = page.last().filter(|_| has_more) {
        let token = link_tokens::encode(&world.link_secret, &last.id);
        body["@odata.nextLink"] = format!("{}/v1.0/subscriptions?$skiptoken={token}", request.base_url).into();
    }
    Ok(Response::json(200, body.to_string()))
}

/// `GET /subscriptions/{id}`.
pub(super) fn get(world: &mut World, request: &Request, grant: &Grant, id: &str) -> Outcome {
    Ok(entity(request, 200, world.subscription(grant, id)?, false))
}

/// `DELETE /subscriptions/{id}`.
pub(super) fn delete(world: &mut World, grant: &Grant, id: &str) -> Outcome {
    let id = world.subscription(grant, id)?.id;
    world.subscriptions.by_key.remove(&(grant.tenant, id));
    Ok(Response::no_content())
}

/// `POST /subscriptions/{id}/reauthorize`: delivery goes on, the expiration stays.
pub(super) fn reauthorize(world: &mut World, grant: &Grant, id: &str) -> Outcome {
    world.subscription(grant, id)?.is_suspended = false;
    Ok(Response::no_content())
}
