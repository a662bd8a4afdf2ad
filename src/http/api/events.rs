//! The event feed of a connection.

use actix_web::web::{Data, Json, Path, Query};
use serde::Deserialize;

use super::{Api, connection_id};
use crate::http::errors::{Problem, ProblemBody};
use crate::http::paging::{Page, PageQuery};
use crate::store::DbConnection;
use crate::store::pages::events::{self, EventView};

/// Where to go on.
#[derive(Debug, Deserialize)]
pub struct AfterQuery {
    after: Option<String>,
}

/// Lists events, oldest first; also those of a connection that was removed.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/events", tag = "events",
    params(
        ("connection" = String, Path, description = "The connection's id"),
        ("after" = Option<i64>, Query, description = "The sequence of the last event that is known; left out, the oldest kept event comes first"),
        ("limit" = Option<u16>, Query, description = "1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before, instead of after"),
    ),
    responses(
        (status = 200, description = "A page of events", body = Page<EventView>),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection", body = ProblemBody),
        (status = 410, description = "Older than what is kept; names the oldest", body = ProblemBody),
    ))]
pub async fn list(
    api: Data<Api>,
    connection: Path<String>,
    query: Query<AfterQuery>,
    page: Query<PageQuery>,
) -> Result<Json<Page<EventView>>, Problem> {
    let id = connection_id(&connection)?;
    let request = page.check("events", 1)?;
    let after = match request.key::<i64>(0)? {
        Some(after) => Some(after),
        None => query.into_inner().check()?,
    };
    let limit = request.limit_plus_one();
    // The range is read last: an event that is pruned in between then shows as gone instead of being skipped.
    let read = move |db: &mut DbConnection| {
        Ok((events::page(db, &id, after.unwrap_or_default(), limit)?, events::range(db, &id)?))
    };
    let (rows, range) = api.db.read(read).await?;
    let range = range.ok_or_else(|| Problem::not_found("connection", &connection))?;
    if after.is_some_and(|after| after + 1 < range.oldest) {
        return Err(Problem::gone(range.oldest));
    }
    Ok(Json(request.page(rows, |event| vec![event.sequence.to_string()])))
}

impl AfterQuery {
    fn check(self) -> Result<Option<i64>, Problem> {
        let after = self.after.filter(|text| !text.is_empty());
        let sequence = |text: String| text.parse::<i64>().ok().filter(|after| (0..i64::MAX).contains(after));
        match after {
            None => Ok(None),
            Some(text) => sequence(text).map(Some).ok_or_else(|| {
                Problem::bad_parameter("after", "must be the sequence of an event, or 0 for the beginning")
            }),
        }
    }
}
