//! Graph subscriptions.

use actix_web::web::{Bytes, Data, Json, Path};
use serde::Deserialize;

use super::{Api, connection_id};
use crate::http::api::connections::body;
use crate::http::errors::{Problem, ProblemBody};
use crate::http::operations::RenewReport;
use crate::http::paging::Page;
use crate::store::pages::subscriptions::{self, SubscriptionView};

/// Lists the subscriptions of a connection.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/subscriptions", tag = "subscriptions",
    params(("connection" = String, Path, description = "The connection's id")),
    responses(
        (status = 200, description = "The subscriptions", body = Page<SubscriptionView>),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection", body = ProblemBody),
    ))]
pub async fn list(api: Data<Api>, connection: Path<String>) -> Result<Json<Page<SubscriptionView>>, Problem> {
    let now = api.clock.now();
    let rows = api.read_of(&connection, move |db, id| subscriptions::of(db, std::slice::from_ref(id), now)).await?;
    Ok(Json(Page::whole(rows)))
}

/// Which subscriptions to renew.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RenewRequest {
    /// Only this connection; null for all.
    connection: Option<String>,
    /// Also those that live long enough.
    force: bool,
}

/// Renews subscriptions; answers within 25 seconds, with what is left as `scheduled`.
#[utoipa::path(post, path = "/api/v1/subscriptions/renew", tag = "subscriptions",
    request_body = RenewRequest,
    responses(
        (status = 200, description = "What became of each", body = RenewReport),
        (status = 400, description = "Not JSON", body = ProblemBody),
        (status = 401, description = "No valid token", body = ProblemBody),
        (status = 404, description = "No such connection", body = ProblemBody),
        (status = 422, description = "A field is wrong", body = ProblemBody),
    ))]
pub async fn renew(api: Data<Api>, bytes: Bytes) -> Result<Json<RenewReport>, Problem> {
    let request: RenewRequest = body::typed(&bytes)?;
    let connection = match &request.connection {
        None => None,
        Some(text) => {
            api.read_of(text, |_, _| Ok(())).await?;
            Some(connection_id(text)?)
        }
    };
    Ok(Json(api.operations.renew_subscriptions(connection, request.force).await?))
}
