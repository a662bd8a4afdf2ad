//! A connection with everything needed to work for it: settings, compiled rules, and its way to Graph.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;

use crate::directory::ConnectionId;
use crate::directory::decide::Rules;
use crate::directory::mapping::Mapping;
use crate::expression::Expression;
use crate::graph::{CredentialSecret, Credentials, Graph, GraphClient, Selection};
use crate::secrets::Keyring;
use crate::store::connections::{self, ConnectionRecord};
use crate::store::{Db, StoreError};

use super::Trouble;

/// The name under which a connection's client secret is sealed.
pub const CLIENT_SECRET: &str = connections::CLIENT_SECRET;

/// Everything needed to work for one connection.
#[derive(Clone, Debug)]
pub struct Session {
    /// As stored when the session was opened.
    pub record: Arc<ConnectionRecord>,
    /// Mapping and required fields, checked.
    pub rules: Arc<Rules>,
    /// Its way to Graph.
    pub graph: Graph,
    /// What to select of a user.
    pub selection: Selection,
}

impl Session {
    /// The connection.
    pub fn connection(&self) -> &ConnectionId {
        &self.record.id
    }
}

/// Opens sessions and keeps them while the connection stays as it is, so that tokens are reused.
#[derive(Clone)]
pub struct Sessions {
    db: Db,
    client: GraphClient,
    keyring: Arc<Keyring>,
    service: Option<ServiceCredentials>,
    open: Arc<Mutex<HashMap<ConnectionId, Session>>>,
}

/// The service's own app registration, for connections that bring none.
#[derive(Clone, Debug)]
pub struct ServiceCredentials {
    /// The application's client id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

impl Sessions {
    /// Sessions over `client`.
    pub fn new(db: Db, client: GraphClient, keyring: Arc<Keyring>, service: Option<ServiceCredentials>) -> Self {
        Self { db, client, keyring, service, open: Arc::default() }
    }

    /// The session of a connection; `None` when there is no such connection (any more).
    pub async fn open(&self, connection: &ConnectionId) -> Result<Option<Session>, Trouble> {
        let id = connection.clone();
        let Some(record) = self.db.read(move |db| connections::get(db, &id)).await? else {
            self.lock().remove(connection);
            return Ok(None);
        };
        if let Some(session) = self.lock().get(connection).filter(|open| *open.record == record) {
            return Ok(Some(session.clone()));
        }
        let session = self.begin(record)?;
        self.lock().insert(connection.clone(), session.clone());
        Ok(Some(session))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ConnectionId, Session>> {
        // A session is inserted whole or not at all, so what a panicking thread left is usable.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, record: ConnectionRecord) -> Result<Session, Trouble> {
        let mapping = Mapping::compile(&record.settings.mapping).map_err(|problems| {
            let first = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
            StoreError::corrupt("connections.settings", first)
        })?;
        let filter = record.settings.scope.filter.as_deref().map(Expression::parse).transpose();
        let filter = filter.map_err(|error| StoreError::corrupt("connections.settings", error))?;
        let read_by_filter = filter.iter().flat_map(Expression::attributes).map(str::to_owned);
        let properties = mapping.properties().into_iter().chain(read_by_filter);
        let selection = Selection::new(properties, record.settings.managers);
        let graph = self.client.session(record.id.clone(), record.tenant, self.credentials(&record)?);
        let rules = Arc::new(Rules { mapping, required: record.settings.required.clone(), filter });
        Ok(Session { record: Arc::new(record), rules, graph, selection })
    }

    fn credentials(&self, record: &ConnectionRecord) -> Result<Credentials, Trouble> {
        if let (Some(client_id), Some(sealed)) = (&record.client_id, &record.credential) {
            let secret = self.keyring.open(&record.id, CLIENT_SECRET, sealed)?;
            return Ok(Credentials { client_id: client_id.clone(), secret: CredentialSecret::ClientSecret(secret) });
        }
        let service = self.service.as_ref().ok_or(Trouble::NoCredentials)?;
        Ok(Credentials {
            client_id: service.client_id.clone(),
            secret: CredentialSecret::ClientSecret(service.client_secret.clone()),
        })
    }
}
