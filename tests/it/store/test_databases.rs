//! The ground that the other tests stand on: a database of their own, gone afterwards.

use diesel::result::QueryResult;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use crate::support::{TestDatabase, both_databases, postgres, sqlite};

both_databases!(a_table_made_in_one_database_is_not_seen_in_another);

async fn a_table_made_in_one_database_is_not_seen_in_another(database: TestDatabase) {
    execute(database.url(), "CREATE TABLE people (connection_id TEXT PRIMARY KEY)").unwrap();
    execute(database.url(), "INSERT INTO people VALUES ('contoso'), ('fabrikam')").unwrap();
    assert_eq!(count(database.url(), "SELECT count(*) AS count FROM people"), Ok(2));

    let other =
        if database.url().starts_with("postgres:") { postgres::fresh_database() } else { sqlite::fresh_database() };
    assert!(count(other.url(), "SELECT count(*) AS count FROM people").is_err());
}

#[test]
fn a_database_on_the_server_is_gone_after_its_test_even_when_a_connection_stayed_open() {
    let (kept, dropped) = (postgres::fresh_database(), postgres::fresh_database());
    let name = dropped.url().rsplit('/').next().unwrap().to_owned();
    let is_there = format!("SELECT count(*) AS count FROM pg_database WHERE datname = '{name}'");
    assert_eq!(count(kept.url(), &is_there), Ok(1));

    let _open = PgConnection::establish(dropped.url()).unwrap();
    drop(dropped);
    assert_eq!(count(kept.url(), &is_there), Ok(0));
}

#[test]
fn the_folder_of_a_file_is_gone_after_its_test() {
    let database = sqlite::fresh_database();
    execute(database.url(), "CREATE TABLE people (connection_id TEXT PRIMARY KEY)").unwrap();
    let path = path_of(database.url()).to_owned();
    assert!(std::path::Path::new(&path).exists());

    drop(database);
    assert!(!std::path::Path::new(&path).parent().unwrap().exists());
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn path_of(url: &str) -> &str {
    url.strip_prefix("sqlite://").unwrap()
}

fn execute(url: &str, statement: &str) -> QueryResult<usize> {
    if url.starts_with("postgres:") {
        sql_query(statement).execute(&mut PgConnection::establish(url).unwrap())
    } else {
        sql_query(statement).execute(&mut SqliteConnection::establish(path_of(url)).unwrap())
    }
}

fn count(url: &str, query: &str) -> QueryResult<i64> {
    let row: Count = if url.starts_with("postgres:") {
        sql_query(query).get_result(&mut PgConnection::establish(url).unwrap())?
    } else {
        sql_query(query).get_result(&mut SqliteConnection::establish(path_of(url)).unwrap())?
    };
    Ok(row.count)
}
