//! Signing in without a secret.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::SignatureScheme;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::support::Stage;

/// A self-signed certificate made for this test, and its key.
const CERTIFICATE: &str = concat!(
    "MIIDIzCCAgugAwIBAgIUZiAJU7Ncx+67kPp51/vmxTxjufwwDQYJKoZIhvcNAQELBQAwIDEeMBwGA1UEAwwVc2ltdWxhdGVkIGFw",
    "cGxpY2F0aW9uMCAXDTI2MTEyMTE5NDUyNloYDzIxMjYxMDI4MTk0NTI2WjAgMR4wHAYDVQQDDBVzaW11bGF0ZWQgYXBwbGljYXRp",
    "b24wggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQCRP4xgxK0bMrGVzvDQ5HIqK5Dfx34vun0QZ9owX0XgqrPSuO04NAr4",
    "4Rskop0B4G5nKqI9V52oEMZ0cwI8Lk/DylJTYRltBpvwaIWaN1nH1Pn4kj4ASlSbzvXkusZxqGbNAxaqhpHjssTNLP8a+NhcNoM0",
    "jajW2NXsQm7KdCcViBTqChLKDLhTDsFp1sR8FaFhnhfe/tjcyX6mEOgKf9n4Cw3W6hth9mg0A2UUnqu0N32jChko1j7yX/6Br56O",
    "YN2KwhX0ndJ3V1BtWS/Edm4vbq7ueIYUlCoZNOxRPRIHKtTM1q5SVvf1k6JCs5wYP/sISCs6YSCSOyGsxLjNIEkbAgMBAAGjUzBR",
    "MB0GA1UdDgQWBBQxo73H7T5kOEAPz5trm5LFqviYRDAfBgNVHSMEGDAWgBQxo73H7T5kOEAPz5trm5LFqviYRDAPBgNVHRMBAf8E",
    "BTADAQH/MA0GCSqGSIb3DQEBCwUAA4IBAQAKeM9178QkVHR7OTLzCiwnBGjCEXR76PqZ1+lnYrqvYVB9iHx8DY/j0gPXratqc1dl",
    "lHrLVSwByZ70gJ/UaS80P0qZnkrYD5QuxnLq8onl57U0HCe2xZ4ALZOFTY8iWwPeKEX5B7Wfg3Wyq0YH91UXuUKz7En0uXVWIAMJ",
    "Oy3w9wDoEwjy3ABcDramXbUyTQIG70sDr5DEYbHc109iCswZjFxIFw3y/CAg1ilBzUE0yceZQNAZKY7az5M/So5gdM0l8QvI8LMX",
    "lSVYOxjh89GCHla8WWhIzfiqJoI5ym4F3hQtWKVo/pzZ6JLVMm0RPpbCxOivrS0oMQ9pl2jAri1R",
);
const PRIVATE_KEY: &str = concat!(
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCRP4xgxK0bMrGVzvDQ5HIqK5Dfx34vun0QZ9owX0XgqrPSuO04",
    "NAr44Rskop0B4G5nKqI9V52oEMZ0cwI8Lk/DylJTYRltBpvwaIWaN1nH1Pn4kj4ASlSbzvXkusZxqGbNAxaqhpHjssTNLP8a+Nhc",
    "NoM0jajW2NXsQm7KdCcViBTqChLKDLhTDsFp1sR8FaFhnhfe/tjcyX6mEOgKf9n4Cw3W6hth9mg0A2UUnqu0N32jChko1j7yX/6B",
    "r56OYN2KwhX0ndJ3V1BtWS/Edm4vbq7ueIYUlCoZNOxRPRIHKtTM1q5SVvf1k6JCs5wYP/sISCs6YSCSOyGsxLjNIEkbAgMBAAEC",
    "ggEAEDyIVrDloOqzy0lMxi0jTe98zGcihfdUz6asT0f3KbwrSdz+N5ApwdR4EkpTPsh1zvaHGFBZAVaOuKm6kDulEv/k4Ak0rGlW",
    "uTMV7D1PvfTi1JSUdbfZaWljN2Rhlob6puQ3fmx4lnl/YmgrRDqZBQXa+N71Br9KepSaieseC1v1x9cGVoWYfqHz7hSiQj0fxRz4",
    "kfgM4XkCohO14L+g+QQst24ksBRHNwOxH2ihZRaLLxq1u9c6Ofc15N3MRs1wIB1RoSjeDVdfXPBlVatFi68MiQHSixdJZfat0uEE",
    "IjZoAWnS8eOFN4EH+cwfR7ccPHBN19+XDh0FEQu1rNMBIQKBgQDHZIzbVm64dW255qHffraBFQQb8/IfLWUee9zD9fz9SWVXN94s",
    "uC9VHH3J4dG4u10ipUBKQGpv1D2lechfFx1jE7+I+l/foZZ5YrkANNxFUpCPLGBlTZiqU2E1uOxMHCZoxuoOOcgSktDqJ6YvKMKO",
    "VK3Nl70HAsIGTwokOQR7+QKBgQC6e+LlxLCN3s0tz11q70aYW8+rTettzahNm0VD3PennVhJZmhAEzR5XOOZ1QT4pJHxH4xHBrgN",
    "+awaIQD/JdqdJR7dQx4tUvFjOeDkf7dmeHzVC75oT4y1nN6xcE9o7IkzoTi4kRlOQIG9zrszEujYIqLh23rVXCwwVIvetgzqswKB",
    "gEuSQYy0Mpy47RCDaCCz/unnlDof+El2xBeMrHydE/jPw5gN9agPWukwNkC41OrmIIOMDFTYGz8tOvwnrxjTQvEVQAfjlUjGDqkN",
    "EL8SSdYAWAfbsuFSSqVrmrFo2C50kN4vXfBsV/cqLAJDasn+8dZOI92DQEKS+gS4GkjmT1vJAoGAHjAJ1eoWLpEfo8fKtpHPWsCa",
    "CIAPmXHOSenVt5ugl4iYDyG9xImXWAIacf+S03FIksDpo2HKD7EYFA69q5AEKKYmrei8jNe9bbOj3TlzheoBQzeodhhSjd+8CPtG",
    "T5TizPHPTclnUEyO9BvwH99yw/IvbeJqqvlFyfkVv1K3GpMCgYEAgMWdKFrW7slB5+80cPkIJF8OkLYS0jSgzU7q6HYRh0DHDVTM",
    "Dbisy8CvIklNlgLvO7Xb29+s5WXukohdXlnc2+hXkEpjoU8kxO/isNrGGJ2SFaodYFtWDEz34W499YWakZnUBSxIePFePDuXewTW",
    "dzhtRbVOEj2MR+bbJjSEYWI=",
);

