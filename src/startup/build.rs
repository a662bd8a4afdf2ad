//! Puts the parts together.

use std::sync::Arc;

use secrecy::ExposeSecret;
use tokio::sync::{Notify, watch};

use crate::clock::SharedClock;
use crate::engine::Engine;
use crate::graph::{GraphClient, GraphSettings, REQUEST_TIMEOUT, SUBSCRIPTION_TIMEOUT};
use crate::http::Operations;
use crate::http::api::{Api, ServiceRegistration};
use crate::http::auth::AdminToken;
use crate::intake::Intake;
use crate::intake::admit::Registry;
use crate::intake::budget::BodyBudget;
use crate::provisioning::Sessions;
use crate::provisioning::sessions::ServiceCredentials;
use crate::queue::fold::Fold;
use crate::reconcile::Reconciler;
use crate::secrets::Keyring;
use crate::settings::{ClientCredential, DatabaseSettings, ServeSettings, Settings};
use crate::store::inbox::{Inbox, InboxLimits};
use crate::store::{Db, Location, keys, leases};
use crate::subscriptions::{Keeper, KeeperSettings};
use crate::sync::Worker;
use crate::telemetry::Telemetry;

use super::listeners::{self, Served};
use super::{Application, Ports, StartError};

/// What to do about migrations that are pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrations {
    /// Apply them.
    Apply,
    /// Refuse to start.
    Refuse,
}

/// Opens the database that the settings name.
pub async fn open_database(settings: &DatabaseSettings) -> Result<Db, StartError> {
    let location = match settings {
        DatabaseSettings::Sqlite { path } => Location::Sqlite(path.clone()),
        DatabaseSettings::Postgresql { url, .. } => Location::Postgresql(url.expose_secret().to_owned()),
    };
    let opened = tokio::task::spawn_blocking(move || Db::open(location)).await;
    Ok(opened.map_err(|error| crate::store::StoreError::Panicked(error.to_string()))??)
}

impl Application {
    /// Builds the service and begins to listen; the engine does not work before it is run.
    pub async fn build(
        settings: ServeSettings,
        clock: SharedClock,
        telemetry: Telemetry,
        migrations: Migrations,
    ) -> Result<Self, StartError> {
        let db = open_database(&settings.settings.database).await?;
        migrate(&db, migrations).await?;
        let keyring = Arc::new(keys::load_or_create(&db, &settings.master_keys, clock.now()).await?);
        let engine = engine(&settings, &db, Arc::clone(&keyring), clock).await?;
        let api = Api {
            db: db.clone(),
            clock: engine.clock.clone(),
            keyring,
            operations: Arc::new(engine.clone()) as Arc<dyn Operations>,
            service_registration: registration(&settings.settings),
        };
        let served = Served {
            intake: Arc::clone(&engine.intake),
            api,
            token: AdminToken::new(settings.settings.admin_token.as_ref()),
            telemetry,
            db,
        };
        let asked = Ports { public: settings.settings.public_listen, admin: settings.settings.admin_listen };
        let (listeners, ports) = listeners::start(served, asked)?;
        tracing::info!(public = %ports.public, admin = %ports.admin, "Listening");
        Ok(Self { engine, listeners, ports })
    }
}

async fn migrate(db: &Db, migrations: Migrations) -> Result<(), StartError> {
    let pending = db.pending_migrations().await?;
    if migrations == Migrations::Refuse && !pending.is_empty() {
        return Err(StartError::MigrationsPending(pending.len(), pending.join(", ")));
    }
    for name in db.migrate().await? {
        tracing::info!(migration = name, "Migration applied");
    }
    if matches!(db.location(), Location::Sqlite(_)) {
        // Nobody else has this file open, so whoever held a lease is dead.
        db.write(leases::void_all).await?;
    }
    Ok(())
}

async fn engine(
    settings: &ServeSettings,
    db: &Db,
    keyring: Arc<Keyring>,
    clock: SharedClock,
) -> Result<Engine, StartError> {
    let client = GraphClient::new(graph_settings(&settings.settings)?, clock.clone())?;
    let sessions = Sessions::new(db.clone(), client, Arc::clone(&keyring), service(&settings.settings)?);
    let inbox = Inbox::open(db, InboxLimits::default()).await?;
    let (_, keyrings) = watch::channel(Arc::clone(&keyring));
    let registry = Registry::new(db.clone(), keyrings);
    registry.reload().await?;
    let work = Arc::new(Notify::new());
    let fold = Fold { db: db.clone(), inbox: inbox.clone(), clock: clock.clone(), work: Arc::clone(&work) };
    let options = &settings.settings;
    Ok(Engine {
        db: db.clone(),
        clock: clock.clone(),
        keyring: Arc::clone(&keyring),
        intake: Arc::new(Intake { registry, inbox, clock: clock.clone(), bodies: BodyBudget::default() }),
        fold: Arc::new(fold),
        worker: Worker::new(db.clone(), sessions.clone(), clock.clone(), options.recheck.clone()),
        keeper: Keeper::new(db.clone(), sessions.clone(), keyring, clock.clone(), keeper_settings(settings)),
        reconciler: Reconciler::new(db.clone(), sessions, clock, options.delta_poll, work),
    })
}

fn keeper_settings(settings: &ServeSettings) -> KeeperSettings {
    let address = |path: &str| {
        let mut url = settings.public_url.url().clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        url
    };
    KeeperSettings {
        notification_url: address("/graph/notifications"),
        lifecycle_url: address("/graph/lifecycle"),
        lifetime: settings.settings.subscription_lifetime,
    }
}

fn graph_settings(settings: &Settings) -> Result<GraphSettings, StartError> {
    let extra_authorities_pem = match &settings.ca_file {
        None => None,
        Some(path) => {
            Some(std::fs::read(path).map_err(|cause| StartError::File { file: path.display().to_string(), cause })?)
        }
    };
    Ok(GraphSettings {
        graph_url: settings.cloud.graph_url.url().clone(),
        login_url: settings.cloud.login_url.url().clone(),
        audience: settings.cloud.audience().url().clone(),
        request_timeout: REQUEST_TIMEOUT,
        subscription_timeout: SUBSCRIPTION_TIMEOUT,
        extra_authorities_pem,
    })
}

fn service(settings: &Settings) -> Result<Option<ServiceCredentials>, StartError> {
    let Some(client) = &settings.client else { return Ok(None) };
    match &client.credential {
        None => Ok(None),
        Some(ClientCredential::Secret(secret)) => {
            Ok(Some(ServiceCredentials { client_id: client.client_id.clone(), client_secret: secret.clone() }))
        }
        Some(ClientCredential::CertificateFile(_)) => {
            Err(StartError::CredentialKind("ROLLCALL_CLIENT_CERTIFICATE_FILE"))
        }
        Some(ClientCredential::FederatedTokenFile(_)) => {
            Err(StartError::CredentialKind("ROLLCALL_FEDERATED_TOKEN_FILE"))
        }
    }
}

fn registration(settings: &Settings) -> ServiceRegistration {
    ServiceRegistration {
        client_id: settings.client.as_ref().map(|client| client.client_id.clone()),
        has_credential: settings.client.as_ref().is_some_and(|client| client.credential.is_some()),
    }
}
