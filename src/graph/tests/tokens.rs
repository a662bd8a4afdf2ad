//! Tokens: asked for once, renewed early, replaced when refused.

use std::time::Duration;

use super::*;

fn empty() -> Canned {
    Canned::json(200, json!({"value": []}))
}

#[tokio::test]
async fn the_secret_is_sent_as_a_form_and_the_token_as_a_header() {
    let bench = Bench::new(|_| empty());
    bench.graph.list_subscriptions().await.unwrap();
    let asked = &bench.token_requests()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", TOKEN_PATH));
    assert_eq!(asked.headers["content-type"], "application/x-www-form-urlencoded");
    assert!(asked.body.contains("client_secret=s%2Be%2Fc+r%26t%3D1"), "{}", asked.body);
    let form: std::collections::BTreeMap<_, _> = url::form_urlencoded::parse(asked.body.as_bytes()).collect();
    assert_eq!(form["client_secret"], "s+e/c r&t=1");
    assert_eq!(form["client_id"], "app");
    assert_eq!(form["grant_type"], "client_credentials");
    assert_eq!(form["scope"], "https://graph.microsoft.com/.default");
    let call = &bench.calls()[0];
    assert_eq!(call.bearer(), "token-1");
    assert_eq!(call.headers["user-agent"], concat!("rollcall/", env!("CARGO_PKG_VERSION")));
    assert!(Uuid::try_parse(&call.headers["client-request-id"]).is_ok());
}

#[tokio::test]
async fn calls_at_the_same_time_share_one_token_request() {
    let bench = Bench::new(|_| empty());
    let calls = (0..20).map(|_| bench.graph.list_subscriptions());
    for result in futures_util::future::join_all(calls).await {
        result.unwrap();
    }
    assert_eq!(bench.token_requests().len(), 1);
    assert_eq!(bench.calls().len(), 20);
}

#[tokio::test]
async fn calls_that_waited_for_a_failed_token_request_share_its_failure() {
    let bench = Bench::raw(|_| Canned::json(503, json!({})));
    let calls = (0..20).map(|_| bench.graph.list_subscriptions());
    let results = futures_util::future::join_all(calls).await;
    assert!(results.iter().all(|result| matches!(result, Err(GraphError::Unavailable { status: 503, .. }))));
    assert_eq!(bench.token_requests().len(), 1);
    bench.graph.list_subscriptions().await.unwrap_err();
    assert_eq!(bench.token_requests().len(), 2, "a later call tries again");
}

#[tokio::test]
async fn a_token_is_renewed_five_minutes_before_it_ends() {
    let bench = Bench::new(|_| empty());
    bench.graph.list_subscriptions().await.unwrap();
    bench.clock.advance(Duration::from_secs(3298));
    bench.graph.list_subscriptions().await.unwrap();
    assert_eq!(bench.token_requests().len(), 1);
    bench.clock.advance(Duration::from_secs(1));
    bench.graph.list_subscriptions().await.unwrap();
    assert_eq!(bench.calls().last().unwrap().bearer(), "token-2");
}

#[tokio::test]
async fn the_old_token_serves_while_its_early_renewal_fails() {
    let bench = Bench::raw(|request| match (request.is_token(), request.token_number) {
        (true, 1) => token(request),
        (true, _) => Canned::json(500, json!({})),
        (false, _) => empty(),
    });
    bench.graph.list_subscriptions().await.unwrap();
    bench.clock.advance(Duration::from_secs(3400));
    for _ in 0..3 {
        bench.graph.list_subscriptions().await.unwrap();
    }
    assert_eq!(bench.calls().last().unwrap().bearer(), "token-1");
    assert_eq!(bench.token_requests().len(), 2, "and is not asked for with every call");
    bench.clock.advance(Duration::from_secs(199));
    assert!(bench.graph.list_subscriptions().await.unwrap_err().is_transient());
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let refused = || Canned::json(401, json!({"error": {"code": "InvalidAuthenticationToken", "message": ""}}));
    let bench = Bench::new(move |request| if request.bearer() == "token-1" { refused() } else { empty() });
    bench.graph.list_subscriptions().await.unwrap();
    assert_eq!(bench.token_requests().len(), 2);

    let bench = Bench::new(move |_| refused());
    let error = bench.graph.list_subscriptions().await.unwrap_err();
    assert!(matches!(error, GraphError::Unauthorized) && error.is_about_credentials());
    assert_eq!(bench.calls().len(), 2);
}

#[tokio::test]
async fn a_refusal_of_the_login_service_says_what_to_do() {
    let body = json!({"error": "invalid_client", "error_codes": [7000222],
        "error_description": "AADSTS7000222: The provided client secret keys are expired. Trace ID: x"});
    let bench = Bench::raw(move |_| Canned::json(401, body.clone()));
    let error = bench.graph.list_subscriptions().await.unwrap_err();
    assert!(error.is_about_credentials() && !error.is_transient());
    let said = "no token was issued (invalid_client, AADSTS7000222): the client secret has expired; create a new one and enter it";
    assert_eq!(error.to_string(), said);
}

#[tokio::test]
async fn the_number_of_a_refusal_is_read_from_its_text_too() {
    let body = json!({"error": "unauthorized_client", "error_description": "AADSTS700016: Application not found."});
    let bench = Bench::raw(move |_| Canned::json(400, body.clone()));
    let error = bench.graph.list_subscriptions().await.unwrap_err();
    assert!(matches!(error, GraphError::Credentials(TokenRefused { aadsts: Some(700_016), .. })), "{error:?}");
}

#[tokio::test]
async fn trouble_of_the_login_service_is_not_about_credentials() {
    let answers = [
        Canned::json(400, json!({"error": "temporarily_unavailable"})),
        Canned::json(400, json!({"error": "invalid_request", "error_codes": [90033]})),
        Canned::json(400, json!({"error": "invalid_request", "error_codes": [90055]})),
        Canned::json(429, json!({})).with("Retry-After", "7"),
        Canned::text(502, "<html>"),
        Canned::text(200, "<html>"),
    ];
    for answer in answers {
        let shown = format!("{answer:?}");
        let bench = Bench::raw(move |_| answer.clone());
        let error = bench.graph.list_subscriptions().await.unwrap_err();
        assert!(error.is_transient() && !error.is_about_credentials(), "{shown}: {error:?}");
    }
}

#[tokio::test]
async fn a_lifetime_may_be_text() {
    let bench = Bench::raw(|request| match request.is_token() {
        true => Canned::json(200, json!({"expires_in": "3599", "access_token": "t"})),
        false => empty(),
    });
    bench.graph.list_subscriptions().await.unwrap();
}

#[test]
fn credentials_are_not_printed() {
    let secret = CredentialSecret::ClientSecret(SecretString::from("hush"));
    let shown = format!("{:?}", Credentials { client_id: "app".to_owned(), secret });
    assert!(!shown.contains("hush"), "{shown}");
}
