//! One HTTP exchange: bounded in time and size, counted and logged. Knows neither tokens nor objects.

use std::error::Error as StdError;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, Response};
use tracing::debug;
use uuid::Uuid;

use crate::directory::ConnectionId;

use super::errors::GraphError;
use super::meter;

/// The largest body read. A page of 999 people with every property stays below 10 MiB, a full batch of such pages is
/// never asked for.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What an exchange is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purpose<'a> {
    /// "Graph" or "the login service".
    pub(super) service: &'static str,
    /// The name in logs and metrics.
    pub(super) operation: &'static str,
    /// For whom.
    pub(super) connection: &'a ConnectionId,
}

/// A whole answer, whatever its status.
#[derive(Debug)]
pub(super) struct Exchanged {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Exchanged {
    /// A header as text; `None` when absent or not text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Sends and reads to the last byte.
pub(super) async fn exchange(purpose: Purpose<'_>, request: RequestBuilder) -> Result<Exchanged, GraphError> {
    let exchanged = send_and_read(purpose, request).await;
    match &exchanged {
        Ok(answer) => {
            meter::request(purpose.operation, &answer.status.to_string());
            debug!(
                connection.id = %purpose.connection, graph.operation = purpose.operation, http.status = answer.status,
                graph.request_id = answer.header("request-id"), graph.throttle_scope = answer.header("x-ms-throttle-scope"),
                "{} answered {} to {}", purpose.service, answer.status, purpose.operation
            );
        }
        Err(_) => meter::request(purpose.operation, "none"),
    }
    exchanged
}

async fn send_and_read(purpose: Purpose<'_>, request: RequestBuilder) -> Result<Exchanged, GraphError> {
    let request = request.header("client-request-id", Uuid::new_v4().to_string());
    let response = request.send().await.map_err(|error| interrupted(purpose.service, error))?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let body = read_body(purpose.service, response).await?;
    Ok(Exchanged { status, headers, body })
}

async fn read_body(service: &'static str, mut response: Response) -> Result<Bytes, GraphError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| interrupted(service, error))? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(GraphError::Protocol("the body is larger than 64 MiB"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn interrupted(service: &'static str, error: reqwest::Error) -> GraphError {
    let trouble = if error.is_timeout() {
        "did not answer in time"
    } else if error.is_connect() {
        "could not be reached"
    } else {
        "broke off the exchange"
    };
    // Addresses hold ids and delta tokens, which have no place in a log.
    unreachable(service, trouble, error.without_url())
}

/// No whole answer arrived.
pub(super) fn unreachable(
    service: &'static str,
    trouble: &'static str,
    cause: impl StdError + Send + Sync + 'static,
) -> GraphError {
    GraphError::Unreachable { service, trouble, cause: Arc::new(cause) }
}

/// A body that is cut or no JSON came from a broken exchange; well-formed JSON of another shape is Graph's own doing.
pub(super) fn undecodable(service: &'static str, error: serde_json::Error) -> GraphError {
    if error.is_data() {
        GraphError::Protocol("the body has not the shape that was promised")
    } else {
        unreachable(service, "sent a body that is cut or not JSON", error)
    }
}
