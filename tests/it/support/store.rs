//! An opened, migrated database, and connections in it.

use rollcall::clock::Timestamp;
use rollcall::directory::TenantId;
use rollcall::store::connections::{ConnectionRecord, Stored, create};
use rollcall::store::{Db, Location};
use uuid::Uuid;

use super::TestDatabase;

/// 2026-11-21T00:00:00Z.
pub const START: Timestamp = Timestamp(1_795_219_200_000_000);

/// Opens `database` with all migrations applied.
pub async fn opened(database: &TestDatabase) -> Db {
    let location = match database.url().strip_prefix("sqlite://") {
        Some(path) => Location::Sqlite(path.into()),
        None => Location::Postgresql(database.url().to_owned()),
    };
    let db = Db::open(location).unwrap();
    db.migrate().await.unwrap();
    db
}

/// A connection of a tenant of its own.
pub fn connection(id: &str) -> ConnectionRecord {
    ConnectionRecord {
        id: id.parse().unwrap(),
        tenant: TenantId(Uuid::new_v4()),
        name: format!("The {id} company"),
        client_id: None,
        settings: serde_json::from_str(r#"{"scope":{"all_users":true}}"#).unwrap(),
        credential: None,
        paused: false,
        created_at: START,
        updated_at: START,
    }
}

/// Stores `record`, which nothing may hinder.
pub async fn stored(db: &Db, record: ConnectionRecord) -> ConnectionRecord {
    let new = record.clone();
    assert_eq!(db.write(move |db| create(db, &new, None)).await.unwrap(), Stored::Done);
    record
}

/// Runs statements as they stand.
pub async fn execute(db: &Db, statements: &[String]) {
    let statements = statements.to_vec();
    db.write(move |db| {
        for statement in &statements {
            diesel::RunQueryDsl::execute(diesel::sql_query(statement.as_str()), db)?;
        }
        Ok(())
    })
    .await
    .unwrap();
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// The number of rows behind `FROM`.
pub async fn count(db: &Db, from: &str) -> i64 {
    let statement = format!("SELECT COUNT(*) AS count FROM {from}");
    db.read(move |db| Ok(diesel::RunQueryDsl::get_result::<Count>(diesel::sql_query(statement), db)?.count))
        .await
        .unwrap()
}
