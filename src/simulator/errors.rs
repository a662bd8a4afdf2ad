//! Errors in Graph's form. Graph: errors, best-practices-concept.

use serde_json::json;
use uuid::Uuid;

use super::clock;
use super::message::Response;

/// A refusal by Graph: status, code and message, and headers that go with it.
#[derive(Debug)]
pub(super) struct GraphError {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl GraphError {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), headers: Vec::new() }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    pub(super) fn unsupported_query(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    pub(super) fn not_found(id: &str) -> Self {
        let message =
            format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present.");
        Self::new(404, "Request_ResourceNotFound", message)
    }

    pub(super) fn denied() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    pub(super) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The answer, with the ids Graph repeats inside of the body.
    pub(super) fn into_response(self, now: i64, request_id: Uuid, client_request_id: &str) -> Response {
        let body = json!({ "error": {
            "code": self.code,
            "message": self.message,
            "innerError": {
                "date": clock::without_zone(now),
                "request-id": request_id,
                "client-request-id": client_request_id,
            }
        }});
        let mut response = Response::json(self.status, body.to_string());
        response.headers.extend(self.headers);
        response
    }
}

/// The code Graph uses with a status that was forced by a test.
pub(super) fn forced(status: u16) -> GraphError {
    let (code, message) = match status {
        401 => ("InvalidAuthenticationToken", "Access token validation failure."),
        403 => ("Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
        404 => ("Request_ResourceNotFound", "Resource does not exist."),
        429 => ("TooManyRequests", "Please retry again later."),
        500 => ("InternalServerError", "The server encountered an internal error."),
        502 => ("BadGateway", "Bad gateway."),
        503 => ("ServiceUnavailable", "Service unavailable."),
        504 => ("GatewayTimeout", "The gateway timed out."),
        _ => ("UnknownError", "The request failed."),
    };
    let error = GraphError::new(status, code, message);
    if status == 429 { error.with_header("Retry-After", "1".to_owned()) } else { error }
}
