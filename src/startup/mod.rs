//! The composition root: from settings to a running service.
//!
//! The only place that names the machine's clock and that knows every part.

mod build;
mod listeners;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::graph::GraphClientError;
use crate::intake::append::AppendError;
use crate::secrets::SecretsError;
use crate::settings::SettingsError;
use crate::store::keys::KeysError;
use crate::store::{StoreError, leases};
use crate::telemetry::TelemetryError;

pub use build::{Migrations, open_database};
use listeners::Listeners;

/// How long a stop waits for the loops to put their work down; with the listeners' own time it stays below the 8 s
/// after which a supervisor may kill.
const STOP_WAIT: Duration = Duration::from_secs(4);

/// The service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data keys cannot be opened.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A stored secret cannot be opened.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The way to Graph cannot be prepared.
    #[error(transparent)]
    Graph(#[from] GraphClientError),
    /// Metrics or logging cannot be set up.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The inbox cannot be used.
    #[error(transparent)]
    Inbox(#[from] AppendError),
    /// Migrations are pending and were not to be applied.
    #[error("{0} migrations are pending ({1}); run `rollcall migrate`, or start without --no-migrate")]
    MigrationsPending(usize, String),
    /// A file named in the settings cannot be read.
    #[error("{file} cannot be read: {cause}")]
    File {
        /// The file.
        file: String,
        /// Why.
        cause: std::io::Error,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {cause}; choose another address, or stop what uses it")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        cause: std::io::Error,
    },
    /// A kind of credential this version does not use.
    #[error("this version signs in with a client secret only: set ROLLCALL_CLIENT_SECRET instead of {0}")]
    CredentialKind(&'static str),
}

/// The addresses that are listened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Graph's callbacks and probes.
    pub public: SocketAddr,
    /// Admin API, metrics and probes.
    pub admin: SocketAddr,
}

/// A service that listens, and works once it is run.
pub struct Application {
    /// The working parts.
    pub engine: Engine,
    listeners: Listeners,
    ports: Ports,
}

impl Application {
    /// The addresses that are listened on, with the ports the system chose where 0 was asked for.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// Works until `stop`, then puts everything down: listeners first, so that nothing new arrives, then the loops;
    /// leases are given back, so that another process takes over at once.
    pub async fn run_until_stopped(self, stop: CancellationToken) -> Result<(), StoreError> {
        let loops: JoinHandle<()> = tokio::spawn(self.engine.clone().run(stop.clone()));
        stop.cancelled().await;
        tracing::info!("Stopping");
        self.listeners.stop().await;
        if tokio::time::timeout(STOP_WAIT, loops).await.is_err() {
            tracing::warn!("Some work did not end in time; it is taken up again at the next start");
        }
        self.engine.db.write(leases::release_process).await?;
        tracing::info!("Stopped");
        Ok(())
    }

    /// Stops without a word to anybody, as if the process had died: for tests.
    pub async fn abort(self) {
        self.listeners.stop().await;
    }
}
