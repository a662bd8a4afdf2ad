//! The queue's table: one row for each object of a connection that is to be looked at.
//!
//! Statements only; what they mean is told in `queue`. Whoever holds the connection's lease owns its leased rows, so
//! rows marked by an older lease may be taken at once.

mod arrive;
mod lease;
mod measure;

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::error::StoreError;
use crate::clock::Timestamp;
use crate::directory::ObjectId;
use crate::directory::account::FoundBy;

pub use arrive::{Arrival, RetriedAll, arrive, make_due, revive_buried};
pub use lease::{
    Failure, Kept, bury, delete, due_lanes, keep, lease, make_due_at_once, release, retry, stored_versions,
};
pub use measure::{Depth, LaneDepth, depth, depth_by_lane};

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// A user to fetch.
    User,
    /// A group to fetch.
    Group,
    /// A photo to fetch.
    Photo,
}

impl Lane {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::User, Self::Group, Self::Photo];

    /// The word used in tables and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Photo => "photo",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Lane {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|lane| lane.as_str() == text).ok_or_else(|| format!("{text:?} is no lane"))
    }
}

/// What a finder said beyond "something changed", strongest last; never proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hint {
    /// A group's notification named the object as a member: its memberships are to be checked as well.
    Member,
    /// It was said to be deleted: a fetch that does not find it is confirmed by this.
    Deleted,
}

impl Hint {
    /// The word used in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Deleted => "deleted",
        }
    }
}

impl FromStr for Hint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = [Self::Member, Self::Deleted].into_iter().find(|hint| hint.as_str() == text);
        known.ok_or_else(|| format!("{text:?} is no hint"))
    }
}

/// A leased row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkItem {
    /// The object.
    pub object: ObjectId,
    /// Counts changes; the item is done only if this is still its version.
    pub version: i64,
    /// What was said beyond "something changed".
    pub hint: Option<Hint>,
    /// Which finder was first.
    pub found_by: FoundBy,
    /// When the first change that still waits was received.
    pub received_at: Timestamp,
    /// When the latest change was received: second looks count from here.
    pub changed_at: Timestamp,
    /// How many second looks were taken since then.
    pub look_count: u32,
    /// How many attempts failed since then.
    pub attempt_count: u32,
}

pub(super) fn object_id(text: &str) -> Result<ObjectId, StoreError> {
    Uuid::try_parse(text).map(ObjectId).map_err(|error| StoreError::corrupt("work_items.object_id", error))
}
