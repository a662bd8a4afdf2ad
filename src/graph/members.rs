//! The direct members of a group.

use crate::directory::ObjectId;
use crate::directory::source::{Absence, Member, Observed};

use super::errors::GraphError;
use super::links::NextLink;
use super::listings::{PAGE_SIZE_MAX, Page, expiry_aware};
use super::meter::cost;
use super::selection::Address;
use super::session::Graph;
use super::wire;

impl Graph {
    /// A page of a group's direct members: the first, or the one behind `next`. A group that Graph does not find is
    /// absent, which is not the same as empty. Graph's v1.0 leaves service principals out. Graph: group-list-members.
    pub async fn members_page(
        &self,
        group: ObjectId,
        next: Option<&NextLink>,
    ) -> Result<Observed<Page<Member>>, GraphError> {
        let first = Address::new(format!("/groups/{group}/members"))
            .with("$select", "id")
            .with("$top", &PAGE_SIZE_MAX.to_string());
        let answer = self.listing("members_page", &first, next, cost::MEMBERS).await?;
        let answer = expiry_aware(answer, next)?;
        if answer.is_not_found() {
            return Ok(Observed::Absent(Absence::NotFound));
        }
        self.page(answer, next, |item| wire::member(&item)).map(Observed::Present)
    }
}
