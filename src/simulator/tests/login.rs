//! Tokens.

use std::time::Duration;

use super::support::{Stage, credentials, read};

async fn refused(stage: &Stage, change: (&str, &str)) -> (u16, i64, String) {
    let form: Vec<_> = credentials(&stage.tenant)
        .into_iter()
        .map(|(name, value)| if name == change.0 { (name, change.1.to_owned()) } else { (name, value) })
        .collect();
    let answer = stage.login(&stage.tenant.id().to_string(), &form).await;
    let description = answer.body["error_description"].as_str().unwrap_or_default().to_owned();
    (answer.status, answer.body["error_codes"][0].as_i64().unwrap_or_default(), description)
}

#[actix_web::test]
async fn wrong_credentials_are_refused_with_the_codes_of_entra() {
    let stage = Stage::start().await;
    let (status, code, description) = refused(&stage, ("client_secret", "wrong")).await;
    assert_eq!((status, code), (401, 7_000_215));
    assert!(description.starts_with("AADSTS7000215: Invalid client secret"), "{description}");
    let unknown = uuid::Uuid::nil().to_string();
    assert_eq!(refused(&stage, ("client_id", &unknown)).await.1, 700_016);
    assert_eq!(refused(&stage, ("scope", "https://example.com/.default")).await.1, 70011);
    let elsewhere = stage.login("nowhere.example", &credentials(&stage.tenant)).await;
    assert_eq!(elsewhere.body["error_codes"][0], 90002);
    stage.tenant.expire_client_secret(true);
    assert_eq!(refused(&stage, ("", "")).await.1, 7_000_222);
    stage.stop().await;
}

#[actix_web::test]
async fn a_secret_may_come_by_http_basic_and_a_tenant_by_its_domain() {
    let stage = Stage::start().await;
    let url = format!("{}/contoso.example/oauth2/v2.0/token", stage.running.login_url());
    let scope = format!("{}/.default", stage.running.graph_url());
    let form = [("grant_type", "client_credentials"), ("scope", scope.as_str())];
    let request = stage.client.post(url).basic_auth(stage.tenant.client_id(), Some(stage.tenant.client_secret()));
    let answer = read(request.form(&form)).await;
    assert_eq!((answer.status, &answer.body["expires_in"]), (200, &serde_json::json!(3599)));
    stage.stop().await;
}

#[actix_web::test]
async fn a_token_without_roles_is_issued_and_then_refused_by_graph() {
    let mut stage = Stage::start().await;
    stage.tenant.set_roles(&[]);
    stage.token = stage.token_for(&stage.tenant).await;
    let answer = stage.get("users").await;
    assert_eq!((answer.status, answer.code()), (403, "Authorization_RequestDenied"));
    stage.stop().await;
}

#[actix_web::test]
async fn unknown_and_expired_tokens_are_refused_in_the_form_of_graph() {
    let mut stage = Stage::start().await;
    assert_eq!(stage.get("users").await.status, 200);
    stage.simulator.advance(Duration::from_secs(3600));
    let expired = stage.get("users").await;
    assert_eq!((expired.status, expired.code()), (401, "InvalidAuthenticationToken"));
    assert!(expired.body["error"]["innerError"]["request-id"].is_string());
    stage.token = "made-up".to_owned();
    assert_eq!(stage.get("users").await.status, 401);
    stage.stop().await;
}

#[actix_web::test]
async fn a_token_of_one_tenant_sees_nothing_of_another() {
    let mut stage = Stage::start().await;
    let other = stage.simulator.add_tenant("fabrikam");
    let bob = other.add_user(crate::simulator::NewUser::named("Bob", "Ross"));
    assert_eq!(stage.get(&format!("users/{bob}")).await.status, 404);
    stage.token = stage.token_for(&other).await;
    assert_eq!(stage.get(&format!("users/{bob}")).await.status, 200);
    stage.stop().await;
}

#[actix_web::test]
async fn a_stopped_simulator_serves_again_under_the_same_address_with_what_it_knew() {
    let mut stage = Stage::start().await;
    let address = stage.running.address().to_string();
    let ada = stage.tenant.add_user(crate::simulator::NewUser::named("Ada", "Lovelace"));
    stage.running.stop().await;
    let refused = stage.client.get(format!("http://{address}/v1.0/users")).send().await;
    assert!(refused.is_err() || refused.unwrap().status() == 503);
    stage.running = stage.simulator.serve(&address).await.unwrap();
    assert_eq!(stage.get(&format!("users/{ada}")).await.status, 200);
    stage.simulator.faults(|faults| faults.login_unavailable = true);
    let answer = stage.login("contoso.example", &credentials(&stage.tenant)).await;
    assert_eq!((answer.status, &answer.body["error"]), (503, &serde_json::json!("temporarily_unavailable")));
    stage.stop().await;
}
