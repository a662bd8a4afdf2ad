//! Connections are stored whole, compared by tenant and application, and removed without their events.

use rollcall::secrets::{KeyVersion, Sealed};
use rollcall::store::connections::{
    ConnectionRecord, Removal, Stored, all, create, get, list, remove, set_paused, state, update,
};

use crate::support::store::{START, connection, count, execute, opened, stored};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    a_connection_comes_back_as_it_was_stored,
    a_page_of_connections_goes_on_after_the_last_one,
    an_update_leaves_whether_it_is_paused,
    a_second_connection_of_the_same_tenant_and_application_is_refused,
    two_creations_at_once_cannot_both_have_the_same_application,
    removing_a_connection_leaves_only_its_events,
    a_connection_created_anew_goes_on_with_its_event_sequence,
);

async fn a_connection_comes_back_as_it_was_stored(database: TestDatabase) {
    let db = opened(&database).await;
    let sealed = Sealed { key_version: KeyVersion(3), bytes: vec![0, 255, 7] };
    let record = ConnectionRecord { client_id: Some("app".into()), credential: Some(sealed), ..connection("contoso") };
    let record = stored(&db, record).await;

    let id = record.id.clone();
    let (found, state) = db.read(move |db| Ok((get(db, &id)?, state(db, &id)?))).await.unwrap();
    assert_eq!(found, Some(record));
    assert_eq!(state, Some(Default::default()));
    let other = "fabrikam".parse().unwrap();
    assert_eq!(db.read(move |db| get(db, &other)).await.unwrap(), None);
}

async fn a_page_of_connections_goes_on_after_the_last_one(database: TestDatabase) {
    let db = opened(&database).await;
    for id in ["b", "a", "c"] {
        stored(&db, connection(id)).await;
    }
    let first = db.read(|db| list(db, None, 2)).await.unwrap();
    assert_eq!(ids(&first), ["a", "b"]);
    let last = first[1].id.clone();
    assert_eq!(ids(&db.read(move |db| list(db, Some(&last), 2)).await.unwrap()), ["c"]);
    assert_eq!(ids(&db.read(all).await.unwrap()), ["a", "b", "c"]);
}

fn ids(records: &[ConnectionRecord]) -> Vec<&str> {
    records.iter().map(|record| record.id.as_str()).collect()
}

async fn an_update_leaves_whether_it_is_paused(database: TestDatabase) {
    let db = opened(&database).await;
    let record = stored(&db, connection("contoso")).await;
    let renamed = ConnectionRecord { name: "Contoso".into(), paused: false, ..record.clone() };
    let found = db
        .write(move |db| {
            assert!(set_paused(db, &renamed.id, true, START)?);
            assert_eq!(update(db, &renamed, None)?, Stored::Done);
            get(db, &renamed.id)
        })
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.name.as_str(), found.paused), ("Contoso", true));
    let missing = connection("nobody");
    assert_eq!(db.write(move |db| update(db, &missing, None)).await.unwrap(), Stored::Missing);
}

async fn a_second_connection_of_the_same_tenant_and_application_is_refused(database: TestDatabase) {
    let db = opened(&database).await;
    let first = stored(&db, connection("contoso")).await;
    let same = ConnectionRecord { tenant: first.tenant, ..connection("second") };
    let own = ConnectionRecord { client_id: Some("APP".into()), ..same.clone() };
    let outcomes = db
        .write(move |db| {
            let service_named = ConnectionRecord { client_id: Some("service".into()), ..same.clone() };
            Ok([
                create(db, &same, None)?,
                create(db, &service_named, Some("Service"))?,
                create(db, &own, Some("service"))?,
                create(db, &ConnectionRecord { tenant: connection("x").tenant, ..own.clone() }, None)?,
            ])
        })
        .await
        .unwrap();
    let refused = Stored::SameRegistration { id: first.id, name: first.name };
    assert_eq!(outcomes, [refused.clone(), refused, Stored::Done, Stored::IdTaken]);
}

