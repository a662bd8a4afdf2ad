//! Teams of a connection and their members.

use actix_web::web::{Data, Json, Path, Query};

use super::Api;
use super::accounts::read_page;
use crate::directory::TeamId;
use crate::directory::views::{AccountView, TeamView};
use crate::http::errors::{Problem, ProblemBody};
use crate::http::paging::{Page, PageQuery};
use crate::store::pages::accounts::AccountFilter;
use crate::store::pages::teams;

/// Lists teams by id, ended ones included.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/teams", tag = "teams",
    params(
        ("connection" = String, Path, description = "The connection's id"),
        ("limit" = Option<u16>, Query, description = "1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, description = "A page of teams", body = Page<TeamView>),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection", body = ProblemBody),
    ))]
pub async fn list(
    api: Data<Api>,
    connection: Path<String>,
    page: Query<PageQuery>,
) -> Result<Json<Page<TeamView>>, Problem> {
    let request = page.check("teams", 1)?;
    let after = request.key::<TeamId>(0)?;
    let limit = request.limit_plus_one();
    let rows = api.read_of(&connection, move |db, id| teams::page(db, id, after, limit)).await?;
    Ok(Json(request.page(rows, |team| vec![team.id.to_string()])))
}

/// Shows a team, by its id or by the object id of its group.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/teams/{team}", tag = "teams",
    params(
        ("connection" = String, Path, description = "The connection's id"),
        ("team" = String, Path, description = "The team's id or its group's object id"),
    ),
    responses(
        (status = 200, description = "The team", body = TeamView),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection or team", body = ProblemBody),
    ))]
pub async fn show(api: Data<Api>, path: Path<(String, String)>) -> Result<Json<TeamView>, Problem> {
    let (connection, team) = path.into_inner();
    find(&api, &connection, &team).await.map(Json)
}

async fn find(api: &Api, connection: &str, team: &str) -> Result<TeamView, Problem> {
    let wanted = team.to_owned();
    let found = api.read_of(connection, move |db, id| teams::get(db, id, &wanted)).await?;
    found.ok_or_else(|| Problem::not_found("team", team))
}

/// Lists the members of a team as accounts, by id.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/teams/{team}/members", tag = "teams",
    params(
        ("connection" = String, Path, description = "The connection's id"),
        ("team" = String, Path, description = "The team's id or its group's object id"),
        ("limit" = Option<u16>, Query, description = "1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, description = "A page of accounts", body = Page<AccountView>),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection or team", body = ProblemBody),
    ))]
pub async fn members(
    api: Data<Api>,
    path: Path<(String, String)>,
    page: Query<PageQuery>,
) -> Result<Json<Page<AccountView>>, Problem> {
    let (connection, team) = path.into_inner();
    let request = page.check("members", 1)?;
    let team = find(&api, &connection, &team).await?;
    let filter = AccountFilter { team: Some(team.id), ..AccountFilter::default() };
    read_page(&api, &connection, filter, request).await
}
