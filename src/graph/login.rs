//! The login service: credentials in, a token out. Entra: v2-oauth2-client-creds-grant-flow.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::clock::Timestamp;
use crate::directory::{ConnectionId, TenantId};

use super::client::Shared;
use super::errors::{GraphError, TokenRefused};
use super::exchange::{Exchanged, Purpose, exchange, undecodable};
use super::retry_after;

const LOGIN: &str = "the login service";

/// Longer error codes of the login service are cut: they are shown to people.
const ERROR_LENGTH_MAX: usize = 100;

/// What an application proves itself with.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The application (client) id.
    pub client_id: String,
    /// Its secret.
    pub secret: CredentialSecret,
}

/// The kinds of secret an application can have.
#[derive(Clone, Debug)]
pub enum CredentialSecret {
    /// A client secret's value (not its id).
    ClientSecret(SecretString),
}

/// Asks for one connection's tokens.
#[derive(Debug)]
pub(super) struct Login {
    shared: Arc<Shared>,
    connection: ConnectionId,
    url: Url,
    scope: String,
    credentials: Credentials,
}

/// A token as issued.
#[derive(Debug)]
pub(super) struct Issued {
    /// The value of the `Authorization` header, marked as sensitive.
    pub(super) authorization: HeaderValue,
    /// How long it lives, counted from the request.
    pub(super) lifetime: Duration,
}

#[derive(Deserialize)]
struct TokenBody {
    access_token: String,
    expires_in: Value,
}

impl Login {
    pub(super) fn new(
        shared: Arc<Shared>,
        connection: ConnectionId,
        tenant: TenantId,
        credentials: Credentials,
    ) -> Self {
        let mut url = shared.settings.login_url.clone();
        url.set_path(&format!("{}/{tenant}/oauth2/v2.0/token", url.path().trim_end_matches('/')));
        let scope = format!("{}/.default", shared.settings.audience.as_str().trim_end_matches('/'));
        Self { shared, connection, url, scope, credentials }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    pub(super) fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// Asks for a token.
    pub(super) async fn issue(&self) -> Result<Issued, GraphError> {
        let CredentialSecret::ClientSecret(secret) = &self.credentials.secret;
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", &self.scope),
            ("client_id", &self.credentials.client_id),
            ("client_secret", secret.expose_secret()),
        ];
        let request = self.shared.http.post(self.url.clone()).form(&form).timeout(self.shared.settings.request_timeout);
        let purpose = Purpose { service: LOGIN, operation: "token", connection: &self.connection };
        let exchanged = exchange(purpose, request).await?;
        if exchanged.status == 200 { issued(&exchanged) } else { Err(refused(&exchanged, self.now())) }
    }
}

fn issued(exchanged: &Exchanged) -> Result<Issued, GraphError> {
    let body: TokenBody = serde_json::from_slice(&exchanged.body).map_err(|error| undecodable(LOGIN, error))?;
    let lifetime = seconds(&body.expires_in).ok_or(GraphError::Protocol("a token without lifetime"))?;
    let mut authorization = HeaderValue::try_from(format!("Bearer {}", body.access_token))
        .map_err(|_| GraphError::Protocol("a token that fits no header"))?;
    authorization.set_sensitive(true);
    Ok(Issued { authorization, lifetime })
}

/// Seconds as a number or, as some issuers spell it, as text.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    Some(Duration::from_secs(seconds))
}

fn refused(exchanged: &Exchanged, now: Timestamp) -> GraphError {
    let retry_after = exchanged.header("retry-after").and_then(|text| retry_after::parse(text, now));
    let body: Value = serde_json::from_slice(&exchanged.body).unwrap_or_default();
    let error = body.get("error").and_then(Value::as_str).unwrap_or_default();
    let aadsts = aadsts_code(&body);
    match (exchanged.status, aadsts) {
        (429, _) | (_, Some(90055)) => GraphError::Throttled { retry_after },
        (503, _) if retry_after.is_some() => GraphError::Throttled { retry_after },
        (status @ 500..=599, _) | (status, Some(90033 | 90024 | 90006)) => {
            GraphError::Unavailable { service: LOGIN, status }
        }
        (status, _) if error == "temporarily_unavailable" => GraphError::Unavailable { service: LOGIN, status },
        _ if error.is_empty() => GraphError::Protocol("the login service refused without an error code"),
        _ => GraphError::Credentials(TokenRefused {
            error: error.chars().take(ERROR_LENGTH_MAX).collect(),
            aadsts,
            remedy: remedy(aadsts),
        }),
    }
}

/// Entra's number: the first of `error_codes`, else from the description's `AADSTS7000215: …`.
fn aadsts_code(body: &Value) -> Option<u32> {
    let listed = body.get("error_codes").and_then(|codes| codes.get(0)).and_then(Value::as_u64);
    listed.and_then(|code| u32::try_from(code).ok()).or_else(|| {
        let (_, rest) = body.get("error_description")?.as_str()?.split_once("AADSTS")?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
        digits.parse().ok()
    })
}

/// What to do about a refusal. Entra: reference-error-codes.
fn remedy(aadsts: Option<u32>) -> &'static str {
    match aadsts {
        Some(7_000_215) => "the client secret is wrong; enter the secret's value, not its id",
        Some(7_000_222) => "the client secret has expired; create a new one and enter it",
        Some(7_000_218) => "no client secret was sent; enter one",
        Some(700_016) => "the application is not known in this tenant; an administrator there must consent to it",
        Some(7_000_112) => "the application is disabled in this tenant; an administrator there must enable it",
        Some(500_011) => "this tenant or cloud does not know Microsoft Graph; check the cloud that is configured",
        Some(90_002) => "the tenant does not exist in this cloud; check the tenant id and the cloud",
        Some(700_027 | 50_012) => "the certificate is not the one registered for the application; upload it there",
        Some(90_038 | 900_382 | 900_432) => "the tenant belongs to another cloud; check the cloud that is configured",
        Some(90_094 | 65_001) => "consent is missing; an administrator of the tenant must consent to the application",
        Some(70_011 | 28_002) => "the scope is not accepted; check the cloud and the Graph address",
        Some(530_032 | 53_003) => "a conditional access policy of the tenant blocks the application; exempt it there",
        _ => "check the tenant id, the client id and the secret",
    }
}
