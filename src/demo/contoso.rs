//! The simulated customer: people, and the groups that say who of them is in scope.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::simulator::{Population, Simulator, Tenant, UserSnapshot};

/// Of so many people in a row, [`STAFF`] are in Staff, the next [`ENGINEERING`] in Engineering, the next [`SALES`] in
/// Sales, and the rest in no group.
const ROW: usize = 20;
const STAFF: usize = 8;
const ENGINEERING: usize = 4;
const SALES: usize = 6;

/// The simulated customer. Staff and Sales are the scope; Engineering is nested in Staff.
#[derive(Clone, Debug)]
pub struct Contoso {
    /// Its directory.
    pub tenant: Tenant,
    /// A scope group.
    pub staff: Uuid,
    /// A group nested in Staff.
    pub engineering: Uuid,
    /// A scope group.
    pub sales: Uuid,
}

impl Contoso {
    /// Adds a tenant with so many people.
    pub fn new(simulator: &Simulator, users: usize) -> Self {
        let tenant = simulator.add_tenant("contoso");
        let (people, _) = tenant.populate(&Population::of(users, 0));
        let [staff, engineering, sales] = ["Staff", "Engineering", "Sales"].map(|name| tenant.add_group(name));
        tenant.add_member(staff, engineering);
        for (number, person) in people.into_iter().enumerate() {
            let group = match number % ROW {
                place if place < STAFF => staff,
                place if place < STAFF + ENGINEERING => engineering,
                place if place < STAFF + ENGINEERING + SALES => sales,
                _ => continue,
            };
            tenant.add_member(group, person);
        }
        Self { tenant, staff, engineering, sales }
    }

    /// The groups of the scope, which are the teams.
    pub fn scope(&self) -> [Uuid; 2] {
        [self.staff, self.sales]
    }

    /// The enabled people below a group, on any level.
    pub fn enabled_in(&self, group: Uuid) -> BTreeSet<Uuid> {
        let below = self.tenant.transitive_users_of(group);
        below.into_iter().filter(|person| self.tenant.user(*person).is_some_and(|user| user.enabled)).collect()
    }

    /// The people who are to have an active account.
    pub fn in_scope(&self) -> BTreeSet<Uuid> {
        self.scope().into_iter().flat_map(|group| self.enabled_in(group)).collect()
    }

    /// The live people who are to have an active account, as the directory has them.
    pub fn people_in_scope(&self) -> Vec<UserSnapshot> {
        self.in_scope().into_iter().filter_map(|person| self.tenant.user(person)).collect()
    }
}
