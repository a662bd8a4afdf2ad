//! The data keys of this database, wrapped by the master key of the settings.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};

use super::db::Db;
use super::db_connection::DbConnection;
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::secrets::{KeyVersion, Keyring, MasterKeys, SecretsError, WrappedKey};

/// The keyring cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys are there and do not open.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = BigInt)]
    key_version: i64,
    #[diesel(sql_type = Binary)]
    wrapped: Vec<u8>,
}

/// Opens the data keys; the first start on a database makes version 1.
///
/// What only the previous master key opened is wrapped again under the current one, so that the previous one can be
/// taken out of the settings afterwards.
///
/// # Errors
/// [`SecretsError::WrongMasterKey`] when the database was written under another master key.
pub async fn load_or_create(db: &Db, master: &MasterKeys, now: Timestamp) -> Result<Keyring, KeysError> {
    let first = Keyring::new_random().wrap(&master.current, KeyVersion::FIRST)?;
    let stored = db.write(move |db| first_or_stored(db, &first, now)).await?;
    let current = stored.iter().map(|key| key.version).max().unwrap_or(KeyVersion::FIRST);
    let unlocked = Keyring::unlock(master, current, stored)?;
    if !unlocked.rewrapped.is_empty() {
        let rewrapped = unlocked.rewrapped;
        db.write(move |db| rewrapped.iter().try_for_each(|key| replace(db, key))).await?;
    }
    Ok(unlocked.keyring)
}

/// Two processes may start on an empty database at once: whichever row is there first is the key of both.
fn first_or_stored(db: &mut DbConnection, first: &WrappedKey, now: Timestamp) -> Result<Vec<WrappedKey>, StoreError> {
    let stored = all(db)?;
    if !stored.is_empty() {
        return Ok(stored);
    }
    insert(db, first, now)?;
    all(db)
}

/// Adds a data key; a row of the same version stays as it is.
pub fn insert(db: &mut DbConnection, key: &WrappedKey, now: Timestamp) -> Result<(), StoreError> {
    diesel::sql_query(
        "INSERT INTO data_keys (key_version, wrapped, created_at) VALUES ($1, $2, $3) \
         ON CONFLICT (key_version) DO NOTHING",
    )
    .bind::<BigInt, _>(i64::from(key.version.0))
    .bind::<Binary, _>(&key.bytes)
    .bind::<BigInt, _>(now.0)
    .execute(db)?;
    Ok(())
}

/// Every data key as it is stored, oldest first.
pub fn all(db: &mut DbConnection) -> Result<Vec<WrappedKey>, StoreError> {
    let rows: Vec<KeyRow> =
        diesel::sql_query("SELECT key_version, wrapped FROM data_keys ORDER BY key_version").load(db)?;
    rows.into_iter().map(KeyRow::wrapped).collect()
}

fn replace(db: &mut DbConnection, key: &WrappedKey) -> Result<(), StoreError> {
    diesel::sql_query("UPDATE data_keys SET wrapped = $1 WHERE key_version = $2")
        .bind::<Binary, _>(&key.bytes)
        .bind::<BigInt, _>(i64::from(key.version.0))
        .execute(db)?;
    Ok(())
}

impl KeyRow {
    fn wrapped(self) -> Result<WrappedKey, StoreError> {
        Ok(WrappedKey { version: key_version(self.key_version, "data_keys.key_version")?, bytes: self.wrapped })
    }
}

/// A stored key version.
pub(super) fn key_version(value: i64, column: &'static str) -> Result<KeyVersion, StoreError> {
    i32::try_from(value).map(KeyVersion).map_err(|error| StoreError::corrupt(column, error))
}
