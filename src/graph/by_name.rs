//! Finding a person by user principal name.

use crate::directory::ObjectId;

use super::call::Call;
use super::errors::GraphError;
use super::meter::cost;
use super::selection::Address;
use super::session::Graph;
use super::wire::{self, Collection};

impl Graph {
    /// The object id of the user with this user principal name, compared without case; `None` when nobody has it.
    /// Graph: user-list, `$filter`.
    pub async fn user_id_by_name(&self, name: &str) -> Result<Option<ObjectId>, GraphError> {
        let filter = format!("userPrincipalName eq '{}'", name.replace('\'', "''"));
        let address = Address::new("/users").with("$select", "id").with("$filter", &filter);
        let call = Call::get("user_by_name", self.url(&address)).costing(cost::USERS);
        let found: Collection = self.send(&call).await?.decode()?;
        found.value.first().map(wire::id_of).transpose()
    }
}
