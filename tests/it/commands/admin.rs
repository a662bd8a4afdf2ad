//! The commands over the admin API, against a service that keeps a simulated tenant.

use std::net::TcpListener;

use serde_json::{Value, json};

use super::simulate::simulator;
use super::{Environment, Running, TOKEN, http};
use crate::support::{TestDatabase, sqlite};

/// A service with the connection `contoso`, and the settings of commands that ask it.
struct Service {
    commands: Environment,
    _service: Running,
    _simulator: Running,
    _database: TestDatabase,
}

impl Service {
    async fn start() -> Self {
        let (simulator, told) = simulator(30);
        let database = sqlite::fresh_database();
        let public = free_address();
        let environment = Environment::of_service(database.url())
            .with("ROLLCALL_PUBLIC_URL", format!("http://{public}"))
            .with("ROLLCALL_PUBLIC_LISTEN", public)
            .with("ROLLCALL_GRAPH_URL", told["graph_url"].as_str().unwrap())
            .with("ROLLCALL_LOGIN_URL", told["login_url"].as_str().unwrap());
        let mut service = environment.start(&["serve"]);
        let admin = service.admin_url();
        connect(&admin, &told).await;
        let commands = Environment::default().with("ROLLCALL_ADMIN_URL", &admin).with("ROLLCALL_TOKEN", TOKEN);
        Self { commands, _service: service, _simulator: simulator, _database: database }
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["--json"]].concat();
        serde_json::from_str(&self.commands.run(&arguments).done()).unwrap()
    }
}

/// Free a moment ago; Graph has to be told the address before the service listens on it.
fn free_address() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

async fn connect(admin: &str, told: &Value) {
    let body = json!({
        "id": "contoso", "name": "Contoso", "tenant_id": told["tenant_id"], "scope": { "all_users": true },
        "credentials": { "client_id": told["client_id"], "client_secret": told["client_secret"] }
    });
    let request = http().post(format!("{admin}/api/v1/connections")).bearer_auth(TOKEN).json(&body);
    assert_eq!(request.send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn sync_waits_until_its_run_has_ended_and_says_what_it_did() {
    let service = Service::start().await;
    let ended = service.commands.run(&["sync", "contoso", "--full"]);
    assert!(ended.err.contains("succeeded"), "{ended:?}");
    let out = ended.done();
    assert!(out.contains("succeeded") && out.contains("created"), "{out}");
    assert_eq!(service.json(&["sync", "contoso"])["kind"], "incremental");
    let counts = service.json(&["connection", "show", "contoso"])["counts"].clone();
    assert!(counts["accounts_active"].as_u64().unwrap() > 20, "{counts}");
}

#[tokio::test]
async fn subscriptions_are_listed_and_renewed() {
    let service = Service::start().await;
    let renewed = service.json(&["subscriptions", "renew", "--connection", "contoso", "--force"]);
    assert_eq!(renewed["results"].as_array().unwrap().len(), 2, "{renewed}");
    let listed = service.json(&["subscriptions", "list"]);
    let resources: Vec<&str> = listed.as_array().unwrap().iter().map(|one| one["resource"].as_str().unwrap()).collect();
    assert_eq!(resources, ["groups", "users"]);
    let table = service.commands.run(&["subscriptions", "list", "--connection", "contoso"]).done();
    assert!(table.starts_with("CONNECTION") && table.lines().count() == 3, "{table}");
}

#[tokio::test]
async fn a_connection_is_listed_paused_resumed_and_removed() {
    let service = Service::start().await;
    let table = service.commands.run(&["connection", "list"]).done();
    assert!(table.lines().nth(1).is_some_and(|row| row.starts_with("contoso  Contoso")), "{table}");
    assert_eq!(service.commands.run(&["connection", "pause", "contoso"]).done(), "contoso is paused\n");
    let mut waiting = service.commands.start(&["sync", "contoso"]);
    assert!(waiting.first_line_of_log().starts_with("contoso is paused"));
    assert_ne!(service.json(&["connection", "resume", "contoso"])["status"], "paused");
    assert_eq!(service.commands.run(&["connection", "remove", "contoso"]).done(), "removed contoso\n");
    assert_eq!(service.json(&["connection", "list"]), json!([]));
}

#[tokio::test]
async fn a_refusal_is_told_in_the_words_of_the_api() {
    let service = Service::start().await;
    let sentence = service.commands.run(&["connection", "show", "nobody"]).failed();
    assert_eq!(sentence, "There is no connection \"nobody\".");
    let stranger = service.commands.clone().with("ROLLCALL_TOKEN", "another");
    assert_eq!(stranger.run(&["connection", "list"]).failed(), "This admin token is not valid.");
}

#[test]
fn without_a_token_or_a_service_the_sentence_says_what_to_set() {
    let sentence = Environment::default().run(&["connection", "list"]).failed();
    assert!(sentence.contains("ROLLCALL_TOKEN"), "{sentence}");
    let nowhere = Environment::default().with("ROLLCALL_TOKEN", TOKEN);
    let nowhere = nowhere.with("ROLLCALL_ADMIN_URL", format!("http://{}", free_address()));
    let sentence = nowhere.run(&["connection", "list"]).failed();
    assert!(sentence.contains("does not answer") && sentence.contains("ROLLCALL_ADMIN_URL"), "{sentence}");
}
