//! Single sign-on for the console.

use secrecy::SecretString;

use super::address::{BaseUrl, PlainHttp};
use super::mail::is_mail_address;
use super::reader::{Reader, Refused};

/// An OpenID Connect provider and whom it lets in.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// The issuer exactly as given: it is compared with the token's, where a slash at the end counts
    /// (OpenID Connect Core 1.0, section 3.1.3.7).
    pub issuer: String,
    /// The console's client id there.
    pub client_id: String,
    /// Its secret; without one the console is a public client.
    pub client_secret: Option<SecretString>,
    /// The claim that carries `rollcall.admin`, `rollcall.operator` or `rollcall.viewer`.
    pub role_claim: String,
    /// Addresses that are admins whatever the claim says, in lower case.
    pub admins: Vec<String>,
}

pub(super) fn read(reader: &mut Reader) -> Option<OidcSettings> {
    let issuer = reader.read("oidc_issuer", "an https address, or an http one of this machine", |text| {
        BaseUrl::checked(text, PlainHttp::Loopback).map(|_| text.trim().to_owned())
    });
    let client_id = reader.text("oidc_client_id");
    let client_secret = reader.secret("oidc_client_secret");
    let role_claim = reader.text("oidc_role_claim").unwrap_or_else(|| "roles".to_owned());
    let admins = reader.read("oidc_admins", "mail addresses separated by commas", parse_admins).unwrap_or_default();
    let asked = ["oidc_issuer", "oidc_client_id", "oidc_client_secret", "oidc_role_claim", "oidc_admins"];
    if asked.iter().any(|key| reader.is_given(key)) {
        for (key, accepted) in [
            ("oidc_issuer", "the address of the OpenID Connect provider"),
            ("oidc_client_id", "the client id of the console at the provider"),
        ] {
            if !reader.is_given(key) {
                reader.refuse(key, "nothing, although other settings of single sign-on are given", accepted);
            }
        }
    }
    Some(OidcSettings { issuer: issuer?, client_id: client_id?, client_secret, role_claim, admins })
}

fn parse_admins(text: &str) -> Result<Vec<String>, Refused> {
    let admins: Vec<String> =
        text.split(',').map(|part| part.trim().to_lowercase()).filter(|part| !part.is_empty()).collect();
    if admins.iter().all(|admin| is_mail_address(admin)) { Ok(admins) } else { Err(Refused::Value) }
}
