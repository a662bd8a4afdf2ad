//! Groups: read whole, compared with the mirror, and what that means for people.

mod reading;

use std::collections::{BTreeSet, HashSet};

use crate::clock::Timestamp;
use crate::directory::account::{FoundBy, Observation};
use crate::directory::guard;
use crate::directory::rules::ConnectionSettings;
use crate::directory::source::{ListedGroup, Member, MemberDifference, MemberKind, Observed};
use crate::directory::{ConnectionId, ObjectId};
use crate::queue::{self, Lane, Reason};
use crate::store::mirror::{self, RemovedEdges};
use crate::store::{Db, DbConnection, StoreError};

pub use reading::{nested_in, read};

use super::people::{self, GuardedSet};
use super::{Session, Trouble, teams};

/// Edges written in one transaction: each may queue a person as well, and on SQLite both fit into 20 ms.
const EDGE_SLICE_SIZE: usize = 500;

/// From this many members on, an emptied group is held.
const EMPTIED_COUNTS_FROM: usize = guard::PERCENT_COUNTS_FROM as usize;

/// A group as one look showed it.
#[derive(Clone, Debug)]
pub struct SeenGroup {
    /// Which.
    pub id: ObjectId,
    /// The number drawn before the look began.
    pub observation: Observation,
    /// What Graph showed.
    pub observed: Observed<ListedGroup>,
}

/// What a look at a group means.
#[derive(Clone, Debug, Default)]
pub struct GroupOutcome {
    /// People to be fetched because of it, in order.
    pub affected: Vec<ObjectId>,
    /// Groups that are nested in it and were not mirrored before.
    pub new_groups: Vec<ObjectId>,
    /// Whether it had five members or more and has none now.
    pub emptied: bool,
}

/// How a look at a group is taken in.
#[derive(Clone, Copy, Debug)]
pub enum TakeIn {
    /// By itself: its leavers are one set, and the people affected are queued.
    Alone {
        /// Who found the change first.
        found_by: FoundBy,
        /// When it was received.
        received_at: Timestamp,
    },
    /// As part of a full run, which looks at everybody afterwards and decides its leavers at its end.
    InFullRun,
}

/// Takes a look at a group into the mirror.
///
/// The guard judges who would fall out before anybody is queued; an edge and the work it causes are written in one
/// transaction, so nothing is lost if the process dies in between.
pub async fn take_in(
    db: &Db,
    session: &Session,
    seen: SeenGroup,
    how: TakeIn,
    now: Timestamp,
) -> Result<GroupOutcome, Trouble> {
    let (id, settings) = (session.connection().clone(), session.record.settings.clone());
    let Some(stored) = claim(db, &id, &seen).await? else {
        // A later look was taken in meanwhile, and has queued whom it concerns.
        return Ok(GroupOutcome::default());
    };
    let nested = settings.scope.nested;
    let listed = match &seen.observed {
        Observed::Present(listed) => keep_kinds(&listed.members, nested),
        Observed::Absent(_) => HashSet::new(),
    };
    let difference = MemberDifference::between(&stored, &listed);
    let emptied = stored.len() >= EMPTIED_COUNTS_FROM && difference.removed.len() == stored.len() && listed.is_empty();
    let affected = affected(db, &id, &difference).await?;
    let spared = match how {
        TakeIn::Alone { .. } => guard_fallen(db, &id, &settings, &seen, &stored, &difference, &affected, now).await?,
        TakeIn::InFullRun => HashSet::new(),
    };
    let writing = Writing { id, settings, seen, difference, affected, spared, how, now };
    Ok(GroupOutcome { emptied, ..writing.run(db).await? })
}

/// Claims the group for this look; returns the members stored by looks before it, `None` when a later one was there.
async fn claim(db: &Db, id: &ConnectionId, seen: &SeenGroup) -> Result<Option<HashSet<Member>>, StoreError> {
    let (id, group, observation) = (id.clone(), seen.id, seen.observation);
    db.write(move |db| {
        let claimed = mirror::claim(db, &id, group, observation)?;
        claimed.then(|| mirror::members(db, &id, group)).transpose()
    })
    .await
}

