//! Runs: asked for, watched, allowed or rejected.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Json, Path, Query};
use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::connections::body;
use super::{Api, connection_id};
use crate::clock::Timestamp;
use crate::directory::{ConnectionId, RunId};
use crate::http::errors::{Problem, ProblemBody};
use crate::http::operations::{OperationError, Operations, RunRequest};
use crate::http::paging::{Page, PageQuery};
use crate::store::pages::runs::{self, PlanItemView, PlanKey, RunView};

/// What to synchronize.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SyncRequest {
    /// A full comparison; otherwise the queue is drained and delta read now.
    full: bool,
    /// Only show what would be done.
    dry_run: bool,
    /// Only this person: user principal name or object id.
    user: Option<String>,
}

/// Queues a run.
#[utoipa::path(post, path = "/api/v1/connections/{connection}/sync", tag = "runs",
    params(("connection" = String, Path, description = "The connection's id")),
    request_body = SyncRequest,
    responses(
        (status = 202, description = "The run", body = RunView),
        (status = 400, description = "Not JSON", body = ProblemBody),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection or person", body = ProblemBody),
        (status = 409, description = "Not possible as things stand", body = ProblemBody),
        (status = 422, description = "A field is wrong", body = ProblemBody),
    ))]
pub async fn request(api: Data<Api>, connection: Path<String>, bytes: Bytes) -> Result<HttpResponse, Problem> {
    let wanted: SyncRequest = body::typed(&bytes)?;
    api.read_of(&connection, |_, _| Ok(())).await?;
    let id = connection_id(&connection)?;
    let user = wanted.user.map(|user| user.trim().to_owned()).filter(|user| !user.is_empty());
    let request = RunRequest { full: wanted.full, dry_run: wanted.dry_run, user };
    let run = api.operations.request_run(&id, request).await?;
    Ok(HttpResponse::Accepted().json(find(&api, run).await?))
}

/// Lists the runs of a connection, newest first.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/runs", tag = "runs",
    params(
        ("connection" = String, Path, description = "The connection's id"),
        ("limit" = Option<u16>, Query, description = "1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, description = "A page of runs", body = Page<RunView>),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection", body = ProblemBody),
    ))]
pub async fn list(
    api: Data<Api>,
    connection: Path<String>,
    page: Query<PageQuery>,
) -> Result<Json<Page<RunView>>, Problem> {
    let request = page.check("runs", 2)?;
    let before = request.key::<i64>(0)?.map(Timestamp).zip(request.key::<RunId>(1)?);
    let limit = request.limit_plus_one();
    let rows = api.read_of(&connection, move |db, id| runs::page(db, id, before, limit)).await?;
    Ok(Json(request.page(rows, |run| vec![run.queued_at.0.to_string(), run.id.to_string()])))
}

/// Shows a run.
#[utoipa::path(get, path = "/api/v1/runs/{run}", tag = "runs",
    params(("run" = String, Path, description = "The run's id")),
    responses(
        (status = 200, description = "The run", body = RunView),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such run", body = ProblemBody),
    ))]
pub async fn show(api: Data<Api>, run: Path<String>) -> Result<Json<RunView>, Problem> {
    find(&api, run_id(&run)?).await.map(Json)
}

/// Lists what a dry run would do, or what a held run waits to do.
#[utoipa::path(get, path = "/api/v1/runs/{run}/plan", tag = "runs",
    params(
        ("run" = String, Path, description = "The run's id"),
        ("limit" = Option<u16>, Query, description = "1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, description = "A page of the plan", body = Page<PlanItemView>),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such run", body = ProblemBody),
    ))]
pub async fn plan(
    api: Data<Api>,
    run: Path<String>,
    page: Query<PageQuery>,
) -> Result<Json<Page<PlanItemView>>, Problem> {
    let request = page.check("plan", 3)?;
    let run = find(&api, run_id(&run)?).await?;
    let part = |index| Ok::<_, Problem>(request.key::<String>(index)?.unwrap_or_default());
    let after = PlanKey { kind: part(0)?, object_id: part(1)?, team_id: part(2)? };
    let limit = request.limit_plus_one();
    let rows = api.db.read(move |db| runs::plan(db, &run.connection, run.id, &after, limit)).await?;
    let key = |item: &PlanItemView| {
        let PlanKey { kind, object_id, team_id } = item.key.clone();
        vec![kind, object_id, team_id]
    };
    Ok(Json(request.page(rows, key)))
}

/// Ends a run that is pending or running.
#[utoipa::path(post, path = "/api/v1/runs/{run}/cancel", tag = "runs",
    params(("run" = String, Path, description = "The run's id")),
    responses(
        (status = 200, description = "The run", body = RunView),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such run", body = ProblemBody),
        (status = 409, description = "It has ended, or is held", body = ProblemBody),
    ))]
pub async fn cancel(api: Data<Api>, run: Path<String>) -> Result<Json<RunView>, Problem> {
    act(&api, &run, |operations, id, run| operations.cancel_run(id, run)).await
}

/// Lets the leavers of a held run go.
#[utoipa::path(post, path = "/api/v1/runs/{run}/allow", tag = "runs",
    params(("run" = String, Path, description = "The run's id")),
    responses(
        (status = 200, description = "The run", body = RunView),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such run", body = ProblemBody),
        (status = 409, description = "It is not held", body = ProblemBody),
    ))]
pub async fn allow(api: Data<Api>, run: Path<String>) -> Result<Json<RunView>, Problem> {
    act(&api, &run, |operations, id, run| operations.allow_run(id, run)).await
}

/// Keeps the leavers of a held run, which ends as cancelled.
#[utoipa::path(post, path = "/api/v1/runs/{run}/reject", tag = "runs",
    params(("run" = String, Path, description = "The run's id")),
    responses(
        (status = 200, description = "The run", body = RunView),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such run", body = ProblemBody),
        (status = 409, description = "It is not held", body = ProblemBody),
    ))]
pub async fn reject(api: Data<Api>, run: Path<String>) -> Result<Json<RunView>, Problem> {
    act(&api, &run, |operations, id, run| operations.reject_run(id, run)).await
}

async fn act(
    api: &Api,
    run: &str,
    operation: impl for<'a> FnOnce(&'a dyn Operations, &'a ConnectionId, RunId) -> BoxFuture<'a, Result<(), OperationError>>,
) -> Result<Json<RunView>, Problem> {
    let run = find(api, run_id(run)?).await?;
    operation(&*api.operations, &run.connection, run.id).await?;
    find(api, run.id).await.map(Json)
}

async fn find(api: &Api, run: RunId) -> Result<RunView, Problem> {
    let found = api.db.read(move |db| runs::find(db, run)).await?;
    found.ok_or_else(|| Problem::not_found("run", &run.to_string()))
}

fn run_id(text: &str) -> Result<RunId, Problem> {
    text.parse().map_err(|_| Problem::not_found("run", text))
}
