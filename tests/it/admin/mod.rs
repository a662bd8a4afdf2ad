//! The admin API, asked over HTTP.

mod changes;
mod connections;
mod documents;
mod lists;
mod metrics;
mod runs;
mod tokens;

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rollcall::clock::FixedClock;
use rollcall::directory::{ConnectionId, RunId};
use rollcall::http::api::ServiceRegistration;
use rollcall::http::auth::AdminToken;
use rollcall::http::operations::{OperationError, RenewAction, RenewReport, RenewResult, RunRequest};
use rollcall::http::{Api, Operations, routes};
use rollcall::secrets::Keyring;
use rollcall::store::Db;
use rollcall::telemetry::Telemetry;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestDatabase;
use crate::support::store::{START, execute, opened};

pub const TOKEN: &str = "a-token-of-thirty-two-characters";

/// An admin listener over a fresh database, with workers that only write down what they are asked.
pub struct AdminApp {
    base: String,
    client: reqwest::Client,
    server: ServerHandle,
    pub db: Db,
    pub keyring: Arc<Keyring>,
    pub operations: Arc<FakeOperations>,
    _database: TestDatabase,
}

impl Drop for AdminApp {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

/// What the workers were asked.
pub struct FakeOperations {
    db: Db,
    calls: Mutex<Vec<String>>,
}

impl FakeOperations {
    fn note(&self, call: String) {
        self.calls.lock().unwrap().push(call);
    }

    /// Everything asked since the last look.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

impl Operations for FakeOperations {
    fn connection_created<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, ()> {
        async move { self.note(format!("created {id}")) }.boxed()
    }

    fn connection_changed<'a>(&'a self, id: &'a ConnectionId, rescan: bool) -> BoxFuture<'a, ()> {
        async move { self.note(format!("changed {id} rescan={rescan}")) }.boxed()
    }

    fn before_removal<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, ()> {
        async move { self.note(format!("before removal of {id}")) }.boxed()
    }

    fn request_run<'a>(
        &'a self,
        id: &'a ConnectionId,
        request: RunRequest,
    ) -> BoxFuture<'a, Result<RunId, OperationError>> {
        async move {
            self.note(format!("run {id} {request:?}"));
            if request.user.as_deref() == Some("nobody") {
                return Err(OperationError::NotFound("There is nobody of this name.".to_owned()));
            }
            let run = RunId(Uuid::new_v4());
            execute(&self.db, &[run_row(id.as_str(), run, "pending", START.0)]).await;
            Ok(run)
        }
        .boxed()
    }

    fn cancel_run<'a>(&'a self, id: &'a ConnectionId, run: RunId) -> BoxFuture<'a, Result<(), OperationError>> {
        async move {
            self.note(format!("cancel {id} {run}"));
            Err(OperationError::Conflict("The run has ended.".to_owned()))
        }
        .boxed()
    }

    fn allow_run<'a>(&'a self, id: &'a ConnectionId, run: RunId) -> BoxFuture<'a, Result<(), OperationError>> {
        async move {
            self.note(format!("allow {id} {run}"));
            Ok(())
        }
        .boxed()
    }

    fn reject_run<'a>(&'a self, id: &'a ConnectionId, run: RunId) -> BoxFuture<'a, Result<(), OperationError>> {
        async move {
            self.note(format!("reject {id} {run}"));
            Ok(())
        }
        .boxed()
    }

    fn renew_subscriptions(
        &self,
        connection: Option<ConnectionId>,
        force: bool,
    ) -> BoxFuture<'_, Result<RenewReport, OperationError>> {
        async move {
            self.note(format!("renew {connection:?} force={force}"));
            let result = |connection| RenewResult {
                connection,
                resource: "users".to_owned(),
                subscription_id: Some("s".to_owned()),
                action: RenewAction::Renewed,
                expires_at: Some(START),
                error: None,
            };
            Ok(RenewReport { results: connection.map(result).into_iter().collect() })
        }
        .boxed()
    }
}

/// The statement that stores a run.
pub fn run_row(connection: &str, run: RunId, status: &str, queued_at: i64) -> String {
    format!(
        "INSERT INTO runs (connection_id, run_id, kind, dry_run, status, queued_at, phase, counts) VALUES \
         ('{connection}', '{run}', 'reconcile', false, '{status}', {queued_at}, 'waiting', '{{\"created\":2}}')"
    )
}

impl AdminApp {
    /// Starts the listener; the service has its own app registration.
    pub async fn start(database: TestDatabase) -> Self {
        Self::start_with(database, Some(TOKEN), true).await
    }

    pub async fn start_with(database: TestDatabase, token: Option<&str>, own_registration: bool) -> Self {
        // Only the first test of a process installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let db = opened(&database).await;
        let operations = Arc::new(FakeOperations { db: db.clone(), calls: Mutex::default() });
        let keyring = Arc::new(Keyring::new_random());
        let api = Data::new(Api {
            db: db.clone(),
            clock: FixedClock::at(START),
            keyring: Arc::clone(&keyring),
            operations: Arc::clone(&operations) as Arc<dyn Operations>,
            service_registration: ServiceRegistration {
                client_id: own_registration.then(|| "service".to_owned()),
                has_credential: own_registration,
            },
        });
        let token = Data::new(AdminToken::new(token.map(SecretString::from).as_ref()));
        let telemetry = Data::new(Telemetry::install_metrics().unwrap());
        let (listener, probe) = (TcpListener::bind("127.0.0.1:0").unwrap(), Data::new(db.clone()));
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = HttpServer::new(move || {
            let app = App::new().app_data(api.clone()).app_data(token.clone());
            app.app_data(telemetry.clone()).app_data(probe.clone()).configure(routes::admin)
        });
        let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { base, client: reqwest::Client::new(), server: handle, db, keyring, operations, _database: database }
    }

    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    async fn ask(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.request(method, path).bearer_auth(TOKEN);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let text = response.text().await.unwrap();
        if status >= 400 {
            assert_eq!(kind.as_deref(), Some("application/problem+json"), "{path}: {text}");
        }
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(reqwest::Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(reqwest::Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(reqwest::Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> (u16, Value) {
        self.ask(reqwest::Method::DELETE, path, None).await
    }

    /// Creates a connection with the service's own registration.
    pub async fn connect(&self, id: &str) -> Value {
        let (status, reply) = self.post("/api/v1/connections", body(id)).await;
        assert_eq!(status, 201, "{reply}");
        self.operations.calls();
        reply
    }
}

/// The shortest body of a connection.
pub fn body(id: &str) -> Value {
    json!({ "id": id, "name": id, "tenant_id": Uuid::new_v4(), "scope": { "all_users": true } })
}

/// The fields an answer complains about.
pub fn fields(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| error["field"].as_str().unwrap()).collect()
}
