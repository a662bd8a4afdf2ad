//! A call to Graph before it is sent.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use url::Url;

use super::meter::cost;

/// One call. The operation's name is for logs and metrics.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Option<Value>,
    pub(super) timeout: Option<Duration>,
    pub(super) unit_cost: u32,
}

impl Call {
    pub(super) fn new(operation: &'static str, method: Method, url: Url) -> Self {
        Self { operation, method, url, body: None, timeout: None, unit_cost: cost::OTHER }
    }

    pub(super) fn get(operation: &'static str, url: Url) -> Self {
        Self::new(operation, Method::GET, url)
    }

    pub(super) fn post(operation: &'static str, url: Url, body: Value) -> Self {
        Self::new(operation, Method::POST, url).with_body(body)
    }

    pub(super) fn with_body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// What it costs when Graph does not say, in resource units.
    pub(super) fn costing(mut self, units: u32) -> Self {
        self.unit_cost = units;
        self
    }

    /// Another time limit than usual.
    pub(super) fn within(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}
