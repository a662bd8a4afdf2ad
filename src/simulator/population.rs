//! A random directory with people, departments, managers and nested groups, as the seed decides.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use uuid::Uuid;

use super::directory::{GroupKind, Slot};
use super::names::{DEPARTMENTS, GIVEN_NAMES, GROUP_PURPOSES, JOB_TITLES, OFFICES, SURNAMES};
use super::newcomers::{NewGroup, NewUser};
use super::registry::TenantRecord;
use super::tenant::Tenant;
use super::world::World;

/// Reports of one manager.
const TEAM_SIZE: usize = 8;

/// How large a random directory is to be.
#[derive(Clone, Debug)]
pub struct Population {
    /// Users to add.
    pub users: usize,
    /// Groups to add.
    pub groups: usize,
    /// Members of a group on the average, users only.
    pub members_per_group: usize,
    /// Every n-th group is nested into the one before; 0 for none.
    pub nested_every: usize,
    /// Of a thousand users so many are guests.
    pub guests_per_mille: u32,
    /// Of a thousand users so many are disabled.
    pub disabled_per_mille: u32,
}

impl Population {
    /// So many users and groups, with 20 members a group, every fourth group nested, some guests and disabled people.
    #[must_use]
    pub fn of(users: usize, groups: usize) -> Self {
        Self { users, groups, members_per_group: 20, nested_every: 4, guests_per_mille: 20, disabled_per_mille: 10 }
    }
}

impl Tenant {
    /// Adds random people and groups; returns their ids. A million users take some seconds and about half a gigabyte.
    pub fn populate(&self, population: &Population) -> (Vec<Uuid>, Vec<Uuid>) {
        self.shared.edit(self.id(), |world| {
            let users = populate_users(world, self.id(), population);
            let groups = populate_groups(world, self.id(), population, &users);
            let directory = &world.tenant(self.id()).directory;
            let ids = |slots: Vec<Slot>| slots.into_iter().map(|slot| directory.object(slot).id).collect();
            (ids(users), ids(groups))
        })
    }

    /// Adds one random person.
    pub fn add_random_user(&self) -> Uuid {
        let user = {
            let mut world = self.shared.lock();
            let domain = world.tenant(self.id()).domain();
            person(
                &mut world.random,
                &Population { guests_per_mille: 0, disabled_per_mille: 0, ..Population::of(1, 0) },
                &domain,
            )
        };
        self.add_user(user)
    }
}

fn pick<'a, T>(random: &mut StdRng, from: &'a [T]) -> &'a T {
    &from[random.random_range(0..from.len())]
}

fn person(random: &mut StdRng, population: &Population, domain: &str) -> NewUser {
    let mut user = NewUser::named(pick::<&str>(random, &GIVEN_NAMES), pick::<&str>(random, &SURNAMES));
    let (city, country) = *pick(random, &OFFICES);
    let number: u32 = random.random_range(10_000_000..99_999_999);
    let mut set = |name: &str, value: Value| user.properties.push((name.to_owned(), value));
    set("department", json!(pick(random, &DEPARTMENTS)));
    set("jobTitle", json!(pick(random, &JOB_TITLES)));
    set("officeLocation", json!(format!("{city} {}", random.random_range(1..=9))));
    set("city", json!(city));
    set("country", json!(country));
    set("usageLocation", json!(country));
    set("preferredLanguage", json!("en-GB"));
    if random.random_ratio(1, 3) {
        set("mobilePhone", json!(format!("+44 {number}")));
    }
    user.disabled = random.random_ratio(population.disabled_per_mille.min(1000), 1000);
    if random.random_ratio(population.guests_per_mille.min(1000), 1000) {
        let alias = format!("{}{number}", user.surname.to_lowercase().replace('\'', ""));
        user.user_principal_name = Some(format!("{alias}_partner.example#EXT#@{domain}"));
        user.properties.push(("mail".to_owned(), json!(format!("{alias}@partner.example"))));
        user.properties.push(("userType".to_owned(), json!("Guest")));
        user.properties.push(("externalUserState".to_owned(), json!("Accepted")));
    }
    user
}

/// Users in teams of [`TEAM_SIZE`]: the manager of each is someone added before.
fn populate_users(world: &mut World, tenant: Uuid, population: &Population) -> Vec<Slot> {
    let (now, domain) = (world.now(), world.tenant(tenant).domain());
    let mut taken = std::collections::HashMap::new();
    let mut slots: Vec<Slot> = Vec::with_capacity(population.users);
    for number in 0..population.users {
        let id = world.fresh_id();
        let mut user = person(&mut world.random, population, &domain);
        user.properties.push(("employeeId".to_owned(), json!(format!("E{:07}", number + 1))));
        let record = world.tenant_mut(tenant);
        number_name(record, &mut user, &mut taken);
        let slot = record.add_user(id, user, now);
        if number > 0 {
            record.directory.set_manager(slot, Some(slots[(number - 1) / TEAM_SIZE]));
        }
        slots.push(slot);
    }
    slots
}

/// Counts namesakes here: asking the directory for a free name gets slower with every namesake.
fn number_name(record: &TenantRecord, user: &mut NewUser, taken: &mut std::collections::HashMap<String, u32>) {
    if user.user_principal_name.is_some() {
        return;
    }
    let local = format!("{}.{}", user.given_name, user.surname).to_lowercase();
    let local = local.replace(|character: char| !character.is_ascii_alphanumeric() && character != '.', "");
    let count = taken.entry(local.clone()).or_default();
    loop {
        *count += 1;
        let number = if *count == 1 { String::new() } else { count.to_string() };
        let name = format!("{local}{number}@{}", record.domain());
        if record.directory.live_named(&name).is_none() {
            user.user_principal_name = Some(name);
            return;
        }
    }
}

fn populate_groups(world: &mut World, tenant: Uuid, population: &Population, users: &[Slot]) -> Vec<Slot> {
    let now = world.now();
    let mut slots: Vec<Slot> = Vec::with_capacity(population.groups);
    for number in 0..population.groups {
        let id = world.fresh_id();
        let department = DEPARTMENTS[number % DEPARTMENTS.len()];
        let purpose = GROUP_PURPOSES[number / DEPARTMENTS.len() % GROUP_PURPOSES.len()];
        let kind = if number % 5 == 4 { GroupKind::Microsoft365 } else { GroupKind::Security };
        let group = NewGroup::named(&format!("{department} {purpose} {}", number + 1)).of_kind(kind);
        let slot = world.tenant_mut(tenant).add_group(id, group, now);
        for _ in 0..population.members_per_group.min(users.len()) {
            let member = *pick(&mut world.random, users);
            world.tenant_mut(tenant).directory.add_member(slot, member);
        }
        if population.nested_every > 0 && number % population.nested_every == population.nested_every - 1 && number > 0
        {
            world.tenant_mut(tenant).directory.add_member(slots[number - 1], slot);
        }
        slots.push(slot);
    }
    slots
}
