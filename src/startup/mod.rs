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

/// How long a stop waits for the loops to put their work down, and for the listeners at the same time.
const STOP_WAIT: Duration = Duration::from_secs(4);

/// How long giving the leases back may take: two statements, which a busy SQLite file lets wait.
const GIVE_BACK_WAIT: Duration = Duration::from_secs(2);

/// A stop ends within this, whatever still hangs: below the 8 s after which a supervisor may kill.
pub const STOP_WAIT_MAX: Duration = Duration::from_secs(7);

// Otherwise a slow stop would not give its leases back; requests under way end before the wait for their listener does.
const _: () = assert!(STOP_WAIT.as_secs() + GIVE_BACK_WAIT.as_secs() < STOP_WAIT_MAX.as_secs());
const _: () = assert!(listeners::SHUTDOWN_SECONDS < STOP_WAIT.as_secs());

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

    /// Works until `stop`, then puts everything down, listeners and loops at the same time; leases are given back, so
    /// that another process takes over at once.
    pub async fn run_until_stopped(self, stop: CancellationToken) -> Result<(), StoreError> {
        let loops: JoinHandle<()> = tokio::spawn(self.engine.clone().run(stop.clone()));
        stop.cancelled().await;
        tracing::info!("Stopping");
        let aborting = loops.abort_handle();
        let put_down = async { tokio::join!(self.listeners.stop(), loops) };
        match tokio::time::timeout(STOP_WAIT, put_down).await {
            Ok(((), Err(error))) => tracing::error!("The work did not end well: {error}"),
            Ok(((), Ok(()))) => {}
            Err(_) => {
                tracing::warn!("Some work did not end in time; it is taken up again at the next start");
                // What is given back below must not be taken again.
                aborting.abort();
            }
        }
        match tokio::time::timeout(GIVE_BACK_WAIT, self.engine.db.write(leases::release_process)).await {
            Ok(given_back) => given_back?,
            Err(_) => tracing::warn!("Leases could not be given back in time; they run out by themselves"),
        }
        tracing::info!("Stopped");
        Ok(())
    }

    /// Stops without a word to anybody, as if the process had died: for tests.
    pub async fn abort(self) {
        self.listeners.stop().await;
    }
}
