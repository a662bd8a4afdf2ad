//! Connections: created, shown, changed, paused and removed.

pub mod body;
mod change;
pub mod document;
pub mod schema;
mod status;
mod values;
pub mod view;

pub use status::status_of;

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use actix_web::web::{Bytes, Data, Json, Path, Query};

use super::{Api, connection_id};
use crate::directory::ConnectionId;
use crate::http::errors::{Problem, ProblemBody};
use crate::http::paging::{Page, PageQuery};
use crate::store::connections::{self, Removal};
use schema::NewConnectionSchema;
use view::ConnectionView;

/// Creates a connection, which starts at once unless `start` is false.
#[utoipa::path(post, path = "/api/v1/connections", tag = "connections",
    request_body = NewConnectionSchema,
    responses(
        (status = 201, description = "Created", body = ConnectionView),
        (status = 400, description = "Not JSON", body = ProblemBody),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 409, description = "Another connection has the id, or the same tenant and application", body = ProblemBody),
        (status = 422, description = "Fields are wrong", body = ProblemBody),
    ))]
pub async fn create(api: Data<Api>, bytes: Bytes) -> Result<HttpResponse, Problem> {
    let record = change::create(&api, body::object(&bytes)?).await?;
    tracing::info!(connection.id = %record.id, "A connection was created");
    if !record.paused {
        api.operations.connection_created(&record.id).await;
    }
    let location = format!("/api/v1/connections/{}", record.id);
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(view::view(&api, record).await?))
}

/// Lists connections by id.
#[utoipa::path(get, path = "/api/v1/connections", tag = "connections",
    params(
        ("limit" = Option<u16>, Query, description = "1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, description = "A page of connections", body = Page<ConnectionView>),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 401, description = "No valid token", body = ProblemBody),
    ))]
pub async fn list(api: Data<Api>, page: Query<PageQuery>) -> Result<Json<Page<ConnectionView>>, Problem> {
    let request = page.check("connections", 1)?;
    let after = request.key::<ConnectionId>(0)?;
    let limit = request.limit_plus_one();
    let records = api.db.read(move |db| connections::list(db, after.as_ref(), limit)).await?;
    let records = request.page(records, |record| vec![record.id.to_string()]);
    let items = view::views(&api, records.items).await?;
    Ok(Json(Page { items, next_cursor: records.next_cursor }))
}

/// Shows a connection.
#[utoipa::path(get, path = "/api/v1/connections/{connection}", tag = "connections",
    params(("connection" = String, Path, description = "The connection's id")),
    responses(
        (status = 200, description = "The connection", body = ConnectionView),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection", body = ProblemBody),
    ))]
pub async fn show(api: Data<Api>, connection: Path<String>) -> Result<Json<ConnectionView>, Problem> {
    read(&api, &connection_id(&connection)?).await.map(Json)
}

/// Changes a connection by a JSON merge patch (RFC 7396); a change of scope, mapping, teams, managers or photos queues a
/// full run.
#[utoipa::path(patch, path = "/api/v1/connections/{connection}", tag = "connections",
    params(("connection" = String, Path, description = "The connection's id")),
    request_body(content = Object, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The connection", body = ConnectionView),
        (status = 400, description = "Not JSON", body = ProblemBody),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection", body = ProblemBody),
        (status = 409, description = "Another connection has the same tenant and application", body = ProblemBody),
        (status = 422, description = "Fields are wrong", body = ProblemBody),
    ))]
pub async fn change(api: Data<Api>, connection: Path<String>, bytes: Bytes) -> Result<Json<ConnectionView>, Problem> {
    let id = connection_id(&connection)?;
    let changed = change::change(&api, &id, body::object(&bytes)?).await?;
    tracing::info!(connection.id = %id, rescan = changed.rescan, "A connection was changed");
    api.operations.connection_changed(&id, changed.rescan).await;
    view::view(&api, changed.record).await.map(Json)
}

/// Pauses a connection: it still accepts, stores and renews, and applies nothing.
#[utoipa::path(post, path = "/api/v1/connections/{connection}/pause", tag = "connections",
    params(("connection" = String, Path, description = "The connection's id")),
    responses(
        (status = 200, description = "The connection", body = ConnectionView),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection", body = ProblemBody),
    ))]
pub async fn pause(api: Data<Api>, connection: Path<String>) -> Result<Json<ConnectionView>, Problem> {
    let id = connection_id(&connection)?;
    set_paused(&api, &id, true).await?;
    api.operations.connection_changed(&id, false).await;
    read(&api, &id).await.map(Json)
}

/// Resumes a paused connection; one that never ran starts.
#[utoipa::path(post, path = "/api/v1/connections/{connection}/resume", tag = "connections",
    params(("connection" = String, Path, description = "The connection's id")),
    responses(
        (status = 200, description = "The connection", body = ConnectionView),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection", body = ProblemBody),
    ))]
pub async fn resume(api: Data<Api>, connection: Path<String>) -> Result<Json<ConnectionView>, Problem> {
    let id = connection_id(&connection)?;
    set_paused(&api, &id, false).await?;
    let state = api.read_of(&connection, connections::state).await?;
    if state.is_some_and(|state| state.initial_cycle_at.is_some()) {
        api.operations.connection_changed(&id, false).await;
    } else {
        api.operations.connection_created(&id).await;
    }
    read(&api, &id).await.map(Json)
}

/// Removes a connection with everything it has, except its events.
#[utoipa::path(delete, path = "/api/v1/connections/{connection}", tag = "connections",
    params(("connection" = String, Path, description = "The connection's id")),
    responses(
        (status = 204, description = "Removed"),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection", body = ProblemBody),
    ))]
pub async fn remove(api: Data<Api>, connection: Path<String>) -> Result<HttpResponse, Problem> {
    let id = connection_id(&connection)?;
    set_paused(&api, &id, true).await?;
    // Apart from the request: a caller that goes away must not leave a connection half removed.
    let removal = tokio::spawn(async move {
        api.operations.before_removal(&id).await;
        let removal = connections::remove(&api.db, &id, api.clock.now()).await?;
        tracing::info!(connection.id = %id, "A connection was removed");
        Ok::<Removal, Problem>(removal)
    });
    match removal.await.map_err(Problem::panicked)?? {
        Removal::Done { .. } => Ok(HttpResponse::NoContent().finish()),
        Removal::Missing => Err(Problem::not_found("connection", &connection)),
    }
}

async fn set_paused(api: &Api, id: &ConnectionId, paused: bool) -> Result<(), Problem> {
    let (connection, now) = (id.clone(), api.clock.now());
    let found = api.db.write(move |db| connections::set_paused(db, &connection, paused, now)).await?;
    if found { Ok(()) } else { Err(Problem::not_found("connection", id.as_str())) }
}

async fn read(api: &Api, id: &ConnectionId) -> Result<ConnectionView, Problem> {
    let connection = id.clone();
    let record = api.db.read(move |db| connections::get(db, &connection)).await?;
    view::view(api, record.ok_or_else(|| Problem::not_found("connection", id.as_str()))?).await
}
