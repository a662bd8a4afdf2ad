//! Both databases are migrated to the same tables, and back, and again.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::support::{postgres, sqlite};

const POSTGRESQL: EmbeddedMigrations = embed_migrations!("migrations/postgresql");
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const SQLITE_INBOX: EmbeddedMigrations = embed_migrations!("migrations/sqlite-inbox");

/// The tables of PostgreSQL, read as [`Column`]s.
const POSTGRESQL_COLUMNS: &str = "SELECT table_name::text AS table_name, column_name::text AS name, \
     data_type::text AS kind, is_nullable = 'YES' AS nullable FROM information_schema.columns \
     WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations'";

/// The tables of SQLite, read as [`Column`]s.
const SQLITE_COLUMNS: &str = "SELECT m.name AS table_name, c.name AS name, c.type AS kind, \
     c.\"notnull\" = 0 AS nullable FROM sqlite_master m JOIN pragma_table_info(m.name) c \
     WHERE m.type = 'table' AND m.name <> '__diesel_schema_migrations' AND m.name NOT LIKE 'sqlite_%'";

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
}

/// Type and nullability by table and column.
type Tables = BTreeMap<(String, String), (String, bool)>;

fn tables(columns: Vec<Column>) -> Tables {
    let of = |column: Column| {
        // The same type has other names: bytes, and SQLite's row id, which is a BIGINT.
        let kind = match column.kind.to_lowercase().as_str() {
            "bytea" | "blob" => "bytes".to_owned(),
            "integer" => "bigint".to_owned(),
            other => other.to_owned(),
        };
        ((column.table_name, column.name), (kind, column.nullable))
    };
    columns.into_iter().map(of).collect()
}

fn up_down_up<C, DB>(connection: &mut C, source: impl Fn() -> EmbeddedMigrations)
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
{
    connection.run_pending_migrations(source()).unwrap();
    connection.revert_all_migrations(source()).unwrap();
    connection.run_pending_migrations(source()).unwrap();
}

fn of_sqlite(source: impl Fn() -> EmbeddedMigrations) -> Tables {
    let database = sqlite::fresh_database();
    let mut connection = SqliteConnection::establish(database.url().strip_prefix("sqlite://").unwrap()).unwrap();
    up_down_up(&mut connection, source);
    tables(diesel::sql_query(SQLITE_COLUMNS).load(&mut connection).unwrap())
}

#[test]
fn both_databases_are_migrated_up_down_and_up_to_the_same_tables() {
    let database = postgres::fresh_database();
    let mut connection = PgConnection::establish(database.url()).unwrap();
    up_down_up(&mut connection, || POSTGRESQL);
    let postgresql = tables(diesel::sql_query(POSTGRESQL_COLUMNS).load(&mut connection).unwrap());

    let mut sqlite = of_sqlite(|| SQLITE);
    sqlite.extend(of_sqlite(|| SQLITE_INBOX));

    assert!(postgresql.len() > 100, "only {} columns were found", postgresql.len());
    assert_eq!(postgresql, sqlite);
}
