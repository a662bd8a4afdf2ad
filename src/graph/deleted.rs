//! Looking up among the deleted items what the directory no longer shows. Graph: directory-deleteditems-get.

use std::collections::HashMap;

use crate::directory::ObjectId;
use crate::directory::source::Absence;

use super::answer::Answer;
use super::errors::GraphError;
use super::meter::cost;
use super::selection::Address;
use super::session::Graph;
use super::wire::{self, Item};

impl Graph {
    /// How absent each of `ids` is. Fails as a whole if that is unknown for one of them.
    pub(super) async fn absences(&self, ids: &[ObjectId]) -> Result<HashMap<ObjectId, Absence>, GraphError> {
        let addresses: Vec<Address> =
            ids.iter().map(|id| Address::new(format!("/directory/deletedItems/{id}")).with("$select", "id")).collect();
        let answers = self.get_many("deleted_item", &addresses, cost::OTHER).await?;
        ids.iter().zip(answers).map(|(id, answer)| Ok((*id, absence(*id, answer)?))).collect()
    }
}

fn absence(id: ObjectId, answer: Answer) -> Result<Absence, GraphError> {
    if answer.is_not_found() {
        return Ok(Absence::NotFound);
    }
    let item: Item = answer.decode()?;
    if wire::id_of(&item)? == id {
        Ok(Absence::SoftDeleted)
    } else {
        Err(GraphError::Protocol("a deleted item is not the one asked for"))
    }
}
