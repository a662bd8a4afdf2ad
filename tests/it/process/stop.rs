//! How the process ends, and who may use its database.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::server::Server;
use crate::support::store::{count, opened};
use crate::support::{TestDatabase, both_databases, sqlite};

both_databases!(it_stops_within_eight_seconds_of_a_termination_signal, it_gives_its_leases_back_in_time_whatever_hangs,);

async fn it_stops_within_eight_seconds_of_a_termination_signal(database: TestDatabase) {
    let mut server = Server::start(database).await;
    let group = server.tenant.add_group("Engineering");
    server.connect(group).await;
    let process = server.process();
    let began = Instant::now();
    kill_process(Pid::from_child(process), Signal::TERM).unwrap();
    let status = process.wait().unwrap();
    assert!(status.success(), "{status}");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

async fn it_gives_its_leases_back_in_time_whatever_hangs(database: TestDatabase) {
    let mut server = Server::start(database).await;
    let group = server.tenant.add_group("Engineering");
    server.connect(group).await;
    server.simulator.faults(|faults| faults.answer_delay = Duration::from_secs(30));
    let (status, run) = server.post("/api/v1/connections/contoso/sync", json!({ "full": true })).await;
    assert_eq!(status, 202, "{run}");
    let run = format!("/api/v1/runs/{}", run["id"].as_str().unwrap());
    server.eventually("the run waits for Graph", async || server.get(&run).await["status"] == "running").await;
    let _hanging = server.begin_requests();

    let process = server.process();
    let began = Instant::now();
    kill_process(Pid::from_child(process), Signal::TERM).unwrap();
    let status = process.wait().unwrap();
    assert!(status.success(), "{status}");
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
    let db = opened(&server.database).await;
    assert_eq!(count(&db, "leases").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_sqlite_file_is_refused_with_what_to_do() {
    let server = Server::start(sqlite::fresh_database()).await;
    let second = server.command().stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains("in use by another rollcall process") && said.contains("PostgreSQL"), "{said}");
}
