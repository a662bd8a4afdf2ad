//! The description of the admin API, generated from the handlers.

use actix_web::web::Json;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{accounts, connections, events, log, queue, runs, subscriptions, teams};
use crate::http::{errors, probes};

/// Everything the admin listener answers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Rollcall",
        description = "Keeps an application's accounts and teams in step with its customers' Microsoft Entra ID. Errors are RFC 9457 problems.",
    ),
    security(("token" = [])),
    modifiers(&BearerToken),
    components(schemas(errors::FieldProblem)),
    paths(
        connections::create, connections::list, connections::show, connections::change, connections::remove,
        connections::pause, connections::resume,
        runs::request, runs::list, runs::show, runs::plan, runs::cancel, runs::allow, runs::reject,
        accounts::list, accounts::show,
        teams::list, teams::show, teams::members,
        log::list, events::list, queue::show,
        subscriptions::list, subscriptions::renew,
        document,
        probes::healthz, probes::readyz, probes::metrics,
    ),
)]
pub struct AdminApi;

/// The methods answered at a described address, given as it is described: `/api/v1/runs/{run}`.
pub fn methods(path: &str) -> Vec<String> {
    let Some(item) = AdminApi::openapi().paths.paths.remove(path) else { return Vec::new() };
    let given = [
        ("GET", item.get.is_some()),
        ("POST", item.post.is_some()),
        ("PATCH", item.patch.is_some()),
        ("DELETE", item.delete.is_some()),
    ];
    given.into_iter().filter(|(_, given)| *given).map(|(method, _)| method.to_owned()).collect()
}

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut Document) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

/// Describes the admin API (OpenAPI 3.1).
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "openapi", responses(
    (status = 200, description = "The OpenAPI document", content_type = "application/json"),
    (status = 401, description = "No valid token", body = errors::ProblemBody),
))]
pub async fn document() -> Json<Document> {
    Json(AdminApi::openapi())
}
