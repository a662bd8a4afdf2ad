//! The admin API as commands ask it.

use std::error::Error as _;
use std::time::Duration;

use reqwest::{Certificate, Client, Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::CommandError;
use super::arguments::ConfigArguments;
use crate::settings::Settings;

/// A renewal of many subscriptions answers within 25 s; everything else is faster.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(40);

/// Time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Items asked for at once: the most the API gives.
const PAGE_LIMIT: &str = "1000";

/// More pages than this of one list are not read: a million rows are no answer for a person.
const PAGES_MAX: u32 = 1_000;

/// The admin API of a running service.
#[derive(Clone, Debug)]
pub struct AdminClient {
    base: Url,
    token: SecretString,
    http: Client,
}

impl AdminClient {
    /// The API that the settings of this process name.
    pub fn from_process(arguments: &ConfigArguments) -> Result<Self, CommandError> {
        let settings = Settings::from_process(arguments.config.as_deref())?;
        let token = settings.token.clone().ok_or(CommandError::NoToken)?;
        let authorities = match &settings.ca_file {
            None => Vec::new(),
            Some(path) => {
                let unusable = |cause| CommandError::File { path: path.display().to_string(), cause };
                let pem = std::fs::read(path).map_err(unusable)?;
                Certificate::from_pem_bundle(&pem).map_err(|error| CommandError::Client(error.to_string()))?
            }
        };
        Self::new(settings.admin_url_for_commands(), token, authorities)
    }

    /// The API under this address.
    pub fn new(base: &str, token: SecretString, authorities: Vec<Certificate>) -> Result<Self, CommandError> {
        let unusable = |error: String| CommandError::Client(error);
        let base: Url = base.parse().map_err(|error| unusable(format!("{base}: {error}")))?;
        let mut builder = Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_merge(authorities);
        if base.scheme() == "http" {
            // A proxy of the environment has another idea of what loopback is, and would see the token.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| unusable(error.to_string()))?;
        Ok(Self { base, token, http })
    }

    /// Asks for what lies under a path of `/api/v1`.
    pub async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, CommandError> {
        self.ask(Method::GET, path, query, None).await
    }

    /// Sends a body, or none, to a path of `/api/v1`.
    pub async fn post(&self, path: &[&str], body: Option<Value>) -> Result<Value, CommandError> {
        self.ask(Method::POST, path, &[], body).await
    }

    /// Removes what lies under a path of `/api/v1`.
    pub async fn delete(&self, path: &[&str]) -> Result<Value, CommandError> {
        self.ask(Method::DELETE, path, &[], None).await
    }

    /// All items of a list, page by page.
    pub async fn items(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Vec<Value>, CommandError> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let mut query = query.to_vec();
            query.push(("limit", PAGE_LIMIT));
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let mut page = self.get(path, &query).await?;
            if let Value::Array(more) = page["items"].take() {
                items.extend(more);
            }
            match page["next_cursor"].take() {
                Value::String(next) => cursor = Some(next),
                _ => return Ok(items),
            }
        }
        Err(CommandError::NotDone(format!("the list {} has more than {PAGES_MAX} pages", path.join("/"))))
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<Value, CommandError> {
        let mut request = self.http.request(method, self.address(path)).bearer_auth(self.token.expose_secret());
        request = request.query(query);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        self.read(status, &bytes)
    }

    /// The path's parts are encoded: an id with a slash in it stays one part.
    fn address(&self, path: &[&str]) -> Url {
        let mut address = self.base.clone();
        if let Ok(mut segments) = address.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        address
    }

    fn read(&self, status: u16, bytes: &[u8]) -> Result<Value, CommandError> {
        let success = (200..300).contains(&status);
        if success && bytes.is_empty() {
            return Ok(Value::Null);
        }
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
            return Err(CommandError::NotTheApi { url: self.base.to_string(), status });
        };
        if success { Ok(value) } else { Err(refused(status, &value)) }
    }

    fn unreachable(&self, error: &reqwest::Error) -> CommandError {
        // The outermost text only repeats the address; the innermost says what happened.
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let timed_out = error.is_timeout() && error.source().is_none();
        let cause = if timed_out { "it took too long".to_owned() } else { cause.to_string() };
        CommandError::Unreachable { url: self.base.as_str().trim_end_matches('/').to_owned(), cause }
    }
}

/// The sentence of a problem (RFC 9457 section 3.1.4), and the fields it complains about when there are several.
fn refused(status: u16, problem: &Value) -> CommandError {
    let detail = problem["detail"].as_str().map(str::to_owned);
    let mut detail = detail.unwrap_or_else(|| format!("the admin API answered {status} without saying why"));
    if let Some(errors) = problem["errors"].as_array().filter(|errors| errors.len() > 1) {
        let told = errors.iter().map(|error| {
            format!("{}: {}", error["field"].as_str().unwrap_or("?"), error["message"].as_str().unwrap_or("?"))
        });
        detail = format!("{detail} {}", told.collect::<Vec<_>>().join("; "));
    }
    CommandError::Refused { status, detail }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn client(base: &str) -> AdminClient {
        rustls::crypto::ring::default_provider().install_default().ok();
        AdminClient::new(base, SecretString::from("t"), Vec::new()).unwrap()
    }

    #[test]
    fn a_part_of_a_path_cannot_leave_its_place() {
        let address = client("http://127.0.0.1:8081/rollcall/").address(&["connections", "a/../b?c"]);
        assert_eq!(address.as_str(), "http://127.0.0.1:8081/rollcall/api/v1/connections/a%2F..%2Fb%3Fc");
    }

    #[test]
    fn a_refusal_is_told_in_the_words_of_the_api() {
        let problem = json!({ "detail": "There is no connection \"x\".", "errors": [] });
        let error = client("http://localhost").read(404, problem.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "There is no connection \"x\".");
        let errors = json!([{ "field": "a", "message": "is wrong" }, { "field": "b", "message": "too" }]);
        let problem = json!({ "detail": "2 fields are wrong.", "errors": errors });
        assert_eq!(refused(422, &problem).to_string(), "2 fields are wrong. a: is wrong; b: too");
    }

    #[test]
    fn an_answer_that_is_not_json_is_not_the_api() {
        let error = client("http://localhost").read(200, b"<html>").unwrap_err();
        assert!(matches!(error, CommandError::NotTheApi { status: 200, .. }));
    }
}
