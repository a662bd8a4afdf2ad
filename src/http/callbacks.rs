//! What Graph calls: the handshake of a subscription, and notifications.
//!
//! Nobody signs these requests; what protects is the client state in each notification (`intake::admit`), and that a
//! notification only ever makes Rollcall look.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType};
use actix_web::web::{self, BytesMut};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt as _;
use metrics::histogram;
use serde_json::json;

use crate::intake::budget::BodyShare;
use crate::intake::{Intake, RETRY_AFTER, ReceiveError};
use crate::telemetry::metrics_names::NOTIFICATION_ACK_SECONDS;

/// The largest body that is read (contract: body limit).
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What of a larger body is read and thrown away before it is refused: a connection closed in the middle of a body
/// would lose the answer on its way.
const DISCARDED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The longest validation token that is echoed. Graph's have a few hundred bytes; the format may change
/// (Graph: change-notifications-delivery-webhooks).
pub const VALIDATION_TOKEN_BYTES_MAX: usize = 8 * 1024;

/// What is set aside for a body before any of it has come: more than usual bodies have.
const FIRST_BYTES_MAX: usize = 64 * 1024;

/// How long a body may take to arrive: Graph itself gives up after 10 s.
const BODY_DEADLINE: Duration = Duration::from_secs(15);

/// The query parameter of the handshake.
const VALIDATION_TOKEN: &str = "validationToken";

/// Adds the routes Graph calls. They need [`web::Data`] of [`Intake`].
pub fn configure(cfg: &mut web::ServiceConfig) {
    // One handler: either kind of notification may come to either address (Graph: change-notifications-lifecycle-events).
    for path in ["/graph/notifications", "/graph/lifecycle"] {
        cfg.service(web::resource(path).route(web::post().to(receive)));
    }
}

/// Answers the handshake, or takes notifications in.
pub async fn receive(request: HttpRequest, payload: web::Payload, intake: web::Data<Intake>) -> HttpResponse {
    // First of all, at any time and whatever the body: without this answer there is no subscription.
    if let Some(token) = validation_token(request.query_string()) {
        return handshake(&token);
    }
    let began_at = Instant::now();
    let response = match read_body(&request, payload, intake.bodies.share()).await {
        // Its share of the memory is given back with it.
        Ok(body) => acknowledge(&body.bytes, &intake).await,
        Err(refusal) => refusal.response(),
    };
    histogram!(NOTIFICATION_ACK_SECONDS).record(began_at.elapsed().as_secs_f64());
    response
}

/// The token as Graph meant it: decoded as a query, where `+` is a space.
fn validation_token(query: &str) -> Option<Cow<'_, str>> {
    url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == VALIDATION_TOKEN).map(|(_, token)| token)
}

/// Exactly the token, as plain text that no browser takes for a page.
fn handshake(token: &str) -> HttpResponse {
    if token.len() > VALIDATION_TOKEN_BYTES_MAX {
        return problem(StatusCode::BAD_REQUEST, "The validation token is longer than 8 KiB.");
    }
    HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(token.to_owned())
}

async fn acknowledge(body: &[u8], intake: &Intake) -> HttpResponse {
    match intake.receive(body).await {
        Ok(_) => HttpResponse::Accepted().finish(),
        Err(ReceiveError::Malformed(error)) => problem(StatusCode::BAD_REQUEST, &error.to_string()),
        Err(ReceiveError::NotStored(error)) => {
            tracing::debug!(%error, "Notifications were refused");
            come_again("The notifications could not be stored; send them again.")
        }
    }
}

fn come_again(detail: &str) -> HttpResponse {
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, detail);
    response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER.as_secs().into());
    response
}

/// A whole body, and what it takes of the memory.
struct Body {
    bytes: BytesMut,
    share: BodyShare,
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    TooLarge,
    TooSlow,
    CutOff,
    Busy,
}

impl Refusal {
    fn response(self) -> HttpResponse {
        match self {
            Self::TooLarge => problem(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 16 MiB."),
            Self::TooSlow => problem(StatusCode::REQUEST_TIMEOUT, "The body took longer than 15 s to arrive."),
            Self::Busy => come_again("Too many bodies arrive at a time; send this one again."),
            Self::CutOff => problem(StatusCode::BAD_REQUEST, "The body ended before it was whole."),
        }
    }
}

async fn read_body(request: &HttpRequest, payload: web::Payload, share: BodyShare) -> Result<Body, Refusal> {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced: usize = announced.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
    if announced > DISCARDED_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    // No more at first: what is announced need not come.
    let body = Body { bytes: BytesMut::with_capacity(announced.min(FIRST_BYTES_MAX)), share };
    let read = tokio::time::timeout(BODY_DEADLINE, read_up_to_limit(payload, body)).await;
    read.unwrap_or(Err(Refusal::TooSlow))
}

async fn read_up_to_limit(mut payload: web::Payload, body: Body) -> Result<Body, Refusal> {
    let mut body = Some(body);
    let mut length = 0;
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|_| Refusal::CutOff)?;
        length += piece.len();
        if length > DISCARDED_BYTES_MAX {
            break;
        }
        // What is refused is read on and thrown away, and takes no memory any more.
        body = body.filter(|_| length <= BODY_BYTES_MAX).and_then(|mut body| {
            body.share.grow_to(length).then(|| {
                body.bytes.extend_from_slice(&piece);
                body
            })
        });
    }
    if length > BODY_BYTES_MAX { Err(Refusal::TooLarge) } else { body.ok_or(Refusal::Busy) }
}

/// An error as RFC 9457 section 3 describes it.
fn problem(status: StatusCode, detail: &str) -> HttpResponse {
    let title = status.canonical_reason().unwrap_or_default();
    HttpResponse::build(status)
        .content_type("application/problem+json")
        .body(json!({"type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail}).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_decoded_as_a_query_and_may_stand_beside_other_parameters() {
        let cases = [
            ("validationToken=Validation%3A+Testing+client%2B1%25", Some("Validation: Testing client+1%")),
            ("a=b&validationToken=%3Cscript%3E%C3%A4", Some("<script>ä")),
            ("validationToken=", Some("")),
            ("validationtoken=x", None),
            ("a=validationToken", None),
            ("", None),
        ];
        for (query, token) in cases {
            assert_eq!(validation_token(query).as_deref(), token, "{query}");
        }
    }

    #[test]
    fn a_token_is_echoed_up_to_its_limit() {
        assert_eq!(handshake(&"x".repeat(VALIDATION_TOKEN_BYTES_MAX)).status(), StatusCode::OK);
        assert_eq!(handshake(&"x".repeat(VALIDATION_TOKEN_BYTES_MAX + 1)).status(), StatusCode::BAD_REQUEST);
    }
}
