//! Requests and answers as the operations see them, free of any HTTP library, so that a sub-request of a batch is
//! the same thing as a request of its own.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::errors::GraphError;

/// A request to Graph.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    /// In upper case.
    pub(super) method: String,
    /// Below the version, decoded, without slashes at its ends.
    pub(super) path: String,
    /// Raw, without the question mark.
    pub(super) query: String,
    /// By name in lower case.
    pub(super) headers: HashMap<String, String>,
    pub(super) body: Vec<u8>,
    /// `http://127.0.0.1:PORT`, for the links in answers.
    pub(super) base_url: String,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Whether the lagging index may be read: needed for counting and casting.
    pub(super) fn is_eventual(&self) -> bool {
        self.header("consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual"))
    }

    /// The `@odata.context` of an answer.
    pub(super) fn context(&self, what: &str) -> String {
        format!("{}/v1.0/$metadata#{what}", self.base_url)
    }

    /// The JSON body.
    ///
    /// # Errors
    /// 400 when the body is no JSON or not declared as JSON.
    pub(super) fn json(&self) -> Result<serde_json::Value, GraphError> {
        let media_type = self.header("content-type").unwrap_or_default();
        if !media_type.to_ascii_lowercase().starts_with("application/json") {
            return Err(GraphError::bad_request("A body needs the Content-Type application/json."));
        }
        serde_json::from_slice(&self.body)
            .map_err(|_| GraphError::bad_request("Unable to read JSON request payload. Please ensure it is valid."))
    }
}

/// Who asks: what the access token stands for.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) tenant: Uuid,
    pub(super) client_id: Uuid,
    /// Permissions the token carries.
    pub(super) roles: Arc<[String]>,
    pub(super) expires_at: i64,
}

/// The body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Empty,
    Json(String),
    Text(String),
    Bytes { media_type: String, bytes: Vec<u8> },
}

/// An answer of Graph.
#[derive(Clone, Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) content: Content,
}

impl Response {
    pub(super) fn json(status: u16, text: String) -> Self {
        Self { status, headers: Vec::new(), content: Content::Json(text) }
    }

    pub(super) fn no_content() -> Self {
        Self { status: 204, headers: Vec::new(), content: Content::Empty }
    }
}

/// What an operation gives.
pub(super) type Outcome = Result<Response, GraphError>;
