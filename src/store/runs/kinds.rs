//! What runs do, where they are, and what they count.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::store::apply::Applied;

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// The first full listing.
    Initial,
    /// Drain the queue and poll delta now; also the list of leavers held from notifications and delta.
    Incremental,
    /// A full listing.
    Reconcile,
    /// One person.
    OnDemand,
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Waits for a worker.
    Pending,
    /// A worker is at it.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended by an error.
    Failed,
    /// Waits for an administrator to allow or reject its leavers.
    Held,
    /// Ended by an administrator.
    Cancelled,
}

macro_rules! words {
    ($name:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $name {
            /// The word used in tables, metrics and the API.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("{text:?} is not known")),
                }
            }
        }
    };
}

words!(RunKind { Initial => "initial", Incremental => "incremental", Reconcile => "reconcile", OnDemand => "on_demand" });
words!(RunStatus {
    Pending => "pending",
    Running => "running",
    Succeeded => "succeeded",
    Failed => "failed",
    Held => "held",
    Cancelled => "cancelled",
});

/// How many people a run did what with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct RunCounts {
    /// Accounts created.
    pub created: u64,
    /// Accounts updated.
    pub updated: u64,
    /// Accounts that became active again.
    pub reactivated: u64,
    /// Accounts deactivated.
    pub deactivated: u64,
    /// People as they should be.
    pub unchanged: u64,
    /// People who get no account.
    pub skipped: u64,
    /// People who could not be provisioned.
    pub failed: u64,
}

impl RunCounts {
    /// Counts what became of some plans.
    pub fn add(&mut self, applied: &Applied) {
        self.created += applied.created;
        self.updated += applied.updated;
        self.reactivated += applied.reactivated;
        self.deactivated += applied.deactivated;
        self.unchanged += applied.unchanged;
        self.skipped += applied.skipped;
        self.failed += applied.refused.len() as u64;
    }

    /// How many people something changed for.
    pub fn changed(&self) -> u64 {
        self.created + self.updated + self.reactivated + self.deactivated
    }
}
