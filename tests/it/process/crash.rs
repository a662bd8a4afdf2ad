//! What was answered 202 survives kill -9, and ends up applied.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rollcall::simulator::NewUser;
use serde_json::Value;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::server::Server;
use crate::support::{TestDatabase, both_databases};

both_databases!(every_acknowledged_notification_is_applied_although_the_process_is_killed_fifty_times);

const KILLS: u64 = 50;

/// Kills between two checks on PostgreSQL, where after each the leases of the dead have to run out first.
const CHECK_EVERY: u64 = 5;

/// So many that most are not told of again before the next check: a later notification would hide a lost one.
const PEOPLE: usize = 1_000;

/// Requests under way at once: the kill meets some before, some in and some after their commit.
const SENDERS: usize = 8;

/// What was acknowledged last of each person.
type Acknowledged = Arc<Mutex<HashMap<Uuid, String>>>;

async fn every_acknowledged_notification_is_applied_although_the_process_is_killed_fifty_times(database: TestDatabase) {
    let check_every = if database.url().starts_with("sqlite") { 1 } else { CHECK_EVERY };
    let mut server = Server::start(database).await;
    let people = connected_people(&server).await;
    let acknowledged = Acknowledged::default();
    for kill in 1..=KILLS {
        let stream = stream(&server, &people, &acknowledged);
        // Spread over the phases of the work: some die in the inbox, some in the queue, some in apply.
        tokio::time::sleep(Duration::from_millis(40 + (kill * 37) % 160)).await;
        server.kill();
        stream.join_all().await;
        server.restart().await;
        if kill % check_every == 0 {
            let expected = acknowledged.lock().unwrap().clone();
            assert!(!expected.is_empty(), "nothing was acknowledged, so nothing is proved");
            all_applied(&server, &expected).await;
        }
    }
}

/// Senders that change people and tell of it until nobody answers any more; each has people of its own.
fn stream(server: &Server, people: &[Uuid], acknowledged: &Acknowledged) -> JoinSet<()> {
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let mut people: Vec<Uuid> = people.iter().skip(sender).step_by(SENDERS).copied().collect();
        // Each stream begins somewhere else, so that who was told of last is not told of again at once.
        let start = Uuid::new_v4().as_u128() as usize % people.len();
        people.rotate_left(start);
        let (teller, acknowledged) = (server.teller(), Arc::clone(acknowledged));
        senders.spawn(async move {
            for person in people.iter().cycle() {
                let title = format!("Title {}", Uuid::new_v4());
                acknowledged.lock().unwrap().remove(person);
                match teller.tell(*person, &title).await {
                    Some(202) => drop(acknowledged.lock().unwrap().insert(*person, title)),
                    Some(_) => {}
                    None => return,
                }
            }
        });
    }
    senders
}

async fn connected_people(server: &Server) -> Vec<Uuid> {
    let group = server.tenant.add_group("Engineering");
    let people: Vec<Uuid> = (0..PEOPLE)
        .map(|number| {
            let person = server.tenant.add_user(NewUser::named(&format!("Ada{number}"), "Lovelace"));
            server.tenant.add_member(group, person);
            person
        })
        .collect();
    server.connect(group).await;
    people
}

async fn all_applied(server: &Server, acknowledged: &HashMap<Uuid, String>) {
    let missing = async || {
        let list = server.get(&format!("/api/v1/connections/contoso/accounts?limit={PEOPLE}")).await;
        let accounts = list["items"].as_array().cloned().unwrap_or_default();
        let is_applied = |account: &&Value| {
            let person: Option<Uuid> = account["external_id"].as_str().and_then(|id| id.parse().ok());
            let title = person.and_then(|person| acknowledged.get(&person));
            title.is_some_and(|title| account["job_title"] == title.as_str())
        };
        acknowledged.len() - accounts.iter().filter(is_applied).count()
    };
    server.eventually("every acknowledged change is applied", async || missing().await == 0).await;
}
