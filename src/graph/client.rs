//! The process-wide part of the client: addresses, TLS and the connection pool.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, redirect};
use url::{Host, Url};

use crate::clock::SharedClock;
use crate::directory::{ConnectionId, TenantId};

use super::login::{Credentials, Login};
use super::session::{Graph, Session};

/// How long one call may take, from connecting to the last byte: pages of 999 people arrive within seconds.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// How long creating or renewing a subscription may take: Graph validates the notification addresses meanwhile, with
/// ten seconds for each. Graph: change-notifications-delivery-webhooks.
pub const SUBSCRIPTION_TIMEOUT: Duration = Duration::from_secs(60);

/// A server that has not accepted a connection by then is not going to.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Idle connections are dropped soon, so that changed addresses of Graph are honored.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

const USER_AGENT: &str = concat!("rollcall/", env!("CARGO_PKG_VERSION"));

/// Where Graph is and how long to wait for it.
#[derive(Clone, Debug)]
pub struct GraphSettings {
    /// Base of Graph without `/v1.0`. Plain http is accepted for loopback hosts only.
    pub graph_url: Url,
    /// Base of the login service. Plain http is accepted for loopback hosts only.
    pub login_url: Url,
    /// The Graph a token is asked for, such as `https://graph.microsoft.com`: it depends on the cloud alone and
    /// differs from `graph_url` when that is a proxy or a simulator.
    pub audience: Url,
    /// Time for a whole call; usually [`REQUEST_TIMEOUT`].
    pub request_timeout: Duration,
    /// Time for a call that makes Graph validate addresses; usually [`SUBSCRIPTION_TIMEOUT`].
    pub subscription_timeout: Duration,
    /// Authorities to trust besides the machine's, as PEM.
    pub extra_authorities_pem: Option<Vec<u8>>,
}

/// The settings do not make a client.
#[derive(Debug, thiserror::Error)]
pub enum GraphClientError {
    /// An address is neither https nor loopback, or is no base address.
    #[error("{url} cannot be the {which} address: give an https address without query (http only for loopback hosts)")]
    Address {
        /// Which of the addresses.
        which: &'static str,
        /// The address.
        url: Url,
    },
    /// The extra authorities hold no certificate that can be read.
    #[error("the extra certificate authorities hold no readable PEM certificate")]
    Authorities,
    /// The HTTP client could not be built, usually because the machine's certificate authorities cannot be read.
    #[error("the HTTPS client could not be set up")]
    Setup(#[source] reqwest::Error),
}

/// The Graph client of this process; cheap to clone.
#[derive(Clone, Debug)]
pub struct GraphClient {
    shared: Arc<Shared>,
}

/// What all sessions share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) http: reqwest::Client,
    pub(super) settings: GraphSettings,
    pub(super) clock: SharedClock,
}

impl GraphClient {
    /// Checks the settings and sets up TLS. Connects nowhere.
    pub fn new(settings: GraphSettings, clock: SharedClock) -> Result<Self, GraphClientError> {
        check_address("Graph", &settings.graph_url)?;
        check_address("login", &settings.login_url)?;
        let http = http_client(&settings)?;
        Ok(Self { shared: Arc::new(Shared { http, settings, clock }) })
    }

    /// A session for one connection, without a token yet. Keep and clone it: each session asks for a token of its own.
    pub fn session(&self, connection: ConnectionId, tenant: TenantId, credentials: Credentials) -> Graph {
        let login = Login::new(self.shared.clone(), connection.clone(), tenant, credentials);
        Graph::new(Session::new(self.shared.clone(), connection, login))
    }
}

fn check_address(which: &'static str, url: &Url) -> Result<(), GraphClientError> {
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
    let is_base = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if is_safe && is_base && url.has_host() {
        Ok(())
    } else {
        Err(GraphClientError::Address { which, url: url.clone() })
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn http_client(settings: &GraphSettings) -> Result<reqwest::Client, GraphClientError> {
    // Fails only when a provider is installed already, and then that one serves as well.
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .tls_certs_merge(authorities(settings)?);
    if is_loopback(&settings.graph_url) {
        // A proxy of the environment has another idea of what loopback is.
        builder = builder.no_proxy();
    }
    builder.build().map_err(GraphClientError::Setup)
}

fn authorities(settings: &GraphSettings) -> Result<Vec<Certificate>, GraphClientError> {
    let Some(pem) = &settings.extra_authorities_pem else { return Ok(Vec::new()) };
    match Certificate::from_pem_bundle(pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(GraphClientError::Authorities),
    }
}
