//! Identifiers, each a type of its own so that no two can be swapped.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text is not an identifier of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {wanted}")]
pub struct InvalidId {
    text: String,
    wanted: &'static str,
}

/// The longest connection id: it appears in addresses and in every key.
pub const CONNECTION_ID_LENGTH_MAX: usize = 63;

/// The name of a connection in addresses and keys: lower-case letters, digits and inner hyphens, as in a host name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConnectionId(String);

impl ConnectionId {
    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ConnectionId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        let fits = (1..=CONNECTION_ID_LENGTH_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if fits {
            Ok(Self(text))
        } else {
            Err(InvalidId { text, wanted: "a connection id (1 to 63 of a-z, 0-9 and inner hyphens)" })
        }
    }
}

impl FromStr for ConnectionId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::try_from(text.to_owned())
    }
}

impl From<ConnectionId> for String {
    fn from(id: ConnectionId) -> Self {
        id.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $wanted:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl FromStr for $name {
            type Err = InvalidId;

            /// Reads the hyphenated form in either case; other spellings of a GUID are refused.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let invalid = || InvalidId { text: text.to_owned(), wanted: $wanted };
                if text.len() != uuid::fmt::Hyphenated::LENGTH {
                    return Err(invalid());
                }
                Uuid::try_parse(text).map(Self).map_err(|_| invalid())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// An Entra tenant.
    TenantId,
    "a tenant id (a GUID such as 00000000-0000-0000-0000-000000000000)"
);
uuid_id!(
    /// A user or group in the customer's directory: immutable, and the only thing people are matched by once linked.
    ObjectId,
    "an object id (a GUID such as 00000000-0000-0000-0000-000000000000)"
);
uuid_id!(
    /// An account Rollcall keeps for a person; the same for all time, also when the person leaves and returns.
    AccountId,
    "an account id"
);
uuid_id!(
    /// A team Rollcall keeps for a group.
    TeamId,
    "a team id"
);
uuid_id!(
    /// A run: an initial cycle, a reconcile, an incremental cycle or an on-demand provisioning.
    RunId,
    "a run id"
);
uuid_id!(
    /// A subscription's id as Graph gave it.
    SubscriptionId,
    "a subscription id"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_id_looks_like_a_host_label() {
        for good in ["contoso", "a", "contoso-eu-1", &"x".repeat(63)] {
            assert!(good.parse::<ConnectionId>().is_ok(), "{good}");
        }
        for bad in ["", "Contoso", "a_b", "-a", "a-", "a/b", "ä", &"x".repeat(64)] {
            assert!(bad.parse::<ConnectionId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_object_id_is_a_hyphenated_guid_in_either_case() {
        let id: ObjectId = "6E7B768E-07E2-4810-8459-485F84F8F204".parse().unwrap();
        assert_eq!(id.to_string(), "6e7b768e-07e2-4810-8459-485f84f8f204");
        for bad in ["", "ada", "6e7b768e07e248108459485f84f8f204", "{6e7b768e-07e2-4810-8459-485f84f8f204}"] {
            assert!(bad.parse::<ObjectId>().is_err(), "{bad}");
        }
    }
}
