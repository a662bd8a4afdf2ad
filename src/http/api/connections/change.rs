//! Writing connections: each act in one transaction.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::document::{Document, merge, written};
use crate::clock::Timestamp;
use crate::directory::rules::{ConnectionSettings, FieldError};
use crate::directory::{ConnectionId, ids};
use crate::http::api::{Api, ServiceRegistration};
use crate::http::errors::Problem;
use crate::reconcile::schedule;
use crate::secrets::{Keyring, Sealed};
use crate::store::connections::{self, CLIENT_SECRET, ConnectionRecord, Stored};
use crate::store::schedules::{self, Schedule};
use crate::store::{DbConnection, StoreError};

/// How many connections may have names that give the same id.
const SAME_NAME_MAX: u32 = 1_000;

/// Stores a new connection.
pub async fn create(api: &Api, mut object: Map<String, Value>) -> Result<ConnectionRecord, Problem> {
    let start = match object.remove("start") {
        None | Some(Value::Null) => Ok(true),
        Some(Value::Bool(start)) => Ok(start),
        Some(_) => Err(FieldError::new("start", "must be true or false")),
    };
    let checked = Document::check(object);
    let (start, document) = match (start, checked) {
        (Ok(start), Ok(document)) => (start, document),
        (start, checked) => {
            let errors = checked.err().into_iter().flatten().chain(start.err());
            return Err(Problem::unprocessable(errors.collect()));
        }
    };
    let secret = new_credentials(&document, &api.service_registration)?;
    let new = NewConnection { document, secret, paused: !start, now: api.clock.now() };
    let keyring = Arc::clone(&api.keyring);
    let service = api.service_registration.client_id.clone();
    api.db.write(move |db| new.store(db, &keyring, service.as_deref())).await?
}

/// The secret to seal; without credentials the service's own registration must be able to sign in.
fn new_credentials(document: &Document, service: &ServiceRegistration) -> Result<Option<SecretString>, Problem> {
    match &document.credentials {
        Some(given) if given.client_secret.is_none() => {
            Err(one_error("credentials.client_secret", "is required with a client_id"))
        }
        Some(given) => Ok(given.client_secret.clone()),
        None if service.has_credential => Ok(None),
        None => Err(one_error(
            "credentials",
            "give client_id and client_secret, or set ROLLCALL_CLIENT_ID and ROLLCALL_CLIENT_SECRET for the service's \
             own app registration: there is none",
        )),
    }
}

struct NewConnection {
    document: Document,
    secret: Option<SecretString>,
    paused: bool,
    now: Timestamp,
}

impl NewConnection {
    fn store(
        &self,
        db: &mut DbConnection,
        keyring: &Keyring,
        service: Option<&str>,
    ) -> Result<Result<ConnectionRecord, Problem>, StoreError> {
        connections::lock(db)?;
        let id = match &self.document.id {
            Some(id) => id.clone(),
            None => match free_id(db, &self.document.name)? {
                Some(id) => id,
                None => return Ok(Err(Problem::conflict("Too many connections have this name; give an id."))),
            },
        };
        let credential = match seal(keyring, &id, self.secret.as_ref()) {
            Ok(credential) => credential,
            Err(problem) => return Ok(Err(problem)),
        };
        let record = ConnectionRecord {
            id,
            tenant: self.document.tenant,
            name: self.document.name.clone(),
            client_id: self.document.credentials.as_ref().map(|given| given.client_id.clone()),
            settings: self.document.settings.clone(),
            credential,
            paused: self.paused,
            created_at: self.now,
            updated_at: self.now,
        };
        let stored = connections::create(db, &record, service)?;
        Ok(outcome(stored, record))
    }
}

fn seal(keyring: &Keyring, id: &ConnectionId, secret: Option<&SecretString>) -> Result<Option<Sealed>, Problem> {
    Ok(secret.map(|secret| keyring.seal(id, CLIENT_SECRET, secret)).transpose()?)
}

fn outcome(stored: Stored, record: ConnectionRecord) -> Result<ConnectionRecord, Problem> {
    match stored {
        Stored::Done => Ok(record),
        Stored::IdTaken => {
            Err(Problem::conflict(format!("There is a connection with the id {:?}.", record.id.as_str())))
        }
        Stored::SameRegistration { id, name } => Err(Problem::conflict(format!(
            "The connection {:?} ({name}) has the same tenant and application. Graph allows one subscription for each: \
             change that connection, or give credentials of another app registration.",
            id.as_str()
        ))),
        Stored::Missing => Err(Problem::not_found("connection", record.id.as_str())),
    }
}

