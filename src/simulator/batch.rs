//! `POST /$batch`. Graph: json-batching.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::dispatch;
use super::errors::GraphError;
use super::message::{Content, Outcome, Request, Response};
use super::server;
use super::world::Shared;

/// Requests in one batch.
const REQUESTS_MAX: usize = 20;

/// Answers all requests of a batch, each on its own.
pub(super) async fn answer(shared: &Shared, request: &Request) -> Response {
    let outcome = run(shared, request).await;
    dispatch::finish(shared, request, outcome, Vec::new())
}

async fn run(shared: &Shared, request: &Request) -> Outcome {
    shared.lock().authenticate(request)?;
    if request.method != "POST" {
        return Err(GraphError::new(405, "Request_BadRequest", "Specified HTTP method is not allowed."));
    }
    let body = request.json()?;
    let parts = parts(&body)?;
    let mut statuses = HashMap::new();
    let mut answers = Vec::new();
    for part in &parts {
        let id = part_id(part)?;
        let response = match failed_dependency(part, &statuses) {
            true => failed(shared, request),
            false => {
                shared.lock().counters.batch_subrequests += 1;
                dispatch::one(shared, &sub_request(request, part)?).await
            }
        };
        statuses.insert(id.to_ascii_lowercase(), response.status);
        answers.push(written(id, &response));
    }
    // Answers come in any order: the last first, so that no client relies on one.
    answers.reverse();
    Ok(Response::json(200, format!("{{\"responses\":[{}]}}", answers.join(","))))
}

/// The requests of the body, when their ids are all different.
fn parts(body: &Value) -> Result<Vec<Value>, GraphError> {
    let parts = body.get("requests").and_then(Value::as_array).cloned().unwrap_or_default();
    if parts.is_empty() || parts.len() > REQUESTS_MAX {
        let message = format!("Number of batch request steps must be between 1 and {REQUESTS_MAX}.");
        return Err(GraphError::new(400, "BadRequest", message));
    }
    let mut seen = HashSet::new();
    for part in &parts {
        if !seen.insert(part_id(part)?.to_ascii_lowercase()) {
            return Err(GraphError::new(400, "BadRequest", "Request Id values must be unique."));
        }
    }
    Ok(parts)
}

fn part_id(part: &Value) -> Result<&str, GraphError> {
    let id = part.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
    id.ok_or_else(|| GraphError::new(400, "BadRequest", "Request Id is a required property."))
}

fn failed_dependency(part: &Value, statuses: &HashMap<String, u16>) -> bool {
    let depends_on = part.get("dependsOn").and_then(Value::as_array).into_iter().flatten();
    let mut ids = depends_on.filter_map(Value::as_str).map(str::to_ascii_lowercase);
    ids.any(|id| statuses.get(&id).is_none_or(|status| *status >= 400))
}

fn failed(shared: &Shared, request: &Request) -> Response {
    let error = GraphError::new(424, "FailedDependency", "A request this one depends on has failed.");
    dispatch::finish(shared, request, Err(error), Vec::new())
}

/// A part as a request of its own, with the batch's token.
fn sub_request(request: &Request, part: &Value) -> Result<Request, GraphError> {
    let text = |name: &str| part.get(name).and_then(Value::as_str);
    let refuse = |message: &str| GraphError::new(400, "BadRequest", message);
    let url = text("url").ok_or_else(|| refuse("Url is a required property."))?;
    let method = text("method").ok_or_else(|| refuse("Method is a required property."))?;
    if url.contains("://") {
        return Err(refuse("The url of a request inside of a batch must be relative."));
    }
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let mut headers = HashMap::new();
    for (name, value) in part.get("headers").and_then(Value::as_object).into_iter().flatten() {
        headers.insert(name.to_ascii_lowercase(), value.as_str().unwrap_or_default().to_owned());
    }
    if let Some(token) = request.header("authorization") {
        headers.insert("authorization".to_owned(), token.to_owned());
    }
    Ok(Request {
        method: method.to_ascii_uppercase(),
        path: server::decoded(path),
        query: query.to_owned(),
        headers,
        body: part.get("body").map(|body| body.to_string().into_bytes()).unwrap_or_default(),
        base_url: request.base_url.clone(),
    })
}

fn written(id: &str, response: &Response) -> String {
    let mut headers: serde_json::Map<_, _> =
        response.headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    let body = match &response.content {
        Content::Empty => None,
        Content::Json(text) => {
            headers.insert("Content-Type".to_owned(), "application/json".into());
            Some(text.clone())
        }
        Content::Text(text) => {
            headers.insert("Content-Type".to_owned(), "text/plain".into());
            Some(Value::from(text.as_str()).to_string())
        }
        Content::Bytes { media_type, bytes } => {
            headers.insert("Content-Type".to_owned(), media_type.as_str().into());
            Some(Value::from(STANDARD.encode(bytes)).to_string())
        }
    };
    let body = body.map(|body| format!(",\"body\":{body}")).unwrap_or_default();
    let headers = Value::Object(headers);
    format!("{{\"id\":{},\"status\":{},\"headers\":{headers}{body}}}", Value::from(id), response.status)
}
