//! What was answered 202 survives kill -9, and ends up applied.

use std::collections::HashMap;
use std::time::Duration;

use rollcall::simulator::NewUser;
use serde_json::json;
use uuid::Uuid;

use super::server::Server;
use crate::support::{TestDatabase, both_databases};

both_databases!(every_acknowledged_notification_is_applied_although_the_process_is_killed_fifty_times);

const KILLS: u64 = 50;

/// Kills between two checks.
const CHECK_EVERY: u64 = 5;

const PEOPLE: u64 = 40;

async fn every_acknowledged_notification_is_applied_although_the_process_is_killed_fifty_times(database: TestDatabase) {
    let mut server = Server::start(database).await;
    let people = connected_people(&server).await;
    let mut acknowledged: HashMap<Uuid, String> = HashMap::new();
    let mut edits = 0;
    for kill in 1..=KILLS {
        // Spread over the phases of the work: some die in the inbox, some in the queue, some in apply.
        let until = tokio::time::Instant::now() + Duration::from_millis(20 + (kill * 37) % 160);
        while tokio::time::Instant::now() < until {
            edits += 1;
            tell(&server, people[(edits % PEOPLE) as usize], &format!("Title {edits}"), &mut acknowledged).await;
        }
        server.kill();
        server.restart().await;
        if kill % CHECK_EVERY == 0 {
            assert!(!acknowledged.is_empty(), "nothing was acknowledged, so nothing is proved");
            all_applied(&server, &acknowledged).await;
        }
    }
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

/// Changes a person and notifies of it, once. Without an acknowledgement nothing is promised about this change.
async fn tell(server: &Server, person: Uuid, title: &str, acknowledged: &mut HashMap<Uuid, String>) {
    server.tenant.update_user(person, "jobTitle", json!(title));
    acknowledged.remove(&person);
    let sent = server.client.post(server.notifications_url()).json(&server.notification(person)).send().await;
    if matches!(sent, Ok(reply) if reply.status() == 202) {
        acknowledged.insert(person, title.to_owned());
    }
}

async fn all_applied(server: &Server, acknowledged: &HashMap<Uuid, String>) {
    for (person, title) in acknowledged {
        let path = format!("/api/v1/connections/contoso/accounts/{person}");
        let what = format!("{person} is {title}, as was acknowledged");
        server.eventually(&what, async || server.get(&path).await["job_title"] == title.as_str()).await;
    }
}
