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
    modifiers(&BearerToken, &UniqueNames),
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

/// Handlers of different nouns have the same name, and names of operations must be unique (OpenAPI 3.1, 4.8.10).
struct UniqueNames;

impl Modify for UniqueNames {
    fn modify(&self, document: &mut Document) {
        for item in document.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                let tag = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
                let name = operation.operation_id.take().unwrap_or_default();
                operation.operation_id = Some(format!("{tag}_{name}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn document() -> Value {
        serde_json::to_value(AdminApi::openapi()).unwrap()
    }

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                object.values().for_each(|inner| references(inner, found));
            }
            Value::Array(items) => items.iter().for_each(|inner| references(inner, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        let document = document();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 20, "{found:?}");
        for reference in found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_a_tag() {
        let document = document();
        let items = document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
        let mut names = BTreeSet::new();
        for operation in items {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name}");
            assert!(operation["tags"][0].is_string(), "{name}");
        }
        assert!(names.len() >= 28, "{names:?}");
    }

    #[test]
    fn what_can_be_written_is_described_field_by_field() {
        let document = document();
        let settings = document.pointer("/components/schemas/ConnectionSettings/properties").unwrap();
        let mut described: Vec<&str> = settings.as_object().unwrap().keys().map(String::as_str).collect();
        let mut known = crate::http::api::connections::document::SETTINGS.to_vec();
        described.sort_unstable();
        known.sort_unstable();
        assert_eq!(described, known);
    }
}
