//! Accounts of a connection.

use actix_web::web::{Data, Json, Path, Query};
use serde::Deserialize;

use super::Api;
use crate::directory::views::AccountView;
use crate::directory::{AccountId, TeamId};
use crate::http::errors::{Problem, ProblemBody};
use crate::http::paging::{Page, PageQuery, PageRequest};
use crate::store::pages::accounts::{self, AccountFilter};

/// The longest text that is searched for: longer than any user name.
const SEARCH_LENGTH_MAX: usize = 256;

/// Which accounts to list.
#[derive(Debug, Deserialize)]
pub struct FilterQuery {
    active: Option<String>,
    q: Option<String>,
    team: Option<String>,
}

/// Lists accounts by id.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/accounts", tag = "accounts",
    params(
        ("connection" = String, Path, description = "The connection's id"),
        ("active" = Option<bool>, Query, description = "Only active ones, or only those that are not"),
        ("q" = Option<String>, Query, description = "Part of a user name, e-mail address or name"),
        ("team" = Option<uuid::Uuid>, Query, description = "Only members of this team"),
        ("limit" = Option<u16>, Query, description = "1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, description = "A page of accounts", body = Page<AccountView>),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection", body = ProblemBody),
    ))]
pub async fn list(
    api: Data<Api>,
    connection: Path<String>,
    filter: Query<FilterQuery>,
    page: Query<PageQuery>,
) -> Result<Json<Page<AccountView>>, Problem> {
    let filter = filter.into_inner().check()?;
    let request = page.check("accounts", 1)?;
    read_page(&api, &connection, filter, request).await
}

pub(super) async fn read_page(
    api: &Api,
    connection: &str,
    filter: AccountFilter,
    request: PageRequest,
) -> Result<Json<Page<AccountView>>, Problem> {
    let after = request.key::<AccountId>(0)?;
    let limit = request.limit_plus_one();
    let rows = api.read_of(connection, move |db, id| accounts::page(db, id, &filter, after, limit)).await?;
    Ok(Json(request.page(rows, |account| vec![account.id.to_string()])))
}

/// Shows an account, by its id or by the Entra object id of its person.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/accounts/{account}", tag = "accounts",
    params(
        ("connection" = String, Path, description = "The connection's id"),
        ("account" = String, Path, description = "The account's id or its person's object id"),
    ),
    responses(
        (status = 200, description = "The account", body = AccountView),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection or account", body = ProblemBody),
    ))]
pub async fn show(api: Data<Api>, path: Path<(String, String)>) -> Result<Json<AccountView>, Problem> {
    let (connection, account) = path.into_inner();
    let wanted = account.clone();
    let found = api.read_of(&connection, move |db, id| accounts::get(db, id, &wanted)).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("account", &account))
}

impl FilterQuery {
    fn check(self) -> Result<AccountFilter, Problem> {
        let active = match self.active.as_deref() {
            None | Some("") => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => return Err(Problem::bad_parameter("active", "must be true or false")),
        };
        let text = self.q.filter(|text| !text.is_empty());
        if text.as_ref().is_some_and(|text| text.len() > SEARCH_LENGTH_MAX) {
            return Err(Problem::bad_parameter("q", format!("must not be longer than {SEARCH_LENGTH_MAX} bytes")));
        }
        let team = self.team.filter(|text| !text.is_empty());
        let team = team.map(|text| text.parse::<TeamId>()).transpose();
        let team = team.map_err(|error| Problem::bad_parameter("team", error.to_string()))?;
        Ok(AccountFilter { active, text, team })
    }
}
