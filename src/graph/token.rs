//! One token per session: asked for by one call at a time, renewed before it ends, forgotten when refused.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::sync::Mutex;
use tracing::warn;

use crate::clock::Timestamp;

use super::errors::GraphError;
use super::login::{Issued, Login};

/// A token is renewed this long before it ends, so that no call starts with one about to end.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// After an early renewal failed, the old token serves this long until the next try.
const RENEW_PAUSE: Duration = Duration::from_secs(30);

/// No token is kept longer than this, whatever its issuer says.
const LIFETIME_MAX: Duration = Duration::from_secs(24 * 3600);

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) authorization: HeaderValue,
    number: u64,
    renew_at: Timestamp,
    expires_at: Timestamp,
}

#[derive(Debug)]
pub(super) struct Tokens {
    login: Login,
    /// Counts finished requests for a token, so that who waited for a failed one shares its failure.
    attempts: AtomicU64,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    token: Option<Token>,
    failure: Option<GraphError>,
}

impl Tokens {
    pub(super) fn new(login: Login) -> Self {
        Self { login, attempts: AtomicU64::new(0), held: Mutex::default() }
    }

    /// A token that is good for a while. Asks for one if needed; calls that come meanwhile wait for the same answer.
    pub(super) async fn current(&self) -> Result<Token, GraphError> {
        let seen = self.attempts.load(Ordering::Acquire);
        let mut held = self.held.lock().await;
        if let Some(token) = held.token.as_ref().filter(|token| self.login.now() < token.renew_at) {
            return Ok(token.clone());
        }
        if let Some(failure) = held.failure.as_ref().filter(|_| self.attempts.load(Ordering::Acquire) > seen) {
            return Err(failure.clone());
        }
        let asked_at = self.login.now();
        let issued = self.login.issue().await;
        let number = self.attempts.fetch_add(1, Ordering::AcqRel) + 1;
        match issued {
            Ok(issued) => Ok(held.keep(Token::new(issued, number, asked_at))),
            Err(error) => held.keep_old(error, &self.login),
        }
    }

    /// Forgets a token that Graph refused, unless another call has replaced it already.
    pub(super) async fn forget(&self, refused: &Token) {
        let mut held = self.held.lock().await;
        if held.token.as_ref().is_some_and(|token| token.number == refused.number) {
            held.token = None;
        }
    }

    /// Forgets the token, whichever it is.
    pub(super) async fn forget_current(&self) {
        self.held.lock().await.token = None;
    }
}

impl Token {
    fn new(issued: Issued, number: u64, asked_at: Timestamp) -> Self {
        let lifetime = issued.lifetime.min(LIFETIME_MAX);
        // A token of a few minutes is not renewed with every call.
        let renew_after = lifetime.saturating_sub(RENEW_BEFORE).max(lifetime / 2);
        Self {
            authorization: issued.authorization,
            number,
            renew_at: asked_at.plus(renew_after),
            expires_at: asked_at.plus(lifetime),
        }
    }
}

impl Held {
    fn keep(&mut self, token: Token) -> Token {
        self.failure = None;
        self.token.insert(token).clone()
    }

    /// When only the early renewal failed, the old token still serves.
    fn keep_old(&mut self, error: GraphError, login: &Login) -> Result<Token, GraphError> {
        let serves_until = login.now().plus(RENEW_PAUSE);
        match &mut self.token {
            Some(token) if error.is_transient() && serves_until < token.expires_at => {
                warn!(connection.id = %login.connection(), "Renewing the token failed, the old one still serves: {error}");
                token.renew_at = serves_until;
                Ok(token.clone())
            }
            _ => {
                self.failure = Some(error.clone());
                Err(error)
            }
        }
    }
}
