//! Many reads in few round trips. Graph: json-batching.
//!
//! Batching saves round trips, not quota: every part is priced and throttled on its own, and a 429 hides inside an
//! envelope that says 200.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::Timestamp;

use super::answer::{Answer, Body, GRAPH};
use super::call::Call;
use super::errors::GraphError;
use super::exchange::undecodable;
use super::meter::{self, cost};
use super::retry_after;
use super::selection::Address;
use super::session::Graph;

/// Graph refuses larger batches. Graph: json-batching.
const BATCH_SIZE_MAX: usize = 20;

#[derive(Deserialize)]
struct Envelope {
    responses: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    id: Value,
    status: u16,
    #[serde(default)]
    headers: Option<Value>,
    #[serde(default)]
    body: Value,
}

impl Graph {
    /// Reads every address; one answer for each, in their order, none of them throttled. `unit_cost` is the price
    /// of one.
    pub(super) async fn get_many(
        &self,
        operation: &'static str,
        addresses: &[Address],
        unit_cost: u32,
    ) -> Result<Vec<Answer>, GraphError> {
        let mut answers = Vec::with_capacity(addresses.len());
        for chunk in addresses.chunks(BATCH_SIZE_MAX) {
            match chunk {
                [one] => answers.push(self.send(&Call::get(operation, self.url(one)).costing(unit_cost)).await?),
                many => answers.extend(self.batch(operation, many, unit_cost).await?),
            }
        }
        Ok(answers)
    }

    /// Sends one batch; once more with a new token when a part was refused for the old one.
    async fn batch(
        &self,
        operation: &'static str,
        addresses: &[Address],
        unit_cost: u32,
    ) -> Result<Vec<Answer>, GraphError> {
        let answers = self.batch_once(operation, addresses, unit_cost).await?;
        if answers.iter().all(|answer| answer.status != 401) {
            return Ok(answers);
        }
        self.forget_token().await;
        self.batch_once(operation, addresses, unit_cost).await
    }

    async fn batch_once(
        &self,
        operation: &'static str,
        addresses: &[Address],
        unit_cost: u32,
    ) -> Result<Vec<Answer>, GraphError> {
        let call = Call::post("batch", self.url(&Address::new("/$batch")), envelope(addresses)).costing(cost::BATCH);
        let parts = parts(self.send(&call).await?)?;
        for part in &parts {
            meter::request(operation, &part.status.to_string());
            meter::resource_units(header(part, meter::UNIT_HEADER).as_deref(), unit_cost);
        }
        let answers = in_order(parts, addresses.len(), self.now())?;
        throttled(&answers).map_or(Ok(answers), Err)
    }
}

fn envelope(addresses: &[Address]) -> Value {
    let requests: Vec<Value> = (1..)
        .zip(addresses)
        .map(|(id, address)| json!({"id": id.to_string(), "method": "GET", "url": address.relative()}))
        .collect();
    json!({ "requests": requests })
}

/// The parts of an envelope. Older services gave the envelope the status 424 when a part failed. Graph: throttling.
fn parts(answer: Answer) -> Result<Vec<Part>, GraphError> {
    if answer.status == 424
        && let Body::Bytes(bytes) = &answer.body
        && let Ok(envelope) = serde_json::from_slice::<Envelope>(bytes)
    {
        return Ok(envelope.responses);
    }
    answer.decode::<Envelope>().map(|envelope| envelope.responses)
}

/// Puts the answers, which come in any order, into the order of the requests, which are numbered from 1.
fn in_order(parts: Vec<Part>, count: usize, now: Timestamp) -> Result<Vec<Answer>, GraphError> {
    let mut answers: Vec<Option<Answer>> = (0..count).map(|_| None).collect();
    for part in parts {
        let slot = number(&part.id).and_then(|number| answers.get_mut(number.checked_sub(1)?));
        let slot = slot.ok_or(GraphError::Protocol("a batch answered what was not asked"))?;
        let retry_after = header(&part, "retry-after").and_then(|text| retry_after::parse(&text, now));
        let answer = Answer { status: part.status, retry_after, body: json_body(part.body)? };
        if slot.replace(answer).is_some() {
            return Err(GraphError::Protocol("a batch answered one request twice"));
        }
    }
    answers.into_iter().collect::<Option<_>>().ok_or(GraphError::Protocol("a batch left a request unanswered"))
}

fn number(id: &Value) -> Option<usize> {
    match id {
        Value::String(text) => text.parse().ok(),
        id => usize::try_from(id.as_u64()?).ok(),
    }
}

/// A part's body is JSON; a service that mislabels its answer has it as text.
fn json_body(body: Value) -> Result<Body, GraphError> {
    match body {
        Value::String(text) if text.trim_start().starts_with('{') => {
            serde_json::from_str(&text).map(Body::Json).map_err(|error| undecodable(GRAPH, error))
        }
        body => Ok(Body::Json(body)),
    }
}

fn header(part: &Part, name: &str) -> Option<String> {
    let headers = part.headers.as_ref()?.as_object()?;
    let (_, value) = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// If any part was throttled, the whole waits for the longest term. Graph: json-batching.
fn throttled(answers: &[Answer]) -> Option<GraphError> {
    let refused: Vec<&Answer> = answers.iter().filter(|answer| answer.is_throttled()).collect();
    refused.iter().for_each(|_| meter::throttled());
    let longest: Option<Duration> = refused.iter().filter_map(|answer| answer.retry_after).max();
    (!refused.is_empty()).then_some(GraphError::Throttled { retry_after: longest })
}
