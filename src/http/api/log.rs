//! The provisioning log of a connection.

use actix_web::web::{Data, Json, Path, Query};
use serde::Deserialize;

use super::Api;
use crate::clock::Timestamp;
use crate::http::errors::{Problem, ProblemBody};
use crate::http::paging::{Page, PageQuery};
use crate::store::pages::log::{self, LogEntryView, LogFilter};

/// The actions a log entry may have.
const ACTIONS: [&str; 8] = ["create", "update", "disable", "enable", "delete", "add_member", "remove_member", "none"];

/// The outcomes a log entry may have.
const STATUSES: [&str; 4] = ["success", "failure", "skipped", "warning"];

/// Which entries to list.
#[derive(Debug, Deserialize)]
pub struct FilterQuery {
    action: Option<String>,
    status: Option<String>,
    object: Option<String>,
    since: Option<String>,
}

/// Lists the provisioning log, newest first.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/log", tag = "log",
    params(
        ("connection" = String, Path, description = "The connection's id"),
        ("action" = Option<String>, Query, description = "create, update, disable, enable, delete, add_member, remove_member or none"),
        ("status" = Option<String>, Query, description = "success, failure, skipped or warning"),
        ("object" = Option<String>, Query, description = "The object's id"),
        ("since" = Option<String>, Query, description = "RFC 3339: only from this instant on"),
        ("limit" = Option<u16>, Query, description = "1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, description = "A page of log entries", body = Page<LogEntryView>),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection", body = ProblemBody),
    ))]
pub async fn list(
    api: Data<Api>,
    connection: Path<String>,
    filter: Query<FilterQuery>,
    page: Query<PageQuery>,
) -> Result<Json<Page<LogEntryView>>, Problem> {
    let filter = filter.into_inner().check()?;
    let request = page.check("log", 1)?;
    let before = request.key::<i64>(0)?;
    let limit = request.limit_plus_one();
    let rows = api.read_of(&connection, move |db, id| log::page(db, id, &filter, before, limit)).await?;
    Ok(Json(request.page(rows, |entry| vec![entry.id.clone()])))
}

impl FilterQuery {
    fn check(self) -> Result<LogFilter, Problem> {
        let since = self.since.filter(|text| !text.is_empty());
        let since = since.map(|text| Timestamp::parse_rfc3339(&text).ok_or(())).transpose().map_err(|()| {
            Problem::bad_parameter("since", "must be an RFC 3339 instant such as 2026-11-21T00:00:00Z")
        })?;
        Ok(LogFilter {
            action: one_of("action", self.action, &ACTIONS)?,
            status: one_of("status", self.status, &STATUSES)?,
            object: self.object.filter(|text| !text.is_empty()),
            since,
        })
    }
}

fn one_of(name: &str, value: Option<String>, words: &[&str]) -> Result<Option<String>, Problem> {
    let value = value.filter(|text| !text.is_empty());
    if value.as_deref().is_none_or(|word| words.contains(&word)) {
        Ok(value)
    } else {
        Err(Problem::bad_parameter(name, format!("must be one of {}", words.join(", "))))
    }
}
