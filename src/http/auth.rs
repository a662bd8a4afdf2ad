//! Who may use the admin API.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::web::Data;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::errors::Problem;

/// The bootstrap admin token, as its hash; equal lengths let it be compared in constant time.
#[derive(Clone)]
pub struct AdminToken(Option<[u8; 32]>);

impl AdminToken {
    /// The token of `ROLLCALL_ADMIN_TOKEN`; without one nobody is admitted.
    pub fn new(token: Option<&SecretString>) -> Self {
        Self(token.map(|token| hash(token.expose_secret())))
    }

    fn admits(&self, header: Option<&str>) -> Result<(), Problem> {
        let Some(expected) = self.0 else {
            return Err(Problem::unauthorized(
                "No admin token is configured: set ROLLCALL_ADMIN_TOKEN (at least 32 characters) and start again.",
            ));
        };
        let Some(presented) = header.and_then(bearer) else {
            return Err(Problem::unauthorized("Send an admin token: \"Authorization: Bearer TOKEN\"."));
        };
        if bool::from(expected.ct_eq(&hash(presented))) {
            Ok(())
        } else {
            Err(Problem::unauthorized("This admin token is not valid."))
        }
    }
}

impl std::fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminToken([REDACTED])")
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The token of an `Authorization` header; the scheme's name has no case (RFC 9110 section 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token.trim())
}

/// Middleware: lets only requests with the admin token through.
pub async fn require_token(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    match request.app_data::<Data<AdminToken>>() {
        Some(token) => token.admits(header)?,
        None => AdminToken(None).admits(header)?,
    }
    next.call(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_under_the_bearer_scheme_is_admitted() {
        let token = AdminToken::new(Some(&SecretString::from("t".repeat(32))));
        let good = "t".repeat(32);
        assert_eq!(token.admits(Some(&format!("Bearer {good}"))), Ok(()));
        assert_eq!(token.admits(Some(&format!("bearer {good}"))), Ok(()));
        for bad in [None, Some(good.clone()), Some(format!("Basic {good}")), Some(format!("Bearer {good}t"))] {
            assert!(token.admits(bad.as_deref()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn without_a_configured_token_nobody_is_admitted_and_the_setting_is_named() {
        let refusal = AdminToken::new(None).admits(Some("Bearer ")).unwrap_err();
        assert!(refusal.to_string().contains("ROLLCALL_ADMIN_TOKEN"), "{refusal}");
    }
}