/// Without nesting, nested groups do not matter and are not mirrored.
fn keep_kinds(members: &HashSet<Member>, nested: bool) -> HashSet<Member> {
    members.iter().filter(|member| nested || member.kind == MemberKind::User).copied().collect()
}

/// The people whose standing may change, apart by whether they were added or removed.
#[derive(Clone, Debug, Default)]
struct Affected {
    added: BTreeSet<ObjectId>,
    removed: BTreeSet<ObjectId>,
}

async fn affected(db: &Db, id: &ConnectionId, difference: &MemberDifference) -> Result<Affected, StoreError> {
    let (id, difference) = (id.clone(), difference.clone());
    db.read(move |db| {
        Ok(Affected {
            added: with_people_below(db, &id, &difference.added)?,
            removed: with_people_below(db, &id, &difference.removed)?,
        })
    })
    .await
}

fn with_people_below(
    db: &mut DbConnection,
    id: &ConnectionId,
    members: &[Member],
) -> Result<BTreeSet<ObjectId>, StoreError> {
    let of = |kind| members.iter().filter(move |member| member.kind == kind).map(|member| member.id);
    let mut people: BTreeSet<ObjectId> = of(MemberKind::User).collect();
    let groups: Vec<ObjectId> = of(MemberKind::Group).collect();
    if !groups.is_empty() {
        people.extend(mirror::people_below(db, id, groups)?);
    }
    Ok(people)
}

/// Judges who falls out of the group as one set; returns the people that are held and so must not be queued.
#[expect(clippy::too_many_arguments, reason = "one step of take_in, named for the reader")]
async fn guard_fallen(
    db: &Db,
    id: &ConnectionId,
    settings: &ConnectionSettings,
    seen: &SeenGroup,
    stored: &HashSet<Member>,
    difference: &MemberDifference,
    affected: &Affected,
    now: Timestamp,
) -> Result<HashSet<ObjectId>, StoreError> {
    let people: Vec<ObjectId> = affected.removed.iter().copied().collect();
    if people.is_empty() {
        return Ok(HashSet::new());
    }
    let without = RemovedEdges { group: seen.id, members: difference.removed.iter().map(|member| member.id).collect() };
    let (knowledge, name) = {
        let (id, settings, people, group) = (id.clone(), settings.clone(), people.clone(), seen.id);
        db.read(move |db| {
            let name = mirror::groups(db, &id)?.remove(&group).and_then(|group| group.display_name);
            Ok((people::know(db, &id, &settings, &people, Some(&without))?, name))
        })
        .await?
    };
    let name = name.unwrap_or_else(|| seen.id.to_string());
    let is_scope = settings.scope.groups.contains(&seen.id);
    let gone = is_scope && matches!(seen.observed, Observed::Absent(_));
    let emptied = is_scope && stored.len() >= EMPTIED_COUNTS_FROM && difference.removed.len() == stored.len();
    let set = GuardedSet {
        emptied_groups: if emptied { vec![name.clone()] } else { Vec::new() },
        source_gone: gone.then_some(name),
        ..GuardedSet::new(people::HoldIn::Incremental, now)
    };
    let plans = people::plan_fallen(&knowledge, &people);
    let leaving = leaving(&plans);
    let cleared = people::pass_guard(db, id, settings, &knowledge, plans, set).await?;
    let through: HashSet<ObjectId> = leaving_of(cleared.plans());
    Ok(leaving.difference(&through).copied().collect())
}

fn leaving(plans: &[crate::directory::decide::PersonPlan]) -> HashSet<ObjectId> {
    leaving_of(plans)
}

fn leaving_of(plans: &[crate::directory::decide::PersonPlan]) -> HashSet<ObjectId> {
    plans.iter().filter(|plan| !guard::leavers_of(plan).is_empty()).map(|plan| plan.object).collect()
}

/// Writes a difference in slices.
struct Writing {
    id: ConnectionId,
    settings: ConnectionSettings,
    seen: SeenGroup,
    difference: MemberDifference,
    affected: Affected,
    spared: HashSet<ObjectId>,
    how: TakeIn,
    now: Timestamp,
}

