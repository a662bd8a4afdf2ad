//! How many bytes of request bodies may be in memory at a time: anybody may send them, before anything verifies.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of bodies in memory: sixteen of the largest, hundreds of thousands of usual ones. Buffers grow by doubling, so
/// the memory itself is at most twice this.
pub const BODIES_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The unit that is counted: a usual body is one.
const UNIT_BYTES: usize = 1024;

/// What all bodies that are read at a time share.
#[derive(Clone, Debug)]
pub struct BodyBudget(Arc<Semaphore>);

/// What one body takes of it; given back when dropped.
#[derive(Debug)]
pub struct BodyShare {
    budget: BodyBudget,
    taken: Option<OwnedSemaphorePermit>,
}

impl BodyBudget {
    /// A budget of so many bytes, rounded down to whole KiB.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / UNIT_BYTES).min(Semaphore::MAX_PERMITS))))
    }

    /// A share that has taken nothing yet.
    pub fn share(&self) -> BodyShare {
        BodyShare { budget: self.clone(), taken: None }
    }
}

impl Default for BodyBudget {
    fn default() -> Self {
        Self::new(BODIES_BYTES_MAX)
    }
}

impl BodyShare {
    /// Takes what is missing for a body of `bytes`; false when so much is not there now.
    pub fn grow_to(&mut self, bytes: usize) -> bool {
        let held = self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = u32::try_from(bytes.div_ceil(UNIT_BYTES).saturating_sub(held)).unwrap_or(u32::MAX);
        let Ok(more) = Arc::clone(&self.budget.0).try_acquire_many_owned(missing) else { return false };
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            taken @ None => *taken = Some(more),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_grow_piece_by_piece_up_to_the_budget_and_are_given_back() {
        let budget = BodyBudget::new(4 * UNIT_BYTES);
        let (mut first, mut second) = (budget.share(), budget.share());
        for bytes in [1, UNIT_BYTES, UNIT_BYTES + 1, 3 * UNIT_BYTES] {
            assert!(first.grow_to(bytes), "{bytes}");
        }
        assert!(second.grow_to(UNIT_BYTES));
        assert!(!second.grow_to(UNIT_BYTES + 1));
        assert!(!first.grow_to(4 * UNIT_BYTES));
        drop(first);
        assert!(second.grow_to(4 * UNIT_BYTES));
    }
}
