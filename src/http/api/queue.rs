//! How much work of a connection waits.

use actix_web::web::{Data, Json, Path};

use super::Api;
use crate::http::errors::{Problem, ProblemBody};
use crate::store::pages::queue::{QueueView, queue};

/// Shows how much work waits.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/queue", tag = "queue",
    params(("connection" = String, Path, description = "The connection's id")),
    responses(
        (status = 200, description = "What waits", body = QueueView),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection", body = ProblemBody),
    ))]
pub async fn show(api: Data<Api>, connection: Path<String>) -> Result<Json<QueueView>, Problem> {
    let now = api.clock.now();
    Ok(Json(api.read_of(&connection, move |db, id| queue(db, id, now)).await?))
}
