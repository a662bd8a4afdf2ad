//! The change log of a directory: what delta queries read and notifications are made from.

use std::collections::VecDeque;

use super::directory::Slot;
use super::properties::PropertyId;

/// A directory remembers this many changes (about 130 MB); delta tokens from before them have expired.
const CHANGES_MAX: usize = 8_000_000;

/// One change of one object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) slot: Slot,
    pub(super) what: What,
}

/// What happened to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Created,
    Property(PropertyId),
    /// The manager is another one, or none. Quiet when it follows from the manager's deletion or restoration.
    Manager {
        previous: Option<Slot>,
        quiet: bool,
    },
    SoftDeleted,
    Restored,
    Purged,
    /// Quiet when it follows from the member's restoration.
    MemberAdded {
        member: Slot,
        quiet: bool,
    },
    /// Quiet when it follows from the member's deletion.
    MemberRemoved {
        member: Slot,
        quiet: bool,
    },
}

/// All changes in their order, numbered from 0 without a gap.
#[derive(Debug, Default)]
pub(super) struct ChangeLog {
    first: u64,
    changes: VecDeque<Change>,
}

impl ChangeLog {
    pub(super) fn push(&mut self, slot: Slot, what: What) {
        if self.changes.len() == CHANGES_MAX {
            self.changes.pop_front();
            self.first += 1;
        }
        self.changes.push_back(Change { slot, what });
    }

    /// The number the next change will have.
    pub(super) fn end(&self) -> u64 {
        self.first + self.changes.len() as u64
    }

    /// Whether every change from this number on is still remembered.
    pub(super) fn reaches_back_to(&self, number: u64) -> bool {
        number >= self.first
    }

    /// The changes from this number on.
    pub(super) fn since(&self, number: u64) -> impl Iterator<Item = &Change> {
        let skipped = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.changes.range(skipped.min(self.changes.len())..)
    }
}
