//! The endless life: joiners, movers and leavers at a steady rate.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use uuid::Uuid;

use super::contoso::Contoso;
use super::feed::Feed;
use super::stage::{CONNECTION, Stage};
use crate::cli::{CommandError, output};

/// How often the admin API is asked for news.
const LOOK_INTERVAL: Duration = Duration::from_millis(400);

/// Of a hundred changes so many are movers; the rest keeps the number of people about the same.
const MOVERS_PER_CENT: u32 = 45;

/// Of a hundred joiners so many have been there before, if anybody has.
const RETURNS_PER_CENT: u32 = 40;

/// Jobs a mover may get.
const JOBS: [&str; 5] = ["Analyst", "Engineer", "Team Lead", "Architect", "Head of Department"];

/// Departments a mover may get to.
const DEPARTMENTS: [&str; 5] = ["Finance", "Research", "Support", "Marketing", "Operations"];

/// Makes changes and prints what was applied, for ever.
pub async fn live(stage: &Stage, changes_per_minute: u32) -> Result<(), CommandError> {
    first_sync(stage).await?;
    let mut feed = Feed::from_now(&stage.client).await?;
    let mut life = Life::new(stage.contoso.clone());
    let mut changes = tokio::time::interval(Duration::from_secs(60) / changes_per_minute.max(1));
    let mut looks = tokio::time::interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = changes.tick() => life.change(),
            _ = looks.tick() => feed.print_new().await?,
        }
    }
}

async fn first_sync(stage: &Stage) -> Result<(), CommandError> {
    let mut looks = tokio::time::interval(LOOK_INTERVAL);
    loop {
        looks.tick().await;
        let connection = stage.client.get(&["connections", CONNECTION], &[]).await?;
        let status = output::text(&connection["status"]);
        if !matches!(status.as_str(), "connecting" | "syncing") {
            let counts = &connection["counts"];
            let (accounts, teams) = (&counts["accounts_active"], &counts["teams"]);
            return output::line(format_args!(
                "first sync: {accounts} accounts, {teams} teams; {CONNECTION} is {status}"
            ));
        }
    }
}

/// Who comes, moves and goes.
struct Life {
    contoso: Contoso,
    random: StdRng,
    /// As many as there were: the number it keeps to.
    people: usize,
    gone: Vec<Gone>,
}

/// Somebody who left, and how to bring them back.
#[derive(Clone, Copy, Debug)]
enum Gone {
    Removed { group: Uuid, person: Uuid },
    Disabled(Uuid),
    Deleted(Uuid),
}

impl Life {
    fn new(contoso: Contoso) -> Self {
        let people = contoso.in_scope().len();
        Self { contoso, random: StdRng::seed_from_u64(rand::random()), people, gone: Vec::new() }
    }

    /// Makes one change in the simulated directory.
    fn change(&mut self) {
        let people = self.contoso.in_scope();
        if people.is_empty() {
            return self.join();
        }
        let person = people.iter().nth(self.random.random_range(0..people.len())).copied().unwrap_or_default();
        if self.random.random_ratio(MOVERS_PER_CENT, 100) {
            self.move_on(person, &people.iter().copied().collect::<Vec<_>>());
        } else if people.len() > self.people {
            self.leave(person);
        } else if !self.gone.is_empty() && self.random.random_ratio(RETURNS_PER_CENT, 100) {
            self.come_back();
        } else {
            self.join();
        }
    }

    fn join(&mut self) {
        let groups = [self.contoso.staff, self.contoso.engineering, self.contoso.sales];
        let person = self.contoso.tenant.add_random_user();
        self.contoso.tenant.add_member(groups[self.random.random_range(0..groups.len())], person);
    }

    fn move_on(&mut self, person: Uuid, people: &[Uuid]) {
        let tenant = &self.contoso.tenant;
        match self.random.random_range(0..3) {
            0 => tenant.update_user(person, "jobTitle", json!(JOBS[self.random.random_range(0..JOBS.len())])),
            1 => {
                let department = DEPARTMENTS[self.random.random_range(0..DEPARTMENTS.len())];
                tenant.update_user(person, "department", json!(department));
            }
            _ => {
                let manager = people[self.random.random_range(0..people.len())];
                tenant.set_manager(person, (manager != person).then_some(manager));
            }
        }
    }

    fn leave(&mut self, person: Uuid) {
        let tenant = &self.contoso.tenant;
        let groups = [self.contoso.staff, self.contoso.engineering, self.contoso.sales];
        let group = groups.into_iter().find(|group| tenant.members_of(*group).contains(&person));
        self.gone.push(match (self.random.random_range(0..3), group) {
            (0, _) | (_, None) => {
                tenant.disable(person);
                Gone::Disabled(person)
            }
            (1, Some(group)) => {
                tenant.remove_member(group, person);
                Gone::Removed { group, person }
            }
            _ => {
                tenant.soft_delete_user(person);
                Gone::Deleted(person)
            }
        });
    }

    fn come_back(&mut self) {
        let tenant = &self.contoso.tenant;
        let place = self.random.random_range(0..self.gone.len());
        match self.gone.swap_remove(place) {
            Gone::Removed { group, person } => {
                tenant.add_member(group, person);
            }
            Gone::Disabled(person) => tenant.enable(person),
            Gone::Deleted(person) => {
                tenant.restore(person);
            }
        }
    }
}
