//! Who is provisioned, and through which groups: computed from the mirror of memberships.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::ids::ObjectId;
use super::rules::Scope;

/// The groups of one connection and how they are nested; without people, so it stays small.
#[derive(Clone, Debug, Default)]
pub struct GroupGraph {
    /// The groups each group is a direct member of.
    parents: HashMap<ObjectId, Vec<ObjectId>>,
    scope_groups: HashSet<ObjectId>,
    team_groups: HashSet<ObjectId>,
    all_users: bool,
    nested: bool,
}

/// Where one person stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// How the person is in scope; `None` when out of it.
    pub scope: Option<Path>,
    /// The team groups the person belongs to, directly or nested.
    pub team_groups: BTreeSet<ObjectId>,
}

impl Standing {
    /// Whether the person is to be provisioned at all.
    pub fn in_scope(&self) -> bool {
        self.scope.is_some()
    }
}

/// Why a person is in scope: the groups from the scope group down to the one the person is a direct member of;
/// empty when everyone is in scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(pub Vec<ObjectId>);

impl GroupGraph {
    /// Builds the graph from the group-in-group edges (`group`, `nested member`) of the mirror.
    pub fn new(
        scope: &Scope,
        team_groups: impl IntoIterator<Item = ObjectId>,
        edges: impl IntoIterator<Item = (ObjectId, ObjectId)>,
    ) -> Self {
        let mut parents: HashMap<ObjectId, Vec<ObjectId>> = HashMap::new();
        for (group, nested) in edges {
            parents.entry(nested).or_default().push(group);
        }
        Self {
            parents,
            scope_groups: scope.groups.iter().copied().collect(),
            team_groups: team_groups.into_iter().collect(),
            all_users: scope.all_users,
            nested: scope.nested,
        }
    }

    /// Where a person stands who is a direct member of `groups`.
    ///
    /// Walks upwards breadth first, so that the path is a shortest one; cycles and diamonds are met once.
    pub fn standing(&self, groups: &[ObjectId]) -> Standing {
        let mut standing = Standing { scope: self.all_users.then(Path::default), team_groups: BTreeSet::new() };
        let mut below: HashMap<ObjectId, Option<ObjectId>> = groups.iter().map(|group| (*group, None)).collect();
        let mut waiting: VecDeque<ObjectId> = groups.iter().copied().collect();
        while let Some(group) = waiting.pop_front() {
            if self.team_groups.contains(&group) {
                standing.team_groups.insert(group);
            }
            if standing.scope.is_none() && self.scope_groups.contains(&group) {
                standing.scope = Some(Path(path_down(group, &below)));
            }
            if !self.nested {
                continue;
            }
            for parent in self.parents.get(&group).into_iter().flatten() {
                if !below.contains_key(parent) {
                    below.insert(*parent, Some(group));
                    waiting.push_back(*parent);
                }
            }
        }
        standing
    }
}

fn path_down(scope_group: ObjectId, below: &HashMap<ObjectId, Option<ObjectId>>) -> Vec<ObjectId> {
    std::iter::successors(Some(scope_group), |group| below.get(group).copied().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn group(number: u128) -> ObjectId {
        ObjectId(Uuid::from_u128(number))
    }

    fn graph(nested: bool, edges: &[(u128, u128)]) -> GroupGraph {
        let scope = Scope { groups: vec![group(1)], nested, ..Scope::default() };
        GroupGraph::new(&scope, [group(1), group(2)], edges.iter().map(|(a, b)| (group(*a), group(*b))))
    }

    #[test]
    fn a_nested_member_is_in_scope_by_the_path_of_groups() {
        let standing = graph(true, &[(1, 2), (2, 3)]).standing(&[group(3)]);
        assert_eq!(standing.scope, Some(Path(vec![group(1), group(2), group(3)])));
        assert_eq!(standing.team_groups, BTreeSet::from([group(1), group(2)]));
    }

    #[test]
    fn without_nesting_only_direct_members_are_in_scope() {
        let graph = graph(false, &[(1, 2)]);
        assert!(!graph.standing(&[group(2)]).in_scope());
        assert!(graph.standing(&[group(1)]).in_scope());
    }

    #[test]
    fn cycles_and_diamonds_end() {
        let graph = graph(true, &[(1, 2), (1, 3), (2, 4), (3, 4), (4, 2)]);
        assert_eq!(graph.standing(&[group(4)]).scope.map(|path| path.0.len()), Some(3));
    }

    #[test]
    fn a_person_in_no_group_is_out_of_scope_unless_everyone_is_in() {
        assert_eq!(graph(true, &[]).standing(&[]), Standing::default());
        let everyone = GroupGraph::new(&Scope { all_users: true, ..Scope::default() }, [], []);
        assert!(everyone.standing(&[]).in_scope());
    }
}
