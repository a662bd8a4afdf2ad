//! The shapes Graph sends, read field by field.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::lenient::{Given, Skipped, Text, ignore_arrays, ignore_scalars, skip_fields};
use super::{Change, ChangeType, ClientState, LifecycleEvent, MemberHint, Notification, Parsed, Resource, Told};
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

/// An object read by `$fields::read`, absent when it is no object.
macro_rules! lenient_object {
    ($name:ident, $visitor:ident, $fields:ident) => {
        struct $name<'a>(Option<$fields<'a>>);

        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any($visitor(PhantomData)).map(Self)
            }
        }

        struct $visitor<'a>(PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for $visitor<'a> {
            type Value = Option<$fields<'a>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            ignore_scalars!(None);
            ignore_arrays!(None);

            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(None)
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
                $fields::read(fields).map(Some)
            }
        }
    };
}

lenient_object!(Item, ItemVisitor, ItemFields);
lenient_object!(ResourceData, ResourceDataVisitor, ResourceDataFields);
lenient_object!(Member, MemberVisitor, MemberFields);

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

#[derive(Default)]
struct Members {
    hints: Vec<MemberHint>,
    dropped_count: u64,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of members")
    }

    ignore_scalars!(Members::default());

    fn visit_str<E>(self, _: &str) -> Result<Members, E> {
        Ok(Members::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Members, A::Error> {
        skip_fields(fields)?;
        Ok(Members::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Members, A::Error> {
        let mut members = Members::default();
        while let Some(Member(member)) = items.next_element::<Member<'de>>()? {
            match member.and_then(|fields| fields.hint()) {
                Some(hint) => members.hints.push(hint),
                None => members.dropped_count += 1,
            }
        }
        Ok(members)
    }
}

#[derive(Default)]
struct MemberFields<'a> {
    id: Text<'a>,
    removed: bool,
}

impl<'a> MemberFields<'a> {
    fn read<'de: 'a, A: MapAccess<'de>>(mut fields: A) -> Result<Self, A::Error> {
        let mut member = Self::default();
        while let Some(name) = fields.next_key::<Text<'de>>()? {
            match name.0.as_deref().unwrap_or_default() {
                "id" => member.id = fields.next_value()?,
                // A plain "deleted" in notifications, an object with a reason in delta: either says the same.
                "@removed" => member.removed = fields.next_value::<Given>()?.0,
                _ => {
                    fields.next_value::<Skipped>()?;
                }
            }
        }
        Ok(member)
    }

    fn hint(&self) -> Option<MemberHint> {
        Some(MemberHint { id: self.id.0.as_deref()?.parse().ok()?, removed: self.removed })
    }
}