async fn two_creations_at_once_cannot_both_have_the_same_application(database: TestDatabase) {
    let db = opened(&database).await;
    let one = connection("one");
    let other = ConnectionRecord { tenant: one.tenant, ..connection("other") };
    let outcomes =
        tokio::join!(db.write(move |db| create(db, &one, None)), db.write(move |db| create(db, &other, None)));
    let done = [outcomes.0.unwrap(), outcomes.1.unwrap()].into_iter().filter(|outcome| *outcome == Stored::Done);
    assert_eq!(done.count(), 1);
}

async fn removing_a_connection_leaves_only_its_events(database: TestDatabase) {
    let db = opened(&database).await;
    let record = stored(&db, connection("contoso")).await;
    stored(&db, connection("fabrikam")).await;
    execute(&db, &rows_of("contoso")).await;
    execute(&db, &rows_of("fabrikam")).await;

    let removal = remove(&db, &record.id, START).await.unwrap();
    assert_eq!(removal, Removal::Done { event_sequence: 3 });
    for table in ["connections", "connection_states", "accounts", "mirror_edges", "provisioning_log", "team_members"] {
        assert_eq!(count(&db, &format!("{table} WHERE connection_id = 'contoso'")).await, 0, "{table}");
        assert!(count(&db, &format!("{table} WHERE connection_id = 'fabrikam'")).await > 0, "{table}");
    }
    let event = "events WHERE connection_id = 'contoso' AND sequence = 3 AND event_type = 'connection.removed' \
                 AND previous = '{}' AND data = '{\"id\":\"contoso\",\"name\":\"The contoso company\"}'";
    assert_eq!(count(&db, event).await, 1);
    assert_eq!(count(&db, "events WHERE connection_id = 'contoso'").await, 3);
    assert_eq!(remove(&db, &record.id, START).await.unwrap(), Removal::Missing);
}

/// Two events, an account, a membership, and more log and edges than one slice holds.
fn rows_of(id: &str) -> Vec<String> {
    let numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2500)";
    vec![
        format!("UPDATE connection_states SET event_sequence = 2 WHERE connection_id = '{id}'"),
        format!(
            "INSERT INTO events (connection_id, sequence, event_id, event_type, at, data, previous) VALUES \
             ('{id}', 1, 'e1', 'account.created', 1, '{{}}', '{{}}'), \
             ('{id}', 2, 'e2', 'account.updated', 2, '{{}}', '{{}}')"
        ),
        format!(
            "INSERT INTO accounts (connection_id, account_id, user_name_key, search_text, profile, profile_hash, \
             active, observation, created_at, updated_at) VALUES ('{id}', 'a', 'a', 'a', '{{}}', '', true, 1, 1, 1)"
        ),
        format!("INSERT INTO team_members (connection_id, team_id, account_id) VALUES ('{id}', 't', 'a')"),
        format!(
            "INSERT INTO mirror_edges (connection_id, group_id, member_id, is_group) {numbers} \
             SELECT '{id}', 'g', CAST(n AS TEXT), false FROM numbers"
        ),
        format!(
            "INSERT INTO provisioning_log (connection_id, log_id, at, found_by, object_kind, object_id, action, \
             status, changes, duration_ms) {numbers} \
             SELECT '{id}', n, n, 'delta', 'user', 'u', 'update', 'success', '[]', 1 FROM numbers"
        ),
    ]
}

async fn a_connection_created_anew_goes_on_with_its_event_sequence(database: TestDatabase) {
    let db = opened(&database).await;
    let record = stored(&db, connection("contoso")).await;
    assert_eq!(remove(&db, &record.id, START).await.unwrap(), Removal::Done { event_sequence: 1 });
    stored(&db, record.clone()).await;
    assert_eq!(remove(&db, &record.id, START).await.unwrap(), Removal::Done { event_sequence: 2 });
}