fn assertion(claims: &Value) -> String {
    let certificate = STANDARD.decode(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(STANDARD.decode(PRIVATE_KEY).unwrap()));
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate));
    let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint });
    let parts = [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = parts.join(".");
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PSS_SHA256]).unwrap();
    let signature = URL_SAFE_NO_PAD.encode(signer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

async fn outcome(stage: &Stage, assertion: String) -> (u16, i64) {
    let form = [
        ("client_id", stage.tenant.client_id().to_string()),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
        ("client_assertion", assertion),
        ("scope", "https://graph.microsoft.com/.default".to_owned()),
        ("grant_type", "client_credentials".to_owned()),
    ];
    let answer = stage.login(&stage.tenant.id().to_string(), &form).await;
    (answer.status, answer.body["error_codes"][0].as_i64().unwrap_or_default())
}

fn claims(stage: &Stage) -> Value {
    let audience = format!("{}/{}/oauth2/v2.0/token", stage.running.login_url(), stage.tenant.id());
    let (id, now) = (stage.tenant.client_id(), stage.simulator.now().timestamp());
    json!({ "aud": audience, "iss": id, "sub": id, "jti": "1", "nbf": now, "exp": now + 300 })
}

#[actix_web::test]
async fn a_certificate_signs_in_when_registered_and_not_with_a_broken_signature() {
    let stage = Stage::start().await;
    let good = assertion(&claims(&stage));
    assert_eq!(outcome(&stage, good.clone()).await, (401, 700_027));
    stage.tenant.trust_certificate(&STANDARD.decode(CERTIFICATE).unwrap());
    assert_eq!(outcome(&stage, good.clone()).await, (200, 0));
    let (signed, _) = good.rsplit_once('.').unwrap();
    let broken = format!("{signed}.{}", URL_SAFE_NO_PAD.encode([7; 256]));
    assert_eq!(outcome(&stage, broken).await, (401, 700_027));
    stage.stop().await;
}

#[actix_web::test]
async fn an_assertion_for_another_audience_or_time_is_refused() {
    let stage = Stage::start().await;
    stage.tenant.trust_certificate(&STANDARD.decode(CERTIFICATE).unwrap());
    let mut elsewhere = claims(&stage);
    elsewhere["aud"] = json!("https://example.com/oauth2/v2.0/token");
    assert_eq!(outcome(&stage, assertion(&elsewhere)).await, (401, 700_023));
    let mut late = claims(&stage);
    late["exp"] = json!(stage.simulator.now().timestamp() - 1);
    assert_eq!(outcome(&stage, assertion(&late)).await, (401, 700_024));
    stage.stop().await;
}

#[actix_web::test]
async fn a_federated_token_signs_in_when_issuer_and_subject_are_trusted() {
    let stage = Stage::start().await;
    let mut token = claims(&stage);
    token["iss"] = json!("https://cluster.example");
    token["sub"] = json!("system:serviceaccount:apps:rollcall");
    token["aud"] = json!(["api://AzureADTokenExchange"]);
    assert_eq!(outcome(&stage, assertion(&token)).await, (401, 700_213));
    stage.tenant.trust_federated_token("https://cluster.example", "system:serviceaccount:apps:rollcall");
    assert_eq!(outcome(&stage, assertion(&token)).await, (200, 0));
    stage.stop().await;
}
