//! Tenants that many tests begin with.

use rollcall::simulator::NewUser;
use serde_json::{Value, json};
use uuid::Uuid;

use super::TestDatabase;
use super::app::TestApp;

/// A connected tenant with one scope group, Engineering, and `people` in it.
pub async fn engineering(database: TestDatabase, people: usize) -> (TestApp, Uuid, Vec<Uuid>) {
    engineering_with(database, people, json!({})).await
}

/// The same, with further settings of the connection.
pub async fn engineering_with(database: TestDatabase, people: usize, settings: Value) -> (TestApp, Uuid, Vec<Uuid>) {
    let app = TestApp::start(database).await;
    let group = app.tenant.add_group("Engineering");
    let people = people_in(&app, group, people);
    let mut body = json!({ "scope": { "groups": [group] } });
    body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    app.connect(body).await;
    (app, group, people)
}

/// Adds `count` people to a group.
pub fn people_in(app: &TestApp, group: Uuid, count: usize) -> Vec<Uuid> {
    let person = |number: usize| {
        let person = app.tenant.add_user(NewUser::named(&format!("Ada{number}"), "Lovelace"));
        app.tenant.add_member(group, person);
        person
    };
    (0..count).map(person).collect()
}

impl TestApp {
    /// Removes people from a group.
    pub fn remove_members(&self, group: Uuid, people: &[Uuid]) {
        people.iter().for_each(|person| assert!(self.tenant.remove_member(group, *person)));
    }

    /// Adds people to a group.
    pub fn add_members(&self, group: Uuid, people: &[Uuid]) {
        people.iter().for_each(|person| assert!(self.tenant.add_member(group, *person)));
    }

    /// Sequences rise by one from one on, whatever happened.
    pub async fn assert_gapless(&self) {
        let sequences: Vec<i64> = self.events().await.iter().map(|event| event["sequence"].as_i64().unwrap()).collect();
        let expected: Vec<i64> = (1..=sequences.len() as i64).collect();
        assert_eq!(sequences, expected);
    }

    /// The types of all events after the first `skip`.
    pub async fn event_types(&self, skip: usize) -> Vec<String> {
        let events = self.events().await;
        events.iter().skip(skip).map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Which of `people` have an active account.
    pub async fn active(&self, people: &[Uuid]) -> Vec<Uuid> {
        let accounts = self.list("accounts?active=true").await;
        let is_active = |person: &&Uuid| accounts.iter().any(|account| account["external_id"] == json!(person));
        people.iter().filter(is_active).copied().collect()
    }

    /// The runs in a status, newest first.
    pub async fn runs(&self, status: &str) -> Vec<Value> {
        let mut runs = self.list("runs").await;
        runs.retain(|run| run["status"] == status);
        runs
    }

    /// The one held run.
    pub async fn held_run(&self) -> Value {
        let mut held = self.runs("held").await;
        assert_eq!(held.len(), 1, "{held:?}");
        held.remove(0)
    }

    /// A run as it is now.
    pub async fn run(&self, run: &Value) -> Value {
        self.found(&format!("/api/v1/runs/{}", run["id"].as_str().unwrap())).await
    }

    /// A run's plan: action and object of every item.
    pub async fn plan(&self, run: &Value) -> Vec<(String, Uuid)> {
        let page = self.found(&format!("/api/v1/runs/{}/plan?limit=1000", run["id"].as_str().unwrap())).await;
        let item = |item: &Value| {
            let action = item["action"].as_str().unwrap().to_owned();
            (action, item["object"]["id"].as_str().unwrap().parse().unwrap())
        };
        page["items"].as_array().unwrap().iter().map(item).collect()
    }

    /// Whom a run's plan would deactivate, in order of their ids.
    pub async fn planned_leavers(&self, run: &Value) -> Vec<Uuid> {
        let mut people: Vec<Uuid> =
            self.plan(run).await.into_iter().filter(|(action, _)| action == "disable").map(|(_, id)| id).collect();
        people.sort_unstable();
        people
    }

    /// Allows or rejects a held run, then settles.
    pub async fn decide(&self, run: &Value, decision: &str) -> (u16, Value) {
        let reply = self.post(&format!("/api/v1/runs/{}/{decision}", run["id"].as_str().unwrap()), json!({})).await;
        self.settle().await;
        reply
    }

    /// Changes the connection's settings, then settles.
    pub async fn change(&self, settings: Value) {
        let (status, reply) = self.patch("/api/v1/connections/contoso", settings).await;
        assert_eq!(status, 200, "{reply}");
        self.settle().await;
    }
}

/// The same ids in order, to compare with a plan.
pub fn sorted(people: &[Uuid]) -> Vec<Uuid> {
    let mut people = people.to_vec();
    people.sort_unstable();
    people
}