impl Writing {
    async fn run(self, db: &Db) -> Result<GroupOutcome, Trouble> {
        let new_groups = self.track_nested(db).await?;
        for slice in self.difference.removed.chunks(EDGE_SLICE_SIZE) {
            self.write_edges(db, slice.to_vec(), false).await?;
        }
        for slice in self.difference.added.chunks(EDGE_SLICE_SIZE) {
            self.write_edges(db, slice.to_vec(), true).await?;
        }
        self.finish(db).await?;
        let affected: BTreeSet<ObjectId> =
            self.affected.added.union(&self.affected.removed).filter(|id| !self.spared.contains(id)).copied().collect();
        Ok(GroupOutcome { affected: affected.into_iter().collect(), new_groups, emptied: false })
    }

    /// Begins to mirror groups that are nested in this one, before the edges that lead to them.
    async fn track_nested(&self, db: &Db) -> Result<Vec<ObjectId>, StoreError> {
        let nested: Vec<ObjectId> = self
            .difference
            .added
            .iter()
            .filter(|member| member.kind == MemberKind::Group)
            .map(|member| member.id)
            .collect();
        if nested.is_empty() {
            return Ok(nested);
        }
        let (id, how, now) = (self.id.clone(), self.how, self.now);
        db.write(move |db| {
            let known = mirror::groups(db, &id)?;
            let new: Vec<ObjectId> = nested.iter().filter(|group| !known.contains_key(group)).copied().collect();
            mirror::track(db, &id, new.iter().copied())?;
            queue(db, &id, how, now, &[], &new)?;
            Ok(new)
        })
        .await
    }

    async fn write_edges(&self, db: &Db, slice: Vec<Member>, add: bool) -> Result<(), StoreError> {
        let (id, group, how, now) = (self.id.clone(), self.seen.id, self.how, self.now);
        let (spared, observation) = (self.spared.clone(), self.seen.observation);
        db.write(move |db| {
            if !mirror::claim(db, &id, group, observation)? {
                return Ok(());
            }
            // People below a nested group are found through the edge, so look while it is there.
            let mut people = BTreeSet::new();
            if add {
                mirror::add_members(db, &id, group, &slice)?;
                people.extend(with_people_below(db, &id, &slice)?);
            } else {
                people.extend(with_people_below(db, &id, &slice)?);
                mirror::remove_members(db, &id, group, &slice)?;
            }
            let people: Vec<ObjectId> = people.into_iter().filter(|person| !spared.contains(person)).collect();
            queue(db, &id, how, now, &people, &[])
        })
        .await
    }

    /// Records the group itself and its team, once all edges are written.
    async fn finish(&self, db: &Db) -> Result<(), StoreError> {
        let (id, settings, seen, now) = (self.id.clone(), self.settings.clone(), self.seen.clone(), self.now);
        let found_by = match self.how {
            TakeIn::Alone { found_by, .. } => found_by,
            TakeIn::InFullRun => FoundBy::Reconcile,
        };
        db.write(move |db| match &seen.observed {
            _ if !mirror::claim(db, &id, seen.id, seen.observation)? => Ok(()),
            Observed::Present(listed) => {
                mirror::put_group(db, &id, &listed.group)?;
                teams::put(db, &id, &settings, &listed.group, found_by, now)
            }
            Observed::Absent(_) => mirror::mark_gone(db, &id, seen.id, now),
        })
        .await
    }
}

/// Queues people and groups inside the transaction that gives them work. A full run looks at all of them anyway.
fn queue(
    db: &mut DbConnection,
    id: &ConnectionId,
    how: TakeIn,
    now: Timestamp,
    people: &[ObjectId],
    groups: &[ObjectId],
) -> Result<(), StoreError> {
    let TakeIn::Alone { found_by, received_at } = how else { return Ok(()) };
    let reason = Reason { hint: None, found_by, received_at };
    queue::enqueue(db, id, Lane::User, people, reason, now)?;
    queue::enqueue(db, id, Lane::Group, groups, reason, now)
}
