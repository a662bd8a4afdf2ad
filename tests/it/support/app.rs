//! The whole service against a simulated tenant, stepped by hand: no loop runs, no clock moves by itself.

use std::fs::File;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use rollcall::clock::{Clock, FixedClock};
use rollcall::settings::ServeSettings;
use rollcall::simulator::{Delivery, Running, Simulator, SimulatorSettings, Tenant};
use rollcall::startup::{Application, Migrations};
use rollcall::telemetry::Telemetry;
use serde_json::{Value, json};
use uuid::Uuid;

use super::TestDatabase;
use super::store::START;

const ADMIN_TOKEN: &str = "a-token-for-tests-of-at-least-32-characters";

/// A service under test.
pub struct TestApp {
    pub simulator: Simulator,
    pub tenant: Tenant,
    pub app: Application,
    pub clock: Arc<FixedClock>,
    client: reqwest::Client,
    running: Running,
    environment: Vec<(String, String)>,
    database: TestDatabase,
}

impl TestApp {
    /// Starts with an empty tenant and no connection.
    pub async fn start(database: TestDatabase) -> Self {
        Self::start_with(database, &[]).await
    }

    /// Starts with further settings.
    pub async fn start_with(database: TestDatabase, settings: &[(&str, &str)]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let simulator =
            Simulator::new(SimulatorSettings { delivery: Delivery::Manual, ..SimulatorSettings::default() });
        simulator.set_time(START.to_datetime());
        let running = simulator.serve("127.0.0.1:0").await.unwrap();
        let tenant = simulator.add_tenant("contoso");
        let clock = FixedClock::at(START);
        let environment = environment(&database, &running, settings);
        let app = build(&environment, clock.clone()).await;
        let client = reqwest::Client::new();
        Self { simulator, tenant, app, clock, client, running, environment, database }
    }

    /// Stops the service as if its process had died, and starts it again on the same database.
    pub async fn restart(self) -> Self {
        self.app.abort().await;
        let_go(&self.database).await;
        let app = build(&self.environment, self.clock.clone()).await;
        Self { app, ..self }
    }

    /// Connects the tenant with these settings besides name, tenant and credentials; settles the first sync.
    pub async fn connect(&self, settings: Value) -> Value {
        let mut body = json!({
            "id": "contoso",
            "name": "Contoso",
            "tenant_id": self.tenant.id(),
            "credentials": { "client_id": self.tenant.client_id(), "client_secret": self.tenant.client_secret() },
        });
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let (status, reply) = self.post("/api/v1/connections", body).await;
        assert_eq!(status, 201, "{reply}");
        self.settle().await;
        reply
    }

    /// Delivers every notification and works until nothing is due.
    pub async fn settle(&self) {
        loop {
            self.app.engine.settle().await.unwrap();
            if self.simulator.pending_notifications() == 0 {
                return;
            }
            self.simulator.deliver().await;
        }
    }

    /// Moves both clocks, then settles.
    pub async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.simulator.set_time(self.clock.now().to_datetime());
        self.settle().await;
    }

    pub fn public_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.ports().public)
    }

    pub fn graph_url(&self) -> String {
        self.running.graph_url()
    }

    pub fn login_url(&self) -> String {
        self.running.login_url()
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> (u16, Value) {
        self.call(Method::DELETE, path, None).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("http://{}{path}", self.app.ports().admin);
        let mut request = self.client.request(method, url).bearer_auth(ADMIN_TOKEN);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
    }

    /// The connection as the API shows it.
    pub async fn connection(&self) -> Value {
        self.found("/api/v1/connections/contoso").await
    }

    /// A person's account; panics when there is none.
    pub async fn account(&self, person: Uuid) -> Value {
        self.found(&format!("/api/v1/connections/contoso/accounts/{person}")).await
    }

    pub async fn has_account(&self, person: Uuid) -> bool {
        self.get(&format!("/api/v1/connections/contoso/accounts/{person}")).await.0 == 200
    }

    /// All items of a list of the connection, from every page.
    pub async fn list(&self, noun: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let separator = if noun.contains('?') { '&' } else { '?' };
            let page = self.found(&format!("/api/v1/connections/contoso/{noun}{separator}limit=1000{cursor}")).await;
            items.extend(page["items"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    /// The events after a sequence, as type and data.
    pub async fn events(&self) -> Vec<Value> {
        let page = self.found("/api/v1/connections/contoso/events?after=0&limit=1000").await;
        page["items"].as_array().unwrap().clone()
    }

    /// The team of a group.
    pub async fn team(&self, group: Uuid) -> Value {
        let teams = self.list("teams").await;
        teams.into_iter().find(|team| team["external_id"] == json!(group)).unwrap()
    }

    /// Queues a run and settles it; returns the run as it ended.
    pub async fn sync(&self, request: Value) -> Value {
        let (status, run) = self.post("/api/v1/connections/contoso/sync", request).await;
        assert_eq!(status, 202, "{run}");
        self.settle().await;
        self.found(&format!("/api/v1/runs/{}", run["id"].as_str().unwrap())).await
    }

    pub async fn found(&self, path: &str) -> Value {
        let (status, reply) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {reply}");
        reply
    }

    /// Accounts, teams and memberships are exactly what the tenant says of the people in `scope`.
    pub async fn assert_in_step(&self, scope: &[Uuid]) {
        super::in_step::assert(self, scope).await;
    }

    /// Ends the simulator and the service.
    pub async fn stop(self) {
        self.app.abort().await;
        self.running.stop().await;
    }
}

/// Waits until the threads of a stopped service have let go of their file; a process that dies does so at once.
async fn let_go(database: &TestDatabase) {
    if let Some(path) = database.url().strip_prefix("sqlite://") {
        let lock = File::options().write(true).open(format!("{path}-lock")).unwrap();
        tokio::task::spawn_blocking(move || lock.lock().unwrap()).await.unwrap();
    }
}

fn environment(database: &TestDatabase, running: &Running, settings: &[(&str, &str)]) -> Vec<(String, String)> {
    // Graph must know the port before the service listens on it.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let fixed = [
        ("DATABASE_URL", database.url().to_owned()),
        ("PUBLIC_URL", format!("http://127.0.0.1:{port}")),
        ("PUBLIC_LISTEN", format!("127.0.0.1:{port}")),
        ("ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
        ("MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
        ("ADMIN_TOKEN", ADMIN_TOKEN.to_owned()),
        ("GRAPH_URL", running.graph_url()),
        ("LOGIN_URL", running.login_url()),
    ];
    let fixed = fixed.into_iter().map(|(name, value)| (format!("ROLLCALL_{name}"), value));
    let further = settings.iter().map(|(name, value)| (format!("ROLLCALL_{name}"), (*value).to_owned()));
    fixed.chain(further).collect()
}

async fn build(environment: &[(String, String)], clock: Arc<FixedClock>) -> Application {
    let settings = ServeSettings::load(None, environment.iter().cloned()).unwrap();
    Application::build(settings, clock, Telemetry::install_metrics().unwrap(), Migrations::Apply).await.unwrap()
}
