//! Bytes of a request body to notifications: pure, borrowing, and tolerant item by item.
//!
//! One pass over the body. A field of an unexpected type is read as absent, so that a strange item is dropped alone;
//! only bytes that are no JSON, or no collection, refuse the whole body
//! (Graph: resources/changenotificationcollection).

mod lenient;
mod members;
mod raw;

use std::borrow::Cow;
use std::fmt;

use crate::directory::{ObjectId, SubscriptionId, TenantId};

/// What a body holds.
#[derive(Debug, Default)]
pub struct Parsed<'a> {
    /// Everything that can be read as a notification, in order.
    pub notifications: Vec<Notification<'a>>,
    /// Items, and members of groups, that cannot: of the wrong shape, about other resources, ids that are no GUIDs.
    pub dropped_count: u64,
    /// Notifications among them whose change type or lifecycle event is unknown.
    pub unknown_count: u64,
}

/// One element of Graph's `value`.
#[derive(Debug, PartialEq)]
pub struct Notification<'a> {
    /// The tenant it claims to come from.
    pub tenant: TenantId,
    /// The subscription it claims to belong to.
    pub subscription: SubscriptionId,
    /// What proves both.
    pub client_state: ClientState<'a>,
    /// What it tells.
    pub told: Told,
}

/// What a notification tells.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// An object changed.
    Change(Change),
    /// Something about the subscription itself (Graph: change-notifications-lifecycle-events).
    Lifecycle(LifecycleEvent),
}

/// That an object changed; never what changed (design rule 4).
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// Which kind of object.
    pub resource: Resource,
    /// Which one.
    pub object: ObjectId,
    /// In what way.
    pub change_type: ChangeType,
    /// Of a group: who joined or left within a short window (undocumented, hence a hint only).
    pub members: Vec<MemberHint>,
}

/// What is subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// All users.
    Users,
    /// All groups.
    Groups,
}

impl Resource {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Users, Self::Groups];

    /// The resource as a subscription names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
        }
    }
}

/// Graph's `changeType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeType {
    /// Never sent for users and groups, and accepted all the same.
    Created,
    /// Created, changed, deleted restorably, or restored.
    Updated,
    /// Deleted for good.
    Deleted,
    /// A value Graph added later.
    Unknown,
}

/// Graph's `lifecycleEvent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifecycleEvent {
    /// Renew, or deliveries stop.
    ReauthorizationRequired,
    /// The subscription is gone.
    SubscriptionRemoved,
    /// Notifications were lost.
    Missed,
    /// A value Graph added later.
    Unknown,
}

/// An entry of `members@delta`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberHint {
    /// The member: a user, a nested group or a device; the entry does not say.
    pub id: ObjectId,
    /// Whether it is said to have left.
    pub removed: bool,
}

/// The client state of a notification: a secret, so it is never printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientState<'a>(pub Cow<'a, str>);

impl fmt::Debug for ClientState<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientState([REDACTED])")
    }
}

/// A body is no collection of notifications.
#[derive(Debug, thiserror::Error)]
pub enum MalformedBody {
    /// Some bytes are no text.
    #[error("the body is not UTF-8")]
    NotText(#[source] std::str::Utf8Error),
    /// Not JSON, nested too deeply, or not an object with an array `value`. Without serde's own words, which may quote
    /// the body.
    #[error("the body is not a JSON object with an array \"value\" (line {line}, column {column})")]
    NotACollection {
        /// The line of the first offence, counted from 1.
        line: usize,
        /// Its column.
        column: usize,
    },
}

/// Reads a request body.
///
/// # Errors
/// [`MalformedBody`] when it is not JSON, is nested deeper than 128 levels, or is not an object with an array `value`.
pub fn parse(body: &[u8]) -> Result<Parsed<'_>, MalformedBody> {
    let text = std::str::from_utf8(body).map_err(MalformedBody::NotText)?;
    serde_json::from_str::<raw::Collection<'_>>(text)
        .map(|collection| collection.0)
        .map_err(|error| MalformedBody::NotACollection { line: error.line(), column: error.column() })
}

#[cfg(test)]
mod tests;
