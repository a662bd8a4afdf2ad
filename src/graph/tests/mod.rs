//! The client against a scripted server: what it sends, and what it makes of each answer.

mod batches;
mod deltas;
mod failures;
mod meters;
mod objects;
mod server;
mod subscriptions;
mod tokens;
mod walks;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::clock::{FixedClock, Timestamp};
use crate::directory::{ObjectId, TenantId};

use super::*;
use server::{Canned, Request, Server};

const TENANT: &str = "10000000-0000-0000-0000-000000000001";
const TOKEN_PATH: &str = "/10000000-0000-0000-0000-000000000001/oauth2/v2.0/token";

/// A scripted Graph with a client for it, at a time that stands still.
struct Bench {
    server: Server,
    clock: Arc<FixedClock>,
    graph: Graph,
}

impl Bench {
    /// Answers token requests with `token-1`, `token-2`… and everything else with `script`.
    fn new(script: impl Fn(&Request) -> Canned + Send + Sync + 'static) -> Self {
        Self::raw(move |request| if request.is_token() { token(request) } else { script(request) })
    }

    /// Answers everything with `script`.
    fn raw(script: impl Fn(&Request) -> Canned + Send + Sync + 'static) -> Self {
        let server = Server::start(script);
        let clock = FixedClock::at(Timestamp::parse_rfc3339("2026-11-21T10:00:00Z").unwrap());
        let graph = session(&server.url, clock.clone());
        Self { server, clock, graph }
    }

    /// The requests to Graph, without those for tokens.
    fn calls(&self) -> Vec<Request> {
        self.server.requests().into_iter().filter(|request| !request.is_token()).collect()
    }

    fn token_requests(&self) -> Vec<Request> {
        self.server.requests().into_iter().filter(Request::is_token).collect()
    }

    /// An address on this Graph.
    fn link(&self, rest: &str) -> String {
        format!("{}v1.0/{rest}", self.server.url)
    }
}

fn settings(url: &Url) -> GraphSettings {
    GraphSettings {
        graph_url: url.clone(),
        login_url: url.clone(),
        audience: Url::parse("https://graph.microsoft.com").unwrap(),
        request_timeout: Duration::from_secs(10),
        subscription_timeout: Duration::from_secs(10),
        extra_authorities_pem: None,
    }
}

fn session(url: &Url, clock: Arc<FixedClock>) -> Graph {
    let client = GraphClient::new(settings(url), clock).unwrap();
    let secret = CredentialSecret::ClientSecret(SecretString::from("s+e/c r&t=1"));
    let tenant: TenantId = TENANT.parse().unwrap();
    client.session("contoso".parse().unwrap(), tenant, Credentials { client_id: "app".to_owned(), secret })
}

fn token(request: &Request) -> Canned {
    let number = request.token_number;
    Canned::json(200, json!({"token_type": "Bearer", "expires_in": 3599, "access_token": format!("token-{number}")}))
}

/// The `n`th object id.
fn id(n: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(n))
}

fn ids(range: std::ops::Range<u128>) -> Vec<ObjectId> {
    range.map(id).collect()
}

fn user_json(id: ObjectId) -> Value {
    json!({"@odata.type": "#microsoft.graph.user", "id": id, "userPrincipalName": format!("{id}@contoso.example"), "accountEnabled": true})
}

fn not_found() -> Canned {
    Canned::json(404, not_found_body())
}

fn not_found_body() -> Value {
    json!({"error": {"code": "Request_ResourceNotFound", "message": "Resource does not exist.", "innerError": {}}})
}

fn plain() -> Selection {
    Selection::new(["department"], false)
}

fn with_managers() -> Selection {
    Selection::new(["department"], true)
}

#[test]
fn plain_http_is_accepted_for_loopback_only() {
    let refused = ["http://graph.microsoft.com", "ftp://127.0.0.1", "https://graph.microsoft.com?x=1"];
    for url in refused {
        let result = GraphClient::new(settings(&Url::parse(url).unwrap()), FixedClock::at(Timestamp(0)));
        assert!(matches!(result, Err(GraphClientError::Address { .. })), "{url}");
    }
    for url in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://graph.microsoft.com"] {
        assert!(GraphClient::new(settings(&Url::parse(url).unwrap()), FixedClock::at(Timestamp(0))).is_ok(), "{url}");
    }
}

#[test]
fn extra_authorities_must_hold_a_certificate() {
    let mut settings = settings(&Url::parse("https://graph.microsoft.com").unwrap());
    settings.extra_authorities_pem = Some(b"not a certificate".to_vec());
    let result = GraphClient::new(settings, FixedClock::at(Timestamp(0)));
    assert!(matches!(result, Err(GraphClientError::Authorities)));
}
