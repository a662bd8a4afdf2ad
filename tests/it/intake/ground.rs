//! A database with connections, an intake that listens, and a fold; time stands still.

use std::fmt::Write as _;
use std::sync::Arc;

use actix_web::{App, HttpServer, web};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use reqwest::{Client, Response, StatusCode};
use rollcall::clock::{FixedClock, Timestamp};
use rollcall::http::callbacks;
use rollcall::intake::Intake;
use rollcall::intake::admit::Registry;
use rollcall::intake::budget::BodyBudget;
use rollcall::queue::fold::{Fold, Folded};
use rollcall::secrets::{KeyVersion, Keyring};
use rollcall::store::inbox::{Inbox, InboxLimits};
use rollcall::store::{Db, DbConnection, Location};
use tokio::sync::{Notify, watch};

use crate::support::TestDatabase;

pub const TENANT: &str = "84bd8158-6d4d-4958-8b9f-9d6445542f95";
pub const OTHER_TENANT: &str = "19f5e0a4-9a0c-4bb9-9f6e-8b2a0d4b1a11";
pub const ADA: &str = "6e7b768e-07e2-4810-8459-485f84f8f204";
pub const GRACE: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";
pub const TEAM: &str = "02bd9fd6-8f93-4758-87c3-1fb73740a315";
pub const USERS_SUBSCRIPTION: &str = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07";
pub const GROUPS_SUBSCRIPTION: &str = "0fc0d6db-0073-42e5-a186-853da75fb308";

/// When the tests take place: 2026-11-21T00:00:00Z.
pub const NOW: Timestamp = Timestamp(1_795_219_200_000_000);

pub struct Ground {
    pub db: Db,
    pub inbox: Inbox,
    pub clock: Arc<FixedClock>,
    pub keyring: Arc<Keyring>,
    pub fold: Fold,
    keyring_sender: watch::Sender<Arc<Keyring>>,
    // Last, because the connections above are to be closed before it goes.
    _database: TestDatabase,
}

/// A row of the queue as the tests look at it.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct QueueRow {
    #[diesel(sql_type = Text)]
    pub connection_id: String,
    #[diesel(sql_type = Text)]
    pub lane: String,
    #[diesel(sql_type = Text)]
    pub object_id: String,
    #[diesel(sql_type = BigInt)]
    pub version: i64,
    #[diesel(sql_type = Nullable<Text>)]
    pub hint: Option<String>,
    #[diesel(sql_type = Text)]
    pub found_by: String,
    #[diesel(sql_type = BigInt)]
    pub received_at: i64,
    #[diesel(sql_type = BigInt)]
    pub due_at: i64,
    #[diesel(sql_type = BigInt)]
    pub look_count: i64,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = Nullable<BigInt>)]
    number: Option<i64>,
}

pub fn location(database: &TestDatabase) -> Location {
    match database.url().strip_prefix("sqlite://") {
        Some(path) => Location::Sqlite(path.into()),
        None => Location::Postgresql(database.url().to_owned()),
    }
}

impl Ground {
    /// With one connection, `contoso`.
    pub async fn new(database: TestDatabase) -> Self {
        Self::with_limits(database, InboxLimits::default()).await
    }

    pub async fn with_limits(database: TestDatabase, limits: InboxLimits) -> Self {
        let db = Db::open(location(&database)).unwrap();
        db.migrate().await.unwrap();
        let inbox = Inbox::open(&db, limits).await.unwrap();
        let clock = FixedClock::at(NOW);
        let work = Arc::new(Notify::new());
        let fold = Fold { db: db.clone(), inbox: inbox.clone(), clock: clock.clone(), work };
        let keyring = Arc::new(Keyring::new_random());
        let keyring_sender = watch::Sender::new(Arc::clone(&keyring));
        let ground = Self { db, inbox, clock, keyring, fold, keyring_sender, _database: database };
        ground.add_connection("contoso", TENANT).await;
        ground
    }

    pub async fn add_connection(&self, name: &str, tenant: &str) {
        self.execute(format!(
            "INSERT INTO connections (connection_id, tenant_id, name, settings, paused, created_at, updated_at) \
             VALUES ('{name}', '{tenant}', '{name}', '{{}}', false, 0, 0)"
        ))
        .await;
        self.execute(format!("INSERT INTO connection_states (connection_id) VALUES ('{name}')")).await;
    }

    /// Notes the two subscriptions of a connection, due in a day.
    pub async fn add_subscriptions(&self, connection: &str, key_version: i32) {
        let due_at = NOW.0 + 86_400_000_000;
        for (resource, id) in [("users", USERS_SUBSCRIPTION), ("groups", GROUPS_SUBSCRIPTION)] {
            self.execute(format!(
                "INSERT INTO subscriptions (connection_id, resource, subscription_id, client_state_key_version, due_at, \
                 created_at) VALUES ('{connection}', '{resource}', '{id}', {key_version}, {due_at}, 0)"
            ))
            .await;
        }
    }

