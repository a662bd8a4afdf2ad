//! What the intake needs to know of connections: whose tenant, and signed with which data keys.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::db_connection::DbConnection;
use super::error::StoreError;
use crate::directory::{ConnectionId, TenantId};
use crate::secrets::KeyVersion;

/// A data key under which a live subscription of a connection was signed; or none, when it has no subscription yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedWith {
    /// The connection.
    pub connection: ConnectionId,
    /// Its tenant.
    pub tenant: TenantId,
    /// The data key.
    pub key_version: Option<KeyVersion>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    connection_id: String,
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    client_state_key_version: Option<i64>,
}

/// Every connection with a tenant, with each key version its subscriptions carry.
pub fn signed_with(db: &mut DbConnection) -> Result<Vec<SignedWith>, StoreError> {
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT DISTINCT connections.connection_id, connections.tenant_id, subscriptions.client_state_key_version \
         FROM connections LEFT JOIN subscriptions ON subscriptions.connection_id = connections.connection_id \
         WHERE connections.tenant_id <> ''",
    )
    .load(db)?;
    rows.into_iter().map(Row::read).collect()
}

impl Row {
    fn read(self) -> Result<SignedWith, StoreError> {
        let connection = self.connection_id.parse();
        let tenant = self.tenant_id.parse();
        let key_version = self.client_state_key_version.map(i32::try_from).transpose();
        Ok(SignedWith {
            connection: connection.map_err(|error| StoreError::corrupt("connections.connection_id", error))?,
            tenant: tenant.map_err(|error| StoreError::corrupt("connections.tenant_id", error))?,
            key_version: key_version
                .map_err(|error| StoreError::corrupt("subscriptions.client_state_key_version", error))?
                .map(KeyVersion),
        })
    }
}
