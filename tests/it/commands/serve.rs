//! `rollcall serve`.

use std::time::{Duration, Instant};

use super::{Environment, http};
use crate::support::{TestDatabase, both_databases, sqlite};

/// After this a supervisor may kill.
const STOP_MAX: Duration = Duration::from_secs(8);

both_databases!(serve_answers_and_ends_with_0_after_sigterm, serve_refuses_pending_migrations_when_it_is_told_to);

async fn serve_answers_and_ends_with_0_after_sigterm(database: TestDatabase) {
    let mut service = Environment::of_service(database.url()).start(&["serve"]);
    let admin = service.admin_url();
    for probe in ["healthz", "readyz"] {
        assert_eq!(http().get(format!("{admin}/{probe}")).send().await.unwrap().status(), 200, "{probe}");
    }
    let asked = Instant::now();
    let (status, _) = service.terminate();
    assert_eq!(status.code(), Some(0));
    assert!(asked.elapsed() < STOP_MAX, "{:?}", asked.elapsed());
}

async fn serve_refuses_pending_migrations_when_it_is_told_to(database: TestDatabase) {
    let environment = Environment::of_service(database.url());
    let sentence = environment.run(&["serve", "--no-migrate"]).failed();
    assert!(sentence.contains("pending") && sentence.contains("rollcall migrate"), "{sentence}");
    environment.run(&["migrate"]).done();
    let mut service = environment.start(&["serve", "--no-migrate"]);
    service.admin_url();
}

#[test]
fn serve_names_every_setting_that_is_missing() {
    let sentence = Environment::default().run(&["serve"]).failed();
    assert!(sentence.contains("ROLLCALL_PUBLIC_URL") && sentence.contains("ROLLCALL_MASTER_KEY"), "{sentence}");
}

#[test]
fn serve_says_which_address_it_cannot_listen_on() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let database = sqlite::fresh_database();
    let environment = Environment::of_service(database.url()).with("ROLLCALL_PUBLIC_LISTEN", address);
    let sentence = last_line(&environment.run(&["serve"]).err);
    assert!(sentence.starts_with(&format!("error: cannot listen on {address}")), "{sentence}");
}

#[test]
fn a_sqlite_database_in_use_is_refused_to_a_second_process() {
    let database = sqlite::fresh_database();
    let environment = Environment::of_service(database.url());
    let mut service = environment.start(&["serve"]);
    service.admin_url();
    assert!(environment.run(&["migrate"]).failed().contains("is in use by another rollcall process"));
    assert!(environment.run(&["serve"]).failed().contains("is in use by another rollcall process"));
}

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().to_owned()
}
