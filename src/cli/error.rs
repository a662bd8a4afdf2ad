//! Why a command failed.

use std::io;

use crate::settings::SettingsError;
use crate::startup::StartError;
use crate::store::StoreError;
use crate::telemetry::TelemetryError;

/// Why a command failed: one sentence that says what happened and what to do.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The service could not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Log or metrics could not be set up.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The system gave no threads.
    #[error("the system does not let this process start its threads: {0}")]
    Threads(io::Error),
    /// The system does not tell of signals.
    #[error("the system does not let this process wait for signals: {0}")]
    Signals(io::Error),
    /// Nobody reads what the command prints.
    #[error("the output could not be written: {0}")]
    Output(io::Error),
    /// An address of a command's own cannot be listened on.
    #[error("cannot listen on {address}: {cause}; choose another address, or stop what uses it")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        cause: io::Error,
    },
    /// A file or folder cannot be used.
    #[error("{path} cannot be used: {cause}")]
    File {
        /// The file or folder.
        path: String,
        /// Why.
        cause: io::Error,
    },
    /// There is no token to ask the admin API with.
    #[error("there is no token for the admin API: set ROLLCALL_TOKEN to an admin token of the service")]
    NoToken,
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up: {0}")]
    Client(String),
    /// The admin API does not answer.
    #[error("the admin API at {url} does not answer ({cause}); start `rollcall serve`, or set ROLLCALL_ADMIN_URL")]
    Unreachable {
        /// Its address.
        url: String,
        /// Why.
        cause: String,
    },
    /// The admin API refused, in its own words.
    #[error("{detail}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What happened and what to do.
        detail: String,
    },
    /// What answers is not the admin API.
    #[error("{url} answered {status} with something that is not JSON; is it the admin API of Rollcall?")]
    NotTheApi {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// A run or a renewal did not do what was asked for.
    #[error("{0}")]
    NotDone(String),
}
