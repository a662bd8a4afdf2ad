//! `rollcall serve` as a child process against a simulated tenant in this one.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use rollcall::simulator::{Delivery, Running, Simulator, SimulatorSettings, Tenant};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestDatabase;

const ADMIN_TOKEN: &str = "a-token-for-tests-of-at-least-32-characters";

/// How long anything may take here before the test gives up: twice the term of a lease left by a killed process, and
/// time for a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often something awaited is looked for.
const GLANCE: Duration = Duration::from_millis(20);

/// A tenant, and a service that keeps it in step.
pub struct Server {
    pub tenant: Tenant,
    pub client: Client,
    pub simulator: Simulator,
    _running: Running,
    process: Option<Child>,
    environment: Vec<(String, String)>,
    public: String,
    admin: String,
    folder: tempfile::TempDir,
    pub database: TestDatabase,
}

impl Server {
    /// Starts both; nothing is connected yet.
    pub async fn start(database: TestDatabase) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let simulator =
            Simulator::new(SimulatorSettings { delivery: Delivery::Manual, ..SimulatorSettings::default() });
        let running = simulator.serve("127.0.0.1:0").await.unwrap();
        let tenant = simulator.add_tenant("contoso");
        let (public, admin) = (free_address(), free_address());
        let environment = environment(&database, &running, &public, &admin);
        let mut server = Self {
            tenant,
            client: Client::builder().timeout(Duration::from_secs(5)).build().unwrap(),
            simulator,
            _running: running,
            process: None,
            environment,
            public: format!("http://{public}"),
            admin: format!("http://{admin}"),
            folder: tempfile::tempdir().unwrap(),
            database,
        };
        server.restart().await;
        server
    }

    /// Starts the process, and waits until it is ready.
    pub async fn restart(&mut self) {
        let log = std::fs::File::create(self.log_path()).unwrap();
        self.process = Some(self.command().stderr(log).spawn().unwrap());
        let ready = format!("{}/readyz", self.public);
        self.eventually(
            "the service is ready",
            async || matches!(self.client.get(&ready).send().await, Ok(reply) if reply.status() == StatusCode::OK),
        )
        .await;
    }

    /// `rollcall serve` with the settings of this server.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
        command.arg("serve").env_clear().envs(self.environment.iter().cloned()).stdout(Stdio::null());
        command.stderr(Stdio::null());
        command
    }

    /// Ends the process without warning, as a power cut would.
    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// The running process.
    pub fn process(&mut self) -> &mut Child {
        self.process.as_mut().unwrap()
    }

    /// Connects the tenant, and waits for the first sync.
    pub async fn connect(&self, group: Uuid) {
        let (status, reply) = self
            .post(
                "/api/v1/connections",
                json!({
                    "id": "contoso", "name": "Contoso", "tenant_id": self.tenant.id(),
                    "credentials": {
                        "client_id": self.tenant.client_id(), "client_secret": self.tenant.client_secret(),
                    },
                    "scope": { "groups": [group] },
                }),
            )
            .await;
        assert_eq!(status, 201, "{reply}");
        self.eventually("the first sync has ended", async || {
            self.get("/api/v1/connections/contoso").await["status"] == "healthy"
        })
        .await;
    }

    pub async fn get(&self, path: &str) -> Value {
        let request = self.client.get(format!("{}{path}", self.admin)).bearer_auth(ADMIN_TOKEN);
        match request.send().await {
            Ok(reply) => reply.json().await.unwrap_or_default(),
            Err(_) => Value::Null,
        }
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.admin)).bearer_auth(ADMIN_TOKEN).json(&body);
        let reply = request.send().await.unwrap();
        (reply.status().as_u16(), reply.json().await.unwrap_or_default())
    }

    /// Somebody who tells of changes as Graph would.
    pub fn teller(&self) -> Teller {
        let subscriptions = self.tenant.subscriptions();
        let users = subscriptions.iter().find(|subscription| subscription.resource.contains("users")).unwrap();
        Teller {
            tenant: self.tenant.clone(),
            client: self.client.clone(),
            url: format!("{}/graph/notifications", self.public),
            subscription: users.id,
            client_state: json!(users.client_state),
        }
    }

    /// A connection on which the head of a request was sent and the body is awaited, to each listener.
    pub fn begin_requests(&self) -> [TcpStream; 2] {
        [(&self.public, "/graph/notifications"), (&self.admin, "/api/v1/connections")].map(|(address, path)| {
            let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\
                 Content-Length: 100\r\n\r\n{{"
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
    }

    /// What the process that runs now wrote.
    fn log_path(&self) -> std::path::PathBuf {
        self.folder.path().join("serve.log")
    }

    /// Waits until `condition` holds; panics with `what` when it does not in time.
    pub async fn eventually(&self, what: &str, condition: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition().await {
            let said = || std::fs::read_to_string(self.log_path()).unwrap_or_default();
            assert!(Instant::now() < deadline, "waited in vain until {what}; the process said: {}", said());
            tokio::time::sleep(GLANCE).await;
        }
    }
}

/// Changes people and tells of it, once each.
pub struct Teller {
    tenant: Tenant,
    client: Client,
    url: String,
    subscription: Uuid,
    client_state: Value,
}

impl Teller {
    /// Gives a person another job title and notifies of it; the answer's status, `None` when nobody answered.
    pub async fn tell(&self, person: Uuid, title: &str) -> Option<u16> {
        self.tenant.update_user(person, "jobTitle", json!(title));
        let body = json!({ "value": [{
            "subscriptionId": self.subscription, "clientState": self.client_state, "changeType": "updated",
            "tenantId": self.tenant.id(), "resource": format!("Users/{person}"),
            "resourceData": { "@odata.type": "#Microsoft.Graph.User", "id": person },
        }] });
        let sent = self.client.post(&self.url).json(&body).send().await;
        sent.ok().map(|reply| reply.status().as_u16())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// An address nobody listens on, below the ports the system lends to outgoing connections: one of those could take it
/// while the killed process does not hold it.
fn free_address() -> String {
    const LENT_FROM: u16 = 32_768;
    const PORTS: std::ops::Range<u16> = 20_000..LENT_FROM;
    let start = Uuid::new_v4().as_u128() as u16 % (PORTS.end - PORTS.start);
    let candidates = PORTS.map(|port| PORTS.start + (port - PORTS.start + start) % (PORTS.end - PORTS.start));
    let free = candidates.map(|port| format!("127.0.0.1:{port}")).find(|address| TcpListener::bind(address).is_ok());
    free.expect("a port is free")
}

fn environment(database: &TestDatabase, running: &Running, public: &str, admin: &str) -> Vec<(String, String)> {
    let settings = [
        ("DATABASE_URL", database.url().to_owned()),
        ("PUBLIC_URL", format!("http://{public}")),
        ("PUBLIC_LISTEN", public.to_owned()),
        ("ADMIN_LISTEN", admin.to_owned()),
        ("MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
        ("ADMIN_TOKEN", ADMIN_TOKEN.to_owned()),
        ("GRAPH_URL", running.graph_url()),
        ("LOGIN_URL", running.login_url()),
        // Delta would find what an acknowledgement lost, and so hide it.
        ("DELTA_POLL_SECONDS", "86400".to_owned()),
        ("RECHECK_SECONDS", String::new()),
    ];
    settings.into_iter().map(|(name, value)| (format!("ROLLCALL_{name}"), value)).collect()
}
