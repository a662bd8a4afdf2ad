//! JSON values that are read as absent when they have an unexpected type, instead of failing the body.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Visits for scalars that a lenient visitor has no use for; each gives `$absent`.
macro_rules! ignore_scalars {
    ($absent:expr) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($absent)
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($absent)
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($absent)
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($absent)
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($absent)
        }
    };
}
pub(super) use ignore_scalars;

/// Visits for arrays and objects that a lenient visitor has no use for.
macro_rules! ignore_arrays {
    ($absent:expr) => {
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
            crate::intake::parse::lenient::skip_items(items)?;
            Ok($absent)
        }
    };
}
pub(super) use ignore_arrays;

/// An object read by `$fields::read`, absent when it is no object.
macro_rules! lenient_object {
    ($name:ident, $visitor:ident, $fields:ident) => {
        struct $name<'a>(Option<$fields<'a>>);

        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any($visitor(std::marker::PhantomData)).map(Self)
            }
        }

        struct $visitor<'a>(std::marker::PhantomData<&'a ()>);

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
pub(super) use lenient_object;

/// Any value, passed over. Unlike serde's `IgnoredAny` it is subject to the parser's limit on nesting.
pub(super) struct Skipped;

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Skipped)
    }
}

impl<'de> Visitor<'de> for Skipped {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    ignore_scalars!(Skipped);
    ignore_arrays!(Skipped);

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(Skipped)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self, A::Error> {
        skip_fields(fields)?;
        Ok(Skipped)
    }
}

pub(super) fn skip_items<'de, A: SeqAccess<'de>>(mut items: A) -> Result<(), A::Error> {
    while items.next_element::<Skipped>()?.is_some() {}
    Ok(())
}

pub(super) fn skip_fields<'de, A: MapAccess<'de>>(mut fields: A) -> Result<(), A::Error> {
    while fields.next_entry::<Skipped, Skipped>()?.is_some() {}
    Ok(())
}

/// A text, borrowed from the body unless it holds escapes; absent when it is anything else.
#[derive(Default)]
pub(super) struct Text<'a>(pub(super) Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    ignore_scalars!(None);
    ignore_arrays!(None);

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        skip_fields(fields)?;
        Ok(None)
    }
}

/// Whether a value is there at all: anything but null.
pub(super) struct Given(pub(super) bool);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<Skipped>::deserialize(deserializer).map(|value| Self(value.is_some()))
    }
}
