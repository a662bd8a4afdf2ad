//! One connection's way to Graph: its token, and how a call is sent with it.

use std::sync::Arc;

use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use url::Url;

use crate::clock::Timestamp;
use crate::directory::ConnectionId;

use super::answer::{Answer, Body, GRAPH};
use super::call::Call;
use super::client::Shared;
use super::errors::GraphError;
use super::exchange::{Exchanged, Purpose, exchange};
use super::login::Login;
use super::selection::Address;
use super::token::Tokens;
use super::{meter, retry_after};

/// Graph for one connection. Cheap to clone; clones share one token.
#[derive(Clone, Debug)]
pub struct Graph {
    session: Arc<Session>,
    in_background: bool,
}

#[derive(Debug)]
pub(super) struct Session {
    shared: Arc<Shared>,
    connection: ConnectionId,
    tokens: Tokens,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, connection: ConnectionId, login: Login) -> Self {
        Self { shared, connection, tokens: Tokens::new(login) }
    }
}

impl Graph {
    pub(super) fn new(session: Session) -> Self {
        Self { session: Arc::new(session), in_background: false }
    }

    /// The same, but its calls are the first that Graph refuses when the tenant's budget runs low: for full listings,
    /// which can wait. Graph: throttling, `x-ms-throttle-priority`.
    pub fn in_background(&self) -> Self {
        Self { session: self.session.clone(), in_background: true }
    }

    /// Sends with the session's token; once more with a new one when Graph answers 401.
    pub(super) async fn send(&self, call: &Call) -> Result<Answer, GraphError> {
        let token = self.session.tokens.current().await?;
        let answer = self.attempt(call, &token.authorization).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.session.tokens.forget(&token).await;
        let token = self.session.tokens.current().await?;
        self.attempt(call, &token.authorization).await
    }

    async fn attempt(&self, call: &Call, authorization: &HeaderValue) -> Result<Answer, GraphError> {
        let purpose = Purpose { service: GRAPH, operation: call.operation, connection: &self.session.connection };
        let exchanged = exchange(purpose, self.request(call, authorization)).await?;
        meter::resource_units(exchanged.header(meter::UNIT_HEADER), call.unit_cost);
        let answer = self.answer(exchanged);
        if answer.is_throttled() {
            meter::throttled();
        }
        Ok(answer)
    }

    fn request(&self, call: &Call, authorization: &HeaderValue) -> RequestBuilder {
        let shared = &self.session.shared;
        let mut request = shared
            .http
            .request(call.method.clone(), call.url.clone())
            .header(AUTHORIZATION, authorization)
            .timeout(call.timeout.unwrap_or(shared.settings.request_timeout));
        if self.in_background {
            request = request.header("x-ms-throttle-priority", "low");
        }
        match &call.body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    fn answer(&self, exchanged: Exchanged) -> Answer {
        let now = self.now();
        let retry_after = exchanged.header("retry-after").and_then(|text| retry_after::parse(text, now));
        Answer { status: exchanged.status, retry_after, body: Body::Bytes(exchanged.body) }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.session.shared.clock.now()
    }

    pub(super) fn base(&self) -> &Url {
        &self.session.shared.settings.graph_url
    }

    /// The time limit of calls that make Graph validate addresses.
    pub(super) fn subscription_timeout(&self) -> std::time::Duration {
        self.session.shared.settings.subscription_timeout
    }

    /// The full address of a path below `/v1.0`.
    pub(super) fn url(&self, address: &Address) -> Url {
        let mut url = self.base().clone();
        url.set_path(&format!("{}/v1.0{}", self.base().path().trim_end_matches('/'), address.path));
        url.set_query((!address.query.is_empty()).then_some(address.query.as_str()));
        url
    }

    /// Forgets the current token: for a refusal that arrived inside a batch.
    pub(super) async fn forget_token(&self) {
        self.session.tokens.forget_current().await;
    }
}
