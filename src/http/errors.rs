//! Errors as the outside reads them: `application/problem+json` (RFC 9457).

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use serde::Serialize;

use super::api::openapi;
use crate::directory::rules::FieldError;
use crate::store::StoreError;

/// The media type of a problem (RFC 9457 section 3).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// How long a caller waits before asking again while the database does not answer, in seconds.
const RETRY_AFTER_SECONDS: u32 = 2;

/// A refused or failed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<FieldError>,
    oldest: Option<i64>,
}

/// A problem as it is sent.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// Always `about:blank`: the status says which kind of problem it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What happened and what to do.
    detail: &'a str,
    /// Everything that is wrong with the request, by field.
    #[schema(value_type = Vec<FieldProblem>)]
    errors: &'a [FieldError],
    /// With 410: the oldest event that can still be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest: Option<i64>,
}

/// One thing that is wrong with a request.
#[derive(Serialize, utoipa::ToSchema)]
pub struct FieldProblem {
    /// The path of the field, such as `scope.groups`.
    pub field: String,
    /// What is wrong and what is accepted.
    pub message: String,
}

impl Problem {
    /// A problem with a sentence about it.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new(), oldest: None }
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 400: a parameter of the query is wrong.
    pub fn bad_parameter(name: &str, message: impl Into<String>) -> Self {
        let errors = vec![FieldError::new(name, message)];
        Self { errors, ..Self::bad_request(format!("The parameter {name} cannot be used.")) }
    }

    /// 401: no token, or a wrong one.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// 404: there is no such thing.
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("There is no {what} {id:?}."))
    }

    /// 409: it contradicts what is there.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// 410: events after the one asked for are no longer kept.
    pub fn gone(oldest: i64) -> Self {
        let detail = format!(
            "Events before sequence {oldest} are no longer kept. The oldest that can be read is {oldest}: read the \
             accounts and teams anew, then go on with after={}.",
            oldest - 1
        );
        Self { oldest: Some(oldest), ..Self::new(StatusCode::GONE, detail) }
    }

    /// 422: the request is understood and some fields of it are wrong.
    pub fn unprocessable(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("{}: {}", only.field, only.message),
            several => format!("{} fields are wrong; see errors.", several.len()),
        };
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    /// 500: a task behind the request ended without an answer.
    pub fn panicked(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "A task behind a request ended without an answer");
        Self::internal()
    }

    fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something failed inside Rollcall; its log says what.")
    }

    fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The database does not answer; try again in a moment.")
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((CONTENT_TYPE, PROBLEM_JSON));
        match self.status {
            StatusCode::UNAUTHORIZED => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"rollcall\""));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                response.insert_header((RETRY_AFTER, RETRY_AFTER_SECONDS.to_string()));
            }
            _ => {}
        }
        let body = ProblemBody {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            errors: &self.errors,
            oldest: self.oldest,
        };
        response.body(serde_json::to_string(&body).unwrap_or_default())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "A request failed in the database");
        match error {
            StoreError::Unreachable(_) | StoreError::Closed | StoreError::Conflict => Self::unavailable(),
            _ => Self::internal(),
        }
    }
}

impl From<crate::secrets::SecretsError> for Problem {
    fn from(error: crate::secrets::SecretsError) -> Self {
        tracing::error!(%error, "A secret could not be sealed");
        Self::internal()
    }
}

/// Answers at every address that is none.
pub async fn nothing_here(request: HttpRequest) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("There is nothing at {}.", request.path()))
}

impl Responder for Problem {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}

/// Middleware: every error of the framework itself (unknown address, wrong method, unreadable parameter, too long a
/// body) becomes a problem as well.
pub async fn as_problem(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    let status = response.status();
    let told = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    if told || !(status.is_client_error() || status.is_server_error()) {
        return Ok(response);
    }
    let mut answer = Problem::new(status, sentence(&response)).error_response();
    if status == StatusCode::METHOD_NOT_ALLOWED
        && let Ok(methods) = HeaderValue::from_str(&allowed(&response).join(", "))
    {
        answer.headers_mut().insert(ALLOW, methods);
    }
    Ok(response.into_response(answer))
}

/// Middleware: refuses an address with a NUL character, which PostgreSQL's text cannot hold.
pub async fn without_nul(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    // A percent sign that is itself encoded is `%25`: it never makes this one.
    if request.uri().path_and_query().is_some_and(|address| address.as_str().contains("%00")) {
        return Err(Problem::bad_request("The address holds a NUL character (%00); leave it out.").into());
    }
    next.call(request).await
}

/// What the address does answer, for `Allow` (RFC 9110 section 15.5.6).
fn allowed(response: &ServiceResponse) -> Vec<String> {
    response.request().match_pattern().map(|pattern| openapi::methods(&pattern)).unwrap_or_default()
}

fn sentence(response: &ServiceResponse) -> String {
    let request = response.request();
    match (response.status(), response.response().error()) {
        (StatusCode::NOT_FOUND, _) => {
            format!("There is nothing at {}; /api/v1/openapi.json lists every address.", request.path())
        }
        (StatusCode::METHOD_NOT_ALLOWED, _) => {
            format!(
                "{} does not answer {}; /api/v1/openapi.json lists what it answers.",
                request.path(),
                request.method()
            )
        }
        (status, Some(error)) if status.is_client_error() => error.to_string(),
        _ => "The request could not be answered.".to_owned(),
    }
}
