//! The service with its loops, against a simulated tenant that takes its time.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use rollcall::clock::SystemClock;
use rollcall::settings::ServeSettings;
use rollcall::simulator::{Delivery, NewUser, Running, Simulator, SimulatorSettings, Tenant};
use rollcall::startup::{Application, Migrations};
use rollcall::telemetry::Telemetry;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const ADMIN_TOKEN: &str = "a-token-for-benches-of-at-least-32-characters";

/// How long the simulated Graph takes for each answer.
const ANSWER_DELAY: Duration = Duration::from_millis(50);

const PEOPLE: usize = 50;

/// A running service and its tenant.
pub struct Service {
    pub tenant: Tenant,
    pub people: Vec<Uuid>,
    client: reqwest::Client,
    public: String,
    admin: String,
    simulator: Running,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

/// The databases to measure on: their names and addresses. SQLite lies in a folder that outlives the run.
pub fn databases() -> Vec<(&'static str, String)> {
    let folder = tempfile::tempdir().expect("a temporary folder").keep();
    let mut databases = vec![("SQLite", format!("sqlite://{}", folder.join("rollcall.db").display()))];
    match std::env::vars().find(|(name, _)| name == "ROLLCALL_TEST_POSTGRES_URL") {
        Some((_, url)) => databases.push(("PostgreSQL", url)),
        None => eprintln!("PostgreSQL is left out: run `scripts/with-postgres cargo bench --bench applied`"),
    }
    databases
}

impl Service {
    /// Starts everything, and waits for the first sync.
    pub async fn start(database_url: &str) -> Self {
        // Without a provider reqwest cannot be built; a second call finds one and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let simulator =
            Simulator::new(SimulatorSettings { delivery: Delivery::Manual, ..SimulatorSettings::default() });
        let running = simulator.serve("127.0.0.1:0").await.expect("the simulator listens");
        let tenant = simulator.add_tenant("contoso");
        let group = tenant.add_group("Engineering");
        let people = (0..PEOPLE).map(|number| person(&tenant, group, number)).collect();
        let application = build(database_url, &running).await;
        let ports = application.ports();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move { application.run_until_stopped(stopped).await.expect("a clean stop") });
        let service = Self {
            tenant,
            people,
            client: reqwest::Client::new(),
            public: format!("http://{}", ports.public),
            admin: format!("http://{}", ports.admin),
            simulator: running,
            stop,
            running: task,
        };
        service.connect(group).await;
        simulator.faults(|faults| faults.answer_delay = ANSWER_DELAY);
        service
    }

    async fn connect(&self, group: Uuid) {
        let body = json!({
            "id": "contoso", "name": "Contoso", "tenant_id": self.tenant.id(), "scope": { "groups": [group] },
            "credentials": {
                "client_id": self.tenant.client_id(), "client_secret": self.tenant.client_secret(),
            },
        });
        let request = self.client.post(format!("{}/api/v1/connections", self.admin)).bearer_auth(ADMIN_TOKEN);
        let reply = request.json(&body).send().await.expect("the admin listener answers");
        assert_eq!(reply.status(), 201);
        while self.get("/api/v1/connections/contoso").await["status"] != "healthy" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.client.get(format!("{}{path}", self.admin)).bearer_auth(ADMIN_TOKEN);
        request.send().await.expect("the admin listener answers").json().await.expect("JSON")
    }

    /// A person's account.
    pub async fn account(&self, person: Uuid) -> Value {
        self.get(&format!("/api/v1/connections/contoso/accounts/{person}")).await
    }

    /// Tells as Graph would that a person changed.
    pub async fn notify(&self, person: Uuid) {
        let subscriptions = self.tenant.subscriptions();
        let users = subscriptions.iter().find(|one| one.resource.contains("users")).expect("a subscription on users");
        let body = json!({ "value": [{
            "subscriptionId": users.id, "clientState": users.client_state, "changeType": "updated",
            "tenantId": self.tenant.id(), "resource": format!("Users/{person}"),
            "resourceData": { "@odata.type": "#Microsoft.Graph.User", "id": person },
        }] });
        let request = self.client.post(format!("{}/graph/notifications", self.public)).json(&body);
        assert_eq!(request.send().await.expect("the public listener answers").status(), 202);
    }

    /// Stops both.
    pub async fn stop(self) {
        self.stop.cancel();
        self.running.await.expect("the service ends");
        self.simulator.stop().await;
    }
}

fn person(tenant: &Tenant, group: Uuid, number: usize) -> Uuid {
    let person = tenant.add_user(NewUser::named(&format!("Ada{number}"), "Lovelace"));
    tenant.add_member(group, person);
    person
}

async fn build(database_url: &str, simulator: &Running) -> Application {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let settings = [
        ("DATABASE_URL", database_url.to_owned()),
        ("PUBLIC_URL", format!("http://127.0.0.1:{port}")),
        ("PUBLIC_LISTEN", format!("127.0.0.1:{port}")),
        ("ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
        ("MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
        ("ADMIN_TOKEN", ADMIN_TOKEN.to_owned()),
        ("GRAPH_URL", simulator.graph_url()),
        ("LOGIN_URL", simulator.login_url()),
    ];
    let environment = settings.into_iter().map(|(name, value)| (format!("ROLLCALL_{name}"), value));
    let settings = ServeSettings::load(None, environment).expect("the settings are right");
    let telemetry = Telemetry::install_metrics().expect("metrics");
    Application::build(settings, Arc::new(SystemClock), telemetry, Migrations::Apply).await.expect("the service starts")
}
