//! What can go wrong with a call, by what the caller can do about it.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use crate::directory::SubscriptionId;

/// The cause of an interruption; shared, because one failed token request fails all calls that waited for it.
pub(super) type Cause = Arc<dyn StdError + Send + Sync>;

/// Why a call has no result. None of these says anything about the object asked for.
#[derive(Clone, Debug, thiserror::Error)]
pub enum GraphError {
    /// Graph asked to wait (429, or 503 with `Retry-After`). The wait belongs to the connection.
    #[error("Graph is throttling this connection{}", wait(*.retry_after))]
    Throttled {
        /// How long Graph asked to wait; without it, back off exponentially.
        retry_after: Option<Duration>,
    },
    /// Graph or the login service is in trouble of its own; try again later.
    #[error("{service} is unavailable at the moment (status {status})")]
    Unavailable {
        /// "Graph" or "the login service".
        service: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// No whole answer arrived: no connection, no answer in time, a connection cut, or a body that is not JSON.
    #[error("{service} {trouble}")]
    Unreachable {
        /// "Graph" or "the login service".
        service: &'static str,
        /// What happened, as a predicate.
        trouble: &'static str,
        /// The cause below.
        #[source]
        cause: Cause,
    },
    /// Graph refuses a token that was issued a moment ago.
    #[error("Graph refuses a fresh token; check that the application and its tenant belong to this cloud")]
    Unauthorized,
    /// A permission is missing or its consent was withdrawn (403).
    #[error("Graph forbids this call ({}); check the application's permissions and their consent", .code.as_deref().unwrap_or("no code"))]
    Forbidden {
        /// Graph's error code.
        code: Option<String>,
        /// Graph's explanation, shortened. For people, not for decisions.
        message: Option<String>,
    },
    /// The login service refuses the credentials.
    #[error(transparent)]
    Credentials(#[from] TokenRefused),
    /// The application has a subscription for this resource already (409): list, then adopt or replace it.
    #[error("a subscription for this resource exists already")]
    SubscriptionConflict {
        /// The one that exists, when Graph named it.
        existing: Option<SubscriptionId>,
    },
    /// Graph could not validate the notification address.
    #[error(
        "Graph could not validate the notification address; check that it can be reached from the internet: {detail}"
    )]
    EndpointValidation {
        /// Graph's explanation, shortened.
        detail: String,
    },
    /// A limit on the number of subscriptions is reached: 100 per application and tenant, 1,000 per tenant.
    #[error("the limit on subscriptions is reached: {detail}")]
    QuotaExceeded {
        /// Graph's explanation, shortened; it names the limit.
        detail: String,
    },
    /// The delta link is no longer good: start over from now, and list.
    #[error("the delta link is no longer valid, a full listing is needed")]
    DeltaReset,
    /// A listing's next link is no longer good: start the listing over.
    #[error("the next link of this listing has expired, it must start over")]
    PageExpired,
    /// Graph does not accept the request; trying again changes nothing.
    #[error("Graph rejected the request (status {status}, {})", .code.as_deref().unwrap_or("no code"))]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// Graph's error code.
        code: Option<String>,
    },
    /// An answer breaks the protocol in a way that could mislead; nothing of it is used.
    #[error("unusable answer: {0}")]
    Protocol(&'static str),
}

impl GraphError {
    /// How long Graph asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } => *retry_after,
            _ => None,
        }
    }

    /// Whether the same call may succeed later without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Unavailable { .. } | Self::Unreachable { .. })
    }

    /// Whether the application or its secret is refused as such: every call will fail until a person acts.
    pub fn is_about_credentials(&self) -> bool {
        matches!(self, Self::Credentials(_) | Self::Unauthorized)
    }

    /// Whether a permission is missing. It may concern this call alone, such as a group with hidden membership.
    pub fn is_about_permissions(&self) -> bool {
        matches!(self, Self::Forbidden { .. })
    }
}

/// The login service refused to issue a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no token was issued ({error}{}): {remedy}", .aadsts.map(|code| format!(", AADSTS{code}")).unwrap_or_default())]
pub struct TokenRefused {
    /// The OAuth error code, such as `invalid_client`.
    pub error: String,
    /// Entra's own number. A hint for people: Microsoft may change these.
    pub aadsts: Option<u32>,
    /// What it means and what to do, in plain words.
    pub remedy: &'static str,
}

fn wait(retry_after: Option<Duration>) -> String {
    retry_after.map(|wait| format!(" and asks to wait {wait:?}")).unwrap_or_default()
}
