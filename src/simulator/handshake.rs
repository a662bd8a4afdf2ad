//! The validation of notification URLs. Graph: change-notifications-delivery-webhooks.

use std::time::Duration;

use url::Url;

use super::errors::GraphError;
use super::world::Shared;

/// An endpoint has this long to echo the token.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Asks an endpoint to echo a token, as Graph does inside of the creation of a subscription.
///
/// # Errors
/// 400 when it does not answer in 10 s with 200, `text/plain` and exactly the decoded token.
pub(super) async fn validate(shared: &Shared, notification_url: &str) -> Result<(), GraphError> {
    let id = {
        let mut world = shared.lock();
        world.counters.handshakes += 1;
        world.fresh_id()
    };
    // Blank, colon and plus: a token that is echoed without decoding, or decoded twice, does not match.
    let token = format!("Validation: Testing client application reachability for subscription Request-Id: {id}+1");
    let mut url = Url::parse(notification_url).map_err(|_| refuse(""))?;
    url.query_pairs_mut().append_pair("validationToken", &token);
    let request = shared.handshake_client.post(url).timeout(HANDSHAKE_TIMEOUT);
    let request = request.header("Content-Type", "text/plain; charset=utf-8").header("Content-Length", "0");
    let answer = request.send().await.map_err(|error| unreachable(&error))?;
    let status = answer.status();
    if status.as_u16() != 200 {
        let reason = status.canonical_reason().unwrap_or("unknown").replace(' ', "");
        return Err(refuse(&format!(" HTTP status code is '{reason}'.")));
    }
    let media_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_plain = media_type.to_ascii_lowercase().starts_with("text/plain");
    let body = answer.text().await.map_err(|error| unreachable(&error))?;
    if is_plain && body == token { Ok(()) } else { Err(refuse("")) }
}

fn refuse(detail: &str) -> GraphError {
    let message = format!(
        "Subscription validation request failed.{detail} Notification endpoint must respond with 200 OK to validation request."
    );
    GraphError::new(400, "ValidationError", message)
}

fn unreachable(error: &reqwest::Error) -> GraphError {
    if error.is_timeout() {
        return GraphError::new(400, "InvalidRequest", "Subscription validation request timed out.");
    }
    refuse("")
}
