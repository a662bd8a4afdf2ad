//! Full listings, page by page.

use crate::directory::source::SourceUser;

use super::answer::Answer;
use super::call::Call;
use super::errors::GraphError;
use super::links::{self, NextLink};
use super::meter::cost;
use super::selection::{Address, Selection};
use super::session::Graph;
use super::wire::{self, Collection};

/// Graph gives no more on one page. Graph: user-list.
pub const PAGE_SIZE_MAX: u16 = 999;

/// Codes that say a page token is too old, in lower case; Graph's `Directory_ExpiredPageToken`.
pub(super) const EXPIRED_PAGE_CODES: [&str; 2] = ["pagetoken", "skiptoken"];

/// One page of a walk. The listing is complete only after the page without `next`.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The items; a page may be empty and still have a next one.
    pub items: Vec<T>,
    /// Where the next page is; `None` on the last.
    pub next: Option<NextLink>,
}

impl Graph {
    /// A page of all users, without soft-deleted ones: the first, or the one behind `next`. A page has at most
    /// `page_size_max` users, between 1 and [`PAGE_SIZE_MAX`]. With a next link the selection must be the one the walk
    /// began with. [`GraphError::PageExpired`] means that the walk must start over.
    pub async fn users_page(
        &self,
        next: Option<&NextLink>,
        selection: &Selection,
        page_size_max: u16,
    ) -> Result<Page<SourceUser>, GraphError> {
        let first = Address::new("/users")
            .with("$select", &selection.select())
            .with("$top", &page_size_max.clamp(1, PAGE_SIZE_MAX).to_string());
        let (first, unit_cost) = match selection.expand() {
            Some(expand) => (first.with("$expand", expand), cost::USERS_WITH_MANAGERS),
            None => (first, cost::USERS),
        };
        let answer = self.listing("users_page", &first, next, unit_cost).await?;
        self.page(expiry_aware(answer, next)?, next, |item| wire::user(item, selection.managers()))
    }

    /// Sends for the first page or the one behind `next`.
    pub(super) async fn listing(
        &self,
        operation: &'static str,
        first: &Address,
        next: Option<&NextLink>,
        unit_cost: u32,
    ) -> Result<Answer, GraphError> {
        let url = match next {
            Some(link) => links::address(link.as_str(), self.base())?,
            None => self.url(first),
        };
        self.send(&Call::get(operation, url).costing(unit_cost)).await
    }

    /// Reads a page of which every item must be readable.
    pub(super) fn page<T>(
        &self,
        answer: Answer,
        followed: Option<&NextLink>,
        read: impl Fn(wire::Item) -> Result<T, GraphError>,
    ) -> Result<Page<T>, GraphError> {
        let page: Collection = answer.decode()?;
        let items = page.value.into_iter().map(read).collect::<Result<_, _>>()?;
        let next = page.next.map(|link| links::next(link, followed.map(NextLink::as_str), self.base())).transpose()?;
        Ok(Page { items, next })
    }
}

/// Tells a page token that is too old from other refusals.
pub(super) fn expiry_aware(answer: Answer, followed: Option<&NextLink>) -> Result<Answer, GraphError> {
    let may_expire = followed.is_some() && matches!(answer.status, 400 | 404 | 410);
    if may_expire && (answer.status == 410 || answer.refusal().has_code_like(&EXPIRED_PAGE_CODES)) {
        return Err(GraphError::PageExpired);
    }
    Ok(answer)
}
