//! `members@delta` of a group's notification: undocumented, captured in two forms.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::MemberHint;
use super::lenient::{Given, Skipped, Text, ignore_arrays, ignore_scalars, lenient_object, skip_fields};

lenient_object!(Member, MemberVisitor, MemberFields);

/// Who a group's notification names.
#[derive(Default)]
pub(super) struct Members {
    pub(super) hints: Vec<MemberHint>,
    /// Entries that name nobody.
    pub(super) dropped_count: u64,
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