    pub async fn execute(&self, statement: String) {
        self.db.write(move |db: &mut DbConnection| Ok(diesel::sql_query(&statement).execute(db)?)).await.unwrap();
    }

    /// Takes the inbox's table away, and brings it back.
    pub async fn rename_inbox(&self, from: &str, to: &str) {
        let statement = format!("ALTER TABLE {from} RENAME TO {to}");
        match self.db.location() {
            Location::Postgresql(_) => self.execute(statement).await,
            Location::Sqlite(path) => {
                let file = format!("{}-inbox", path.display());
                diesel::sql_query(statement).execute(&mut SqliteConnection::establish(&file).unwrap()).unwrap();
            }
        }
    }

    pub async fn number(&self, query: &str) -> Option<i64> {
        let query = query.to_owned();
        self.db.read(move |db| Ok(diesel::sql_query(query).get_result::<Number>(db)?.number)).await.unwrap()
    }

    pub async fn queue(&self) -> Vec<QueueRow> {
        let query = "SELECT connection_id, lane, object_id, version, hint, found_by, received_at, due_at, look_count \
                     FROM work_items ORDER BY connection_id, lane, object_id";
        self.db.read(move |db| Ok(diesel::sql_query(query).load(db)?)).await.unwrap()
    }

    pub async fn fold(&self) -> Folded {
        self.fold.run_once().await.unwrap()
    }

    pub fn client_state(&self, connection: &str, resource: &str) -> String {
        self.keyring.client_state(KeyVersion(1), &connection.parse().unwrap(), resource).unwrap()
    }

    /// A user notification of `contoso` that verifies.
    pub fn user(&self, id: &str) -> String {
        self.change("updated", "Users", id, "")
    }

    /// A group notification of `contoso` that verifies; `extra` follows in its resource data.
    pub fn group(&self, id: &str, extra: &str) -> String {
        self.change("updated", "Groups", id, extra)
    }

    pub fn change(&self, change_type: &str, resource: &str, id: &str, extra: &str) -> String {
        let kind = resource.strip_suffix('s').unwrap();
        let state = self.client_state("contoso", &resource.to_lowercase());
        format!(
            r##"{{"changeType":"{change_type}","clientState":"{state}","resource":"{resource}/{id}",
            "resourceData":{{"@odata.type":"#Microsoft.Graph.{kind}","@odata.id":"{resource}/{id}","id":"{id}",
            "organizationId":"{TENANT}","eventTime":"2026-11-21T00:00:00.3062901Z"{extra}}},
            "subscriptionExpirationDateTime":"2026-11-28T00:00:00.0000000+00:00",
            "subscriptionId":"{USERS_SUBSCRIPTION}","tenantId":"{TENANT}"}}"##
        )
    }

    pub fn lifecycle(&self, event: &str, resource: &str, subscription: &str) -> String {
        let state = self.client_state("contoso", resource);
        format!(
            r#"{{"subscriptionId":"{subscription}","subscriptionExpirationDateTime":"2026-11-28T00:00:00Z",
            "tenantId":"{TENANT}","clientState":"{state}","lifecycleEvent":"{event}"}}"#
        )
    }

    pub async fn listen(&self) -> Listener {
        self.listen_within(BodyBudget::default()).await
    }

    /// The same with another bound on the bodies in memory.
    pub async fn listen_within(&self, bodies: BodyBudget) -> Listener {
        let registry = Registry::new(self.db.clone(), self.keyring_sender.subscribe());
        let (inbox, clock) = (self.inbox.clone(), self.clock.clone());
        let intake = web::Data::new(Intake { registry, inbox, clock, bodies });
        let app = move || App::new().app_data(intake.clone()).configure(callbacks::configure);
        let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let address = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        // Another test of this process may have installed it.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        Listener { address, handle, client: Client::new() }
    }
}

/// A collection of items.
pub fn body(items: &[String]) -> String {
    format!(r#"{{"value":[{}]}}"#, items.join(","))
}

/// The public listener with the callbacks.
pub struct Listener {
    pub address: String,
    pub client: Client,
    handle: actix_web::dev::ServerHandle,
}

impl Listener {
    pub async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Response {
        let request = self.client.post(format!("{}{path}", self.address)).body(body);
        request.send().await.unwrap()
    }

    pub async fn notify(&self, body: impl Into<reqwest::Body>) -> StatusCode {
        self.post("/graph/notifications", body).await.status()
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

/// What a row of the queue is about, in one word each.
pub fn told(rows: &[QueueRow]) -> String {
    let mut told = String::new();
    for row in rows {
        let name = match row.object_id.as_str() {
            ADA => "ada",
            GRACE => "grace",
            TEAM => "team",
            other => other,
        };
        let hint = row.hint.as_deref().unwrap_or("changed");
        writeln!(told, "{} {} {name} {hint}", row.connection_id, row.lane).unwrap();
    }
    told
}
