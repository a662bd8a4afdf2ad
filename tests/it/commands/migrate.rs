//! `rollcall migrate`.

use super::Environment;
use crate::support::{TestDatabase, both_databases, sqlite};

both_databases!(migrate_prints_what_it_applied_and_then_finds_nothing_to_apply);

async fn migrate_prints_what_it_applied_and_then_finds_nothing_to_apply(database: TestDatabase) {
    let environment = Environment::default().with("ROLLCALL_DATABASE_URL", database.url());
    let first = environment.run(&["migrate"]).done();
    assert!(!first.is_empty() && first.lines().all(|line| line.starts_with("applied 2")), "{first}");
    assert_eq!(environment.run(&["migrate"]).done(), "nothing to apply\n");
}

#[test]
fn migrate_brings_the_inbox_of_sqlite_up_to_date_as_well() {
    let database = sqlite::fresh_database();
    Environment::default().with("ROLLCALL_DATABASE_URL", database.url()).run(&["migrate"]).done();
    let inbox = format!("{}-inbox", database.url().strip_prefix("sqlite://").unwrap());
    assert!(std::fs::metadata(inbox).unwrap().len() > 0);
}

#[test]
fn migrate_refuses_a_database_it_does_not_know() {
    let environment = Environment::default().with("ROLLCALL_DATABASE_URL", "mysql://localhost/rollcall");
    let sentence = environment.run(&["migrate"]).failed();
    assert!(sentence.contains("database_url") && sentence.contains("sqlite://PATH"), "{sentence}");
}
