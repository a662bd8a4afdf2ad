//! Which Microsoft cloud, and as whom Rollcall signs in there.

use std::path::PathBuf;

use secrecy::SecretString;

use super::address::{BaseUrl, PlainHttp};
use super::reader::{Reader, Refused};

/// A Microsoft cloud; tokens and app registrations of one are worth nothing in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// The worldwide cloud, GCC included.
    Global,
    /// US Government L4 (GCC High).
    UsGov,
    /// US Government L5 (DoD).
    UsGovDod,
    /// China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// The base address of Microsoft Graph, without version (Graph: national cloud deployments).
    pub fn graph_url(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::UsGov => "https://graph.microsoft.us",
            Self::UsGovDod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }

    /// The base address of the login service (Graph: national cloud deployments).
    pub fn login_url(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::UsGov | Self::UsGovDod => "https://login.microsoftonline.us",
            Self::China => "https://login.chinacloudapi.cn",
        }
    }
}

/// Where Microsoft Graph and the login service are.
#[derive(Clone, Debug)]
pub struct CloudSettings {
    /// Which cloud.
    pub cloud: Cloud,
    /// Graph's base without `/v1.0`.
    pub graph_url: BaseUrl,
    /// The authority base.
    pub login_url: BaseUrl,
}

/// The service's own app registration, for connections that bring none.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// The application (client) id.
    pub client_id: String,
    /// How it proves who it is; `None` when only consent links are needed.
    pub credential: Option<ClientCredential>,
}

/// How the service's own app registration proves who it is.
#[derive(Clone, Debug)]
pub enum ClientCredential {
    /// A client secret.
    Secret(SecretString),
    /// A PEM file with certificate and private key, read anew when it is needed.
    CertificateFile(PathBuf),
    /// A workload identity's token file, which the platform renews: read anew for every sign-in.
    FederatedTokenFile(PathBuf),
}

impl CloudSettings {
    /// The Graph that tokens are asked for: that of the cloud, whatever address it is reached under.
    pub fn audience(&self) -> BaseUrl {
        fixed(self.cloud.graph_url())
    }
}

pub(super) fn read(reader: &mut Reader) -> CloudSettings {
    let words =
        [("global", Cloud::Global), ("usgov", Cloud::UsGov), ("usgovdod", Cloud::UsGovDod), ("china", Cloud::China)];
    let cloud = reader.word("cloud", &words).unwrap_or(Cloud::Global);
    let graph_url = reader.read(
        "graph_url",
        "an https address without /v1.0, query and fragment, or an http one of this machine",
        |text| match BaseUrl::checked(text, PlainHttp::Loopback)? {
            url if url.as_str().ends_with("/v1.0") || url.as_str().ends_with("/beta") => Err(Refused::Value),
            url => Ok(url),
        },
    );
    let login_url = reader.base_url("login_url");
    CloudSettings {
        cloud,
        graph_url: graph_url.unwrap_or_else(|| fixed(cloud.graph_url())),
        login_url: login_url.unwrap_or_else(|| fixed(cloud.login_url())),
    }
}

fn fixed(address: &'static str) -> BaseUrl {
    BaseUrl::parse(address).expect("the addresses in this file are https addresses")
}

pub(super) fn read_client(reader: &mut Reader) -> Option<ClientSettings> {
    let client_id = reader.read("client_id", "the application (client) id, without spaces", |text| {
        let text = text.trim();
        if text.contains(char::is_whitespace) { Err(Refused::Value) } else { Ok(text.to_owned()) }
    });
    let credential = read_credential(reader);
    match (client_id, credential) {
        (Some(client_id), credential) => {
            if credential.is_none() {
                reader.warn("ROLLCALL_CLIENT_ID is given without a credential: only connections with their own sync");
            }
            Some(ClientSettings { client_id, credential })
        }
        (None, Some(_)) if !reader.is_given("client_id") => {
            let accepted = "the application (client) id the given credential belongs to";
            reader.refuse("client_id", "nothing, although a credential is given", accepted);
            None
        }
        (None, _) => None,
    }
}

fn read_credential(reader: &mut Reader) -> Option<ClientCredential> {
    let secret = reader.secret("client_secret").map(ClientCredential::Secret);
    let marks = ["-----BEGIN CERTIFICATE-----", "PRIVATE KEY-----"];
    let certificate = reader
        .file("client_certificate_file", "a readable PEM file with a certificate and its private key", &marks)
        .map(ClientCredential::CertificateFile);
    let token = reader
        .file("federated_token_file", "a readable file with the workload identity's token", &[])
        .map(ClientCredential::FederatedTokenFile);
    let given = ["client_secret", "client_certificate_file", "federated_token_file"];
    let given: Vec<&'static str> = given.into_iter().filter(|key| reader.is_given(key)).collect();
    if let [_, .., last] = given.as_slice() {
        let found = format!("more than one credential: {}", given.join(", "));
        reader.refuse(last, found, "one of client_secret, client_certificate_file and federated_token_file");
    }
    secret.or(certificate).or(token)
}