/// An id made from a name that no connection has yet.
fn free_id(db: &mut DbConnection, name: &str) -> Result<Option<ConnectionId>, StoreError> {
    let base = slug(name);
    for number in 1..=SAME_NAME_MAX {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let kept = base.get(..ids::CONNECTION_ID_LENGTH_MAX - suffix.len()).unwrap_or(&base).trim_end_matches('-');
        let id = format!("{kept}{suffix}").parse().map_err(|error| StoreError::corrupt("connection_id", error))?;
        if connections::get(db, &id)?.is_none() {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

fn slug(name: &str) -> String {
    let words = name.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    if slug.is_empty() { "connection".to_owned() } else { slug }
}

/// What a change did.
#[derive(Debug)]
pub struct Changed {
    /// The connection as it is now.
    pub record: ConnectionRecord,
    /// Whether who is provisioned, or with what, may have changed: a full run is due.
    pub rescan: bool,
}

/// Applies a merge patch to a connection.
pub async fn change(api: &Api, id: &ConnectionId, patch: Map<String, Value>) -> Result<Changed, Problem> {
    let id = id.clone();
    let keyring = Arc::clone(&api.keyring);
    let service = api.service_registration.clone();
    let now = api.clock.now();
    api.db.write(move |db| apply(db, &id, &patch, &keyring, &service, now)).await?
}

fn apply(
    db: &mut DbConnection,
    id: &ConnectionId,
    patch: &Map<String, Value>,
    keyring: &Keyring,
    service: &ServiceRegistration,
    now: Timestamp,
) -> Result<Result<Changed, Problem>, StoreError> {
    connections::lock(db)?;
    let Some(before) = connections::get(db, id)? else {
        return Ok(Err(Problem::not_found("connection", id.as_str())));
    };
    let mut after = match patched(&before, patch, keyring, service) {
        Ok(after) => after,
        Err(problem) => return Ok(Err(problem)),
    };
    after.updated_at = now;
    let rescan = needs_rescan(&before.settings, &after.settings);
    let stored = connections::update(db, &after, service.client_id.as_deref())?;
    if before.settings.reconcile != after.settings.reconcile && matches!(stored, Stored::Done) {
        reschedule(db, &after, now)?;
    }
    Ok(outcome(stored, after).map(|record| Changed { record, rescan }))
}

/// Moves the nightly reconcile to its new time; before the end of the initial cycle there is none.
fn reschedule(db: &mut DbConnection, record: &ConnectionRecord, now: Timestamp) -> Result<(), StoreError> {
    if connections::state(db, &record.id)?.is_none_or(|state| state.initial_cycle_at.is_none()) {
        return Ok(());
    }
    let next = schedule::next(&record.settings.reconcile, &record.id, now);
    schedules::set_due(db, &record.id, Schedule::Reconcile, Some(next))
}

fn patched(
    before: &ConnectionRecord,
    patch: &Map<String, Value>,
    keyring: &Keyring,
    service: &ServiceRegistration,
) -> Result<ConnectionRecord, Problem> {
    let mut object = written(before);
    merge(&mut object, patch.clone());
    // Null would leave a registration that cannot sign in; a merged document no longer shows it.
    let cleared = patch.get("credentials").and_then(|given| given.get("client_secret")).is_some_and(Value::is_null);
    if cleared {
        return Err(one_error("credentials.client_secret", "cannot be cleared; set credentials to null instead"));
    }
    let document = Document::check(object).map_err(Problem::unprocessable)?;
    if document.id.as_ref().is_some_and(|id| *id != before.id) {
        return Err(one_error("id", "cannot be changed"));
    }
    if document.tenant != before.tenant {
        let message = "cannot be changed: accounts belong to people of this tenant; create another connection";
        return Err(one_error("tenant_id", message));
    }
    let client_id = document.credentials.as_ref().map(|given| given.client_id.clone());
    let kept = client_id.is_some() && client_id == before.client_id;
    let given_secret = document.credentials.as_ref().is_some_and(|given| given.client_secret.is_some());
    let credential = if given_secret || !kept {
        seal(keyring, &before.id, new_credentials(&document, service)?.as_ref())?
    } else {
        before.credential.clone()
    };
    Ok(ConnectionRecord { name: document.name, client_id, credential, settings: document.settings, ..before.clone() })
}

/// Scope, mapping, teams, managers and photos decide over everybody; the rest does not.
fn needs_rescan(before: &ConnectionSettings, after: &ConnectionSettings) -> bool {
    before.scope != after.scope
        || before.mapping != after.mapping
        || before.required != after.required
        || before.teams != after.teams
        || before.managers != after.managers
        || before.photos != after.photos
}

fn one_error(field: &str, message: &str) -> Problem {
    Problem::unprocessable(vec![FieldError::new(field, message)])
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn an_id_is_made_of_the_letters_and_digits_of_the_name() {
        for (name, id) in
            [("Contoso", "contoso"), ("  Contoso  (EU) Ltd. 2 ", "contoso-eu-ltd-2"), ("日本", "connection")]
        {
            assert_eq!(slug(name), id);
        }
    }
}
