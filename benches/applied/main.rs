//! Receipt to applied: how long after a notification the account is changed, on an idle system whose Graph answers in
//! 50 ms, on SQLite and, with `ROLLCALL_TEST_POSTGRES_URL`, on PostgreSQL. Prints a table; exits 1 when the 99th
//! percentile is a second or more.
//!
//! `cargo bench --bench applied`, for both databases `scripts/with-postgres cargo bench --bench applied`.

mod service;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::json;

use service::Service;

/// Changes measured one after the other: enough for a 99th percentile with two values above it.
const CHANGES: usize = 200;

/// What the 99th percentile must stay below.
const P99_MAX: Duration = Duration::from_secs(1);

/// A change that takes this long is not applied at all.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> ExitCode {
    println!("| database | changes | p50 | p90 | p99 | max |");
    println!("|---|---|---|---|---|---|");
    let mut met = true;
    for (name, url) in service::databases() {
        let service = Service::start(&url).await;
        let taken = measure(&service).await;
        service.stop().await;
        let at = |per_mille: usize| taken[(taken.len() - 1) * per_mille / 1_000];
        println!(
            "| {name} | {} | {:.0?} | {:.0?} | {:.0?} | {:.0?} |",
            taken.len(),
            at(500),
            at(900),
            at(990),
            at(1_000)
        );
        met &= at(990) < P99_MAX;
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The times from sending a notification to seeing the account changed, sorted.
async fn measure(service: &Service) -> Vec<Duration> {
    let mut taken = Vec::with_capacity(CHANGES);
    for number in 0..CHANGES {
        let title = format!("Title {number}");
        let person = service.people[number % service.people.len()];
        service.tenant.update_user(person, "jobTitle", json!(title));
        let began = Instant::now();
        service.notify(person).await;
        while service.account(person).await["job_title"] != title.as_str() {
            assert!(began.elapsed() < PATIENCE, "change {number} was not applied within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        taken.push(began.elapsed());
    }
    taken.sort_unstable();
    taken
}
