//! Client assertions instead of a secret: signed with a certificate's key, or issued by a trusted identity provider.
//! Entra: certificate-credentials, workload-identity-federation-create-trust.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::clock::MICROS_PER_SECOND;
use super::login::{LoginError, refuse};
use super::registry::Application;

/// The only kind of assertion there is.
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The audience of tokens of other identity providers.
const FEDERATED_AUDIENCE: &str = "api://AzureADTokenExchange";

/// A certificate an application may sign with.
#[derive(Debug)]
pub(super) struct Certificate {
    /// `x5t#S256`: the SHA-256 of the certificate, base64url.
    thumbprint: String,
    /// The RSA key, as PKCS #1.
    public_key: Vec<u8>,
}

impl Certificate {
    /// Reads an X.509 certificate in DER; none when it is not one.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (certificate, _) = element(der)?;
        let (to_be_signed, _) = element(certificate)?;
        let mut rest = to_be_signed;
        // Version, serial number, algorithm, issuer, validity, subject; then the key.
        for _ in 0..6 {
            (_, rest) = element(rest)?;
        }
        let (key_info, _) = element(rest)?;
        let (_, bits) = element(key_info)?;
        let (bits, _) = element(bits)?;
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(der));
        Some(Self { thumbprint, public_key: bits.get(1..)?.to_vec() })
    }
}

/// The content of the first DER element, and what follows it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = (usize::from(*der.get(1)?), der.get(2..)?);
    if first < 0x80 {
        return rest.split_at_checked(first);
    }
    let (length, rest) = rest.split_at_checked(first - 0x80)?;
    rest.split_at_checked(length.iter().fold(0, |sum, byte| sum * 256 + usize::from(*byte)))
}

/// What an assertion must fit.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    pub(super) client_id: Uuid,
    /// Any of these is right.
    pub(super) audiences: Vec<String>,
    pub(super) now: i64,
    pub(super) application: &'a Application,
}

/// Checks an assertion.
///
/// # Errors
/// AADSTS700027 for a signature or certificate that is not the application's, 700024 for a time that is over,
/// 700023 for another audience, 700213 for an identity provider nobody trusts.
pub(super) fn check(assertion: &str, expected: &Expected<'_>) -> Result<(), LoginError> {
    let malformed = || refuse(401, "invalid_client", 50027, "JWT token is invalid or malformed.");
    let (signed, signature) = assertion.rsplit_once('.').ok_or_else(malformed)?;
    let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
    let json = |part: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok() };
    let (header, claims) = (json(header).ok_or_else(malformed)?, json(claims).ok_or_else(malformed)?);
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
    if claims["exp"].as_i64().is_none_or(|exp| exp * MICROS_PER_SECOND <= expected.now) {
        let message = "Client assertion is not within its valid time range.";
        return Err(refuse(401, "invalid_client", 700_024, message));
    }
    let own_name = expected.client_id.to_string();
    if claims["iss"] != own_name.as_str() {
        return federated(&claims, expected);
    }
    if claims["sub"] != own_name.as_str() || !is_signed(&header, signed, &signature, expected.application) {
        let message = "The certificate with identifier used to sign the client assertion is not registered on application, or the signature is not valid.";
        return Err(refuse(401, "invalid_client", 700_027, message));
    }
    let audience = claims["aud"].as_str().unwrap_or_default();
    if !expected.audiences.iter().any(|right| right == audience) {
        let message = "Client assertion audience claim does not match Realm issuer.";
        return Err(refuse(401, "invalid_client", 700_023, message));
    }
    Ok(())
}

/// Whether a registered certificate's key made the signature, by PS256 or the older RS256.
fn is_signed(header: &Value, signed: &str, signature: &[u8], application: &Application) -> bool {
    let scheme = match header["alg"].as_str() {
        Some("PS256") => SignatureScheme::RSA_PSS_SHA256,
        Some("RS256") => SignatureScheme::RSA_PKCS1_SHA256,
        _ => return false,
    };
    let thumbprint = header["x5t#S256"].as_str();
    let certificate = application.certificates.iter().find(|known| Some(known.thumbprint.as_str()) == thumbprint);
    let Some(certificate) = certificate else { return false };
    let provider = rustls::crypto::ring::default_provider();
    let algorithms = provider.signature_verification_algorithms.mapping.iter().find(|(known, _)| *known == scheme);
    let mut algorithms = algorithms.into_iter().flat_map(|(_, algorithms)| algorithms.iter());
    algorithms
        .any(|algorithm| algorithm.verify_signature(&certificate.public_key, signed.as_bytes(), signature).is_ok())
}

/// A token of another identity provider is believed by its claims: the simulator asks no provider for keys.
fn federated(claims: &Value, expected: &Expected<'_>) -> Result<(), LoginError> {
    let is_trusted = |(issuer, subject): &(String, String)| claims["iss"] == *issuer && claims["sub"] == *subject;
    let audience = &claims["aud"];
    let is_right = *audience == FEDERATED_AUDIENCE || audience[0] == FEDERATED_AUDIENCE;
    if is_right && expected.application.federated.iter().any(is_trusted) {
        return Ok(());
    }
    let message = "No matching federated identity record found for presented assertion.";
    Err(refuse(401, "invalid_client", 700_213, message))
}
