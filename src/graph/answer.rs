//! An answer of Graph, alone or as a part of a batch, and what its status means.

use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::errors::GraphError;
use super::exchange::undecodable;
use super::refusal::Refusal;

/// The service named in errors.
pub(super) const GRAPH: &str = "Graph";

/// A whole answer of Graph.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Body,
}

/// The body, as it came: bytes of its own, or a part of a batch.
#[derive(Debug)]
pub(super) enum Body {
    Bytes(Bytes),
    Json(Value),
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether Graph says that the object does not exist. The 404 of something in between does not count: it has no
    /// error object of Graph, and an object must not be taken for absent on a proxy's word.
    pub(super) fn is_not_found(&self) -> bool {
        self.status == 404 && self.refusal().is_graphs
    }

    /// Whether this is a call to wait; a 503 without a term is trouble of another kind.
    pub(super) fn is_throttled(&self) -> bool {
        self.status == 429 || (self.status == 503 && self.retry_after.is_some())
    }

    /// The body of a success as `T`; anything else is the error it means.
    pub(super) fn decode<T: DeserializeOwned>(self) -> Result<T, GraphError> {
        if !self.is_success() {
            return Err(self.into_error());
        }
        match self.body {
            Body::Bytes(bytes) => serde_json::from_slice(&bytes),
            Body::Json(value) => serde_json::from_value(value),
        }
        .map_err(|error| undecodable(GRAPH, error))
    }

    /// A success whose body does not matter.
    pub(super) fn accept(self) -> Result<(), GraphError> {
        if self.is_success() { Ok(()) } else { Err(self.into_error()) }
    }

    /// The error object, if the body is one.
    pub(super) fn refusal(&self) -> Refusal {
        match &self.body {
            Body::Bytes(bytes) => serde_json::from_slice(bytes).map(|body| Refusal::of(&body)).unwrap_or_default(),
            Body::Json(value) => Refusal::of(value),
        }
    }

    /// What a status means when the operation has no meaning of its own for it.
    pub(super) fn into_error(self) -> GraphError {
        if self.is_throttled() {
            return GraphError::Throttled { retry_after: self.retry_after };
        }
        let refusal = self.refusal();
        match self.status {
            401 => GraphError::Unauthorized,
            403 => GraphError::Forbidden { code: refusal.code(), message: refusal.message },
            // 501: the property cannot be selected in a list, and never will be. Graph: user-list.
            501 => GraphError::Rejected { status: 501, code: refusal.code() },
            // 424: the other part of the batch failed, not this one. Graph: json-batching.
            status @ (408 | 424 | 500..=599) => GraphError::Unavailable { service: GRAPH, status },
            status @ 400..=499 => GraphError::Rejected { status, code: refusal.code() },
            _ => GraphError::Protocol("the status is neither success nor error"),
        }
    }
}
