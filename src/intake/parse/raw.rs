//! The shapes Graph sends, read field by field.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::lenient::{Skipped, Text, ignore_arrays, ignore_scalars, lenient_object};
use super::members::Members;
use super::{Change, ChangeType, ClientState, LifecycleEvent, Notification, Parsed, Resource, Told};
use crate::directory::{ObjectId, SubscriptionId, TenantId};

/// The whole body; the one shape that is not read leniently.
pub(super) struct Collection<'a>(pub(super) Parsed<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Collection<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(CollectionVisitor).map(Self)
    }
}

struct CollectionVisitor;

impl<'de> Visitor<'de> for CollectionVisitor {
    type Value = Parsed<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with an array \"value\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut parsed = None;
        while let Some(name) = fields.next_key::<Text<'de>>()? {
            if name.0.as_deref() == Some("value") {
                parsed = Some(fields.next_value::<Items<'de>>()?.0);
            } else {
                fields.next_value::<Skipped>()?;
            }
        }
        parsed.ok_or_else(|| A::Error::missing_field("value"))
    }
}

struct Items<'a>(Parsed<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ItemsVisitor).map(Self)
    }
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Parsed<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut parsed = Parsed::default();
        while let Some(Item(item)) = items.next_element::<Item<'de>>()? {
            match item.and_then(|fields| fields.into_notification(&mut parsed)) {
                Some(notification) => parsed.notifications.push(notification),
                None => parsed.dropped_count += 1,
            }
        }
        Ok(parsed)
    }
}

lenient_object!(Item, ItemVisitor, ItemFields);
lenient_object!(ResourceData, ResourceDataVisitor, ResourceDataFields);

#[derive(Default)]
struct ItemFields<'a> {
    subscription_id: Text<'a>,
    tenant_id: Text<'a>,
    client_state: Text<'a>,
    change_type: Text<'a>,
    lifecycle_event: Text<'a>,
    resource: Text<'a>,
    resource_data: Option<ResourceDataFields<'a>>,
}

impl<'a> ItemFields<'a> {
    fn read<'de: 'a, A: MapAccess<'de>>(mut fields: A) -> Result<Self, A::Error> {
        let mut item = Self::default();
        while let Some(name) = fields.next_key::<Text<'de>>()? {
            match name.0.as_deref().unwrap_or_default() {
                "subscriptionId" => item.subscription_id = fields.next_value()?,
                "tenantId" => item.tenant_id = fields.next_value()?,
                "clientState" => item.client_state = fields.next_value()?,
                "changeType" => item.change_type = fields.next_value()?,
                "lifecycleEvent" => item.lifecycle_event = fields.next_value()?,
                "resource" => item.resource = fields.next_value()?,
                "resourceData" => item.resource_data = fields.next_value::<ResourceData<'a>>()?.0,
                _ => {
                    fields.next_value::<Skipped>()?;
                }
            }
        }
        Ok(item)
    }

    /// `None` when it cannot be read as a notification.
    fn into_notification(self, counts: &mut Parsed<'_>) -> Option<Notification<'a>> {
        let tenant: TenantId = self.tenant_id.0.as_deref()?.parse().ok()?;
        let subscription: SubscriptionId = self.subscription_id.0.as_deref()?.parse().ok()?;
        let client_state = ClientState(self.client_state.0.unwrap_or_default());
        let told = match (&self.lifecycle_event.0, &self.change_type.0) {
            (Some(event), _) => Told::Lifecycle(lifecycle_event(event)),
            (None, Some(change_type)) => {
                let change_type = known_change_type(change_type);
                Told::Change(change(change_type, self.resource.0.as_deref(), self.resource_data, counts)?)
            }
            (None, None) => return None,
        };
        if is_unknown(&told) {
            counts.unknown_count += 1;
        }
        Some(Notification { tenant, subscription, client_state, told })
    }
}

fn is_unknown(told: &Told) -> bool {
    match told {
        Told::Change(change) => change.change_type == ChangeType::Unknown,
        Told::Lifecycle(event) => *event == LifecycleEvent::Unknown,
    }
}

fn known_change_type(text: &str) -> ChangeType {
    match text {
        _ if text.eq_ignore_ascii_case("updated") => ChangeType::Updated,
        _ if text.eq_ignore_ascii_case("deleted") => ChangeType::Deleted,
        _ if text.eq_ignore_ascii_case("created") => ChangeType::Created,
        _ => ChangeType::Unknown,
    }
}

fn lifecycle_event(text: &str) -> LifecycleEvent {
    match text {
        _ if text.eq_ignore_ascii_case("reauthorizationRequired") => LifecycleEvent::ReauthorizationRequired,
        _ if text.eq_ignore_ascii_case("subscriptionRemoved") => LifecycleEvent::SubscriptionRemoved,
        _ if text.eq_ignore_ascii_case("missed") => LifecycleEvent::Missed,
        _ => LifecycleEvent::Unknown,
    }
}

fn change(
    change_type: ChangeType,
    path: Option<&str>,
    data: Option<ResourceDataFields<'_>>,
    counts: &mut Parsed<'_>,
) -> Option<Change> {
    let data = data.unwrap_or_default();
    // `Users/{id}` as captured; a leading slash and an API version are tolerated.
    let mut segments = path.unwrap_or_default().trim_start_matches('/').split('/').peekable();
    segments.next_if(|first| *first == "v1.0" || *first == "beta");
    let named = segments.next().unwrap_or_default();
    let type_name = data.odata_type.0.as_deref().map(|name| name.rsplit('.').next().unwrap_or(name));
    let resource = resource(type_name.unwrap_or(named))?;
    let object: ObjectId = data.id.0.as_deref().or_else(|| segments.next())?.parse().ok()?;
    counts.dropped_count += data.members.dropped_count;
    Some(Change { resource, object, change_type, members: data.members.hints })
}

fn resource(name: &str) -> Option<Resource> {
    match name {
        _ if name.eq_ignore_ascii_case("user") || name.eq_ignore_ascii_case("users") => Some(Resource::Users),
        _ if name.eq_ignore_ascii_case("group") || name.eq_ignore_ascii_case("groups") => Some(Resource::Groups),
        _ => None,
    }
}

#[derive(Default)]
struct ResourceDataFields<'a> {
    odata_type: Text<'a>,
    id: Text<'a>,
    members: Members,
}

impl<'a> ResourceDataFields<'a> {
    fn read<'de: 'a, A: MapAccess<'de>>(mut fields: A) -> Result<Self, A::Error> {
        let mut data = Self::default();
        while let Some(name) = fields.next_key::<Text<'de>>()? {
            match name.0.as_deref().unwrap_or_default() {
                "@odata.type" => data.odata_type = fields.next_value()?,
                "id" => data.id = fields.next_value()?,
                "members@delta" => data.members = fields.next_value()?,
                _ => {
                    fields.next_value::<Skipped>()?;
                }
            }
        }
        Ok(data)
    }
}
