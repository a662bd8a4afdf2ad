//! Whether the process lives, whether it can work, and its metrics.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Json};
use serde::Serialize;
use serde_json::{Value, json};

use crate::store::{Db, connections};
use crate::telemetry::Telemetry;

/// The media type of Prometheus text.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether work can be done.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Readiness {
    /// `ready` or `not_ready`.
    pub status: &'static str,
    /// Each check: `ok`, or what is wrong.
    pub checks: Checks,
}

/// The checks of readiness.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Checks {
    /// Whether the database answers.
    pub database: &'static str,
}

/// Answers while the process can.
#[utoipa::path(get, path = "/healthz", tag = "probes", security(()), responses((status = 200, description = "Alive")))]
pub async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Answers whether the database can be read.
#[utoipa::path(get, path = "/readyz", tag = "probes", security(()), responses(
    (status = 200, description = "Ready", body = Readiness),
    (status = 503, description = "Not ready", body = Readiness),
))]
pub async fn readyz(db: Data<Db>) -> HttpResponse {
    let answer = db.read(|db| connections::list(db, None, 1)).await;
    match answer {
        Ok(_) => HttpResponse::Ok().json(Readiness { status: "ready", checks: Checks { database: "ok" } }),
        Err(error) => {
            tracing::warn!(%error, "Not ready: the database cannot be read");
            let checks = Checks { database: "unreachable" };
            HttpResponse::ServiceUnavailable().json(Readiness { status: "not_ready", checks })
        }
    }
}

/// All metrics as Prometheus text.
#[utoipa::path(get, path = "/metrics", tag = "probes", security(()), responses(
    (status = 200, description = "Prometheus text", content_type = "text/plain"),
))]
pub async fn metrics(telemetry: Data<Telemetry>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, PROMETHEUS_TEXT)).body(telemetry.render())
}
