//! The admin API: one file for each noun, thin over the store.

pub mod accounts;
pub mod connections;
pub mod events;
pub mod log;
pub mod openapi;
pub mod queue;
pub mod runs;
pub mod subscriptions;
pub mod teams;

use std::sync::Arc;

use super::errors::Problem;
use super::operations::Operations;
use crate::clock::SharedClock;
use crate::directory::ConnectionId;
use crate::secrets::Keyring;
use crate::store::{Db, DbConnection, StoreError};

/// What the handlers work with.
#[derive(Clone)]
pub struct Api {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: SharedClock,
    /// Seals the secrets of connections.
    pub keyring: Arc<Keyring>,
    /// The acts that need workers.
    pub operations: Arc<dyn Operations>,
    /// The service's own app registration, for connections that bring no credentials.
    pub service_registration: ServiceRegistration,
}

/// What is known of the service's own app registration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceRegistration {
    /// Its application (client) id.
    pub client_id: Option<String>,
    /// Whether it can sign in: it has a secret, a certificate or a federated token.
    pub has_credential: bool,
}

impl Api {
    /// Reads something of one connection; 404 when there is no such connection.
    pub async fn read_of<T: Send + 'static>(
        &self,
        connection: &str,
        work: impl FnOnce(&mut DbConnection, &ConnectionId) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let id = connection_id(connection)?;
        let read = self.db.read(move |db| match crate::store::connections::get(db, &id)? {
            Some(_) => work(db, &id).map(Some),
            None => Ok(None),
        });
        read.await?.ok_or_else(|| Problem::not_found("connection", connection))
    }
}

/// The id in an address; one that cannot be an id names no connection either.
pub(super) fn connection_id(text: &str) -> Result<ConnectionId, Problem> {
    text.parse().map_err(|_| Problem::not_found("connection", text))
}
