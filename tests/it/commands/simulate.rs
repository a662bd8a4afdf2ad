//! `rollcall simulate`.

use serde_json::Value;

use super::{Environment, Running, http};

/// A simulator for other tests: what it printed, by name.
pub fn simulator(users: u32) -> (Running, Value) {
    let users = users.to_string();
    let arguments =
        ["simulate", "--listen", "127.0.0.1:0", "--users", &users, "--groups", "2", "--seed", "7", "--json"];
    let mut running = Environment::default().start(&arguments);
    let told = serde_json::from_str(&running.first_lines(7).concat()).unwrap();
    (running, told)
}

#[tokio::test]
async fn simulate_prints_all_a_client_needs_and_answers_until_sigterm() {
    let (running, told) = simulator(30);
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    let client = http();
    let token = client.post(format!("{}/{}/oauth2/v2.0/token", text("login_url"), text("tenant_id"))).form(&[
        ("grant_type", "client_credentials"),
        ("client_id", &text("client_id")),
        ("client_secret", &text("client_secret")),
        ("scope", "https://graph.microsoft.com/.default"),
    ]);
    let token: Value = token.send().await.unwrap().json().await.unwrap();
    let users = client.get(format!("{}/v1.0/users?$top=999&$select=id", text("graph_url")));
    let users = users.bearer_auth(token["access_token"].as_str().unwrap()).send().await.unwrap();
    let users: Value = users.json().await.unwrap();
    assert_eq!(users["value"].as_array().unwrap().len(), 30);
    assert_eq!(running.terminate().0.code(), Some(0));
}

#[test]
fn a_seed_decides_ids_and_secret() {
    let names = ["tenant_id", "client_id", "client_secret"];
    let (one, other) = (simulator(3).1, simulator(3).1);
    assert_eq!(names.map(|name| one[name].clone()), names.map(|name| other[name].clone()));
}

#[test]
fn simulate_prints_lines_for_people_unless_asked_for_json() {
    let mut running = Environment::default().start(&["simulate", "--listen", "127.0.0.1:0", "--users", "1"]);
    let lines = running.first_lines(5);
    let names: Vec<&str> = lines.iter().filter_map(|line| Some(line.split_once(':')?.0)).collect();
    assert_eq!(names, ["graph url", "login url", "tenant id", "client id", "client secret"]);
}
