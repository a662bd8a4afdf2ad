//! The login service: client credentials, and the discovery document Microsoft's libraries ask for.
//! Entra: v2-oauth2-client-creds-grant-flow, reference-error-codes.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::RngExt;
use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::clock::{self, MICROS_PER_SECOND};
use super::login_assertions::{self, ASSERTION_TYPE, Expected};
use super::message::{Grant, Request, Response};
use super::registry::Application;
use super::world::{Shared, World};

/// The scope of the global cloud, accepted besides the simulator's own.
const GLOBAL_SCOPE: &str = "https://graph.microsoft.com/.default";

/// A refusal by the login service.
#[derive(Debug)]
pub(super) struct LoginError {
    status: u16,
    error: &'static str,
    code: u32,
    message: String,
}

/// Makes a refusal.
pub(super) fn refuse(status: u16, error: &'static str, code: u32, message: impl Into<String>) -> LoginError {
    LoginError { status, error, code, message: message.into() }
}

/// Answers a request that is not for Graph.
pub(super) fn answer(shared: &Shared, request: &Request) -> Response {
    let mut world = shared.lock();
    let segments: Vec<_> = request.path.split('/').collect();
    let outcome = match (request.method.as_str(), segments.as_slice()) {
        ("POST", [authority, "oauth2", "v2.0", "token"]) => token(shared, &mut world, request, authority),
        ("GET", [authority, "v2.0", ".well-known", "openid-configuration"]) => discovery(&world, request, authority),
        ("GET", ["common", "discovery", "instance"]) => Ok(instance(request)),
        _ => return Response::json(404, json!({ "error": "not_found" }).to_string()),
    };
    match outcome {
        Ok(body) => Response::json(200, body.to_string()),
        Err(error) => written(&mut world, &error),
    }
}

fn written(world: &mut World, error: &LoginError) -> Response {
    let (trace, correlation) = (world.fresh_id(), world.fresh_id());
    let timestamp = clock::in_seconds(world.now()).replace('T', " ");
    let description = format!(
        "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}",
        error.code, error.message
    );
    let body = json!({
        "error": error.error,
        "error_description": description,
        "error_codes": [error.code],
        "timestamp": timestamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": format!("https://login.microsoftonline.com/error?code={}", error.code),
    });
    Response::json(error.status, body.to_string())
}

fn tenant_id(world: &World, authority: &str) -> Result<Uuid, LoginError> {
    let tenant = world.tenants.values().find(|tenant| tenant.is_named(authority));
    tenant.map(|tenant| tenant.id).ok_or_else(|| {
        let message = format!("Tenant '{authority}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.");
        refuse(400, "invalid_request", 90002, message)
    })
}

fn token(shared: &Shared, world: &mut World, request: &Request, authority: &str) -> Result<Value, LoginError> {
    world.counters.token_requests += 1;
    if world.faults.login_unavailable {
        return Err(refuse(503, "temporarily_unavailable", 90033, "A transient error has occurred. Please try again."));
    }
    let tenant = tenant_id(world, authority)?;
    let form = form(request);
    let value = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    if value("grant_type") != Some("client_credentials") {
        return Err(refuse(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."));
    }
    let client_id = value("client_id").and_then(|id| Uuid::parse_str(id).ok());
    let client_id = client_id.ok_or_else(|| {
        refuse(400, "invalid_request", 900144, "The request body must contain the following parameter: 'client_id'.")
    })?;
    let application = world.tenant(tenant).applications.get(&client_id);
    let application = application.ok_or_else(|| not_installed(client_id, tenant))?;
    match value("client_assertion").filter(|_| value("client_assertion_type") == Some(ASSERTION_TYPE)) {
        Some(assertion) => {
            check_enabled(application, client_id)?;
            let audiences = audiences(request, tenant, authority);
            login_assertions::check(assertion, &Expected { client_id, audiences, now: world.now(), application })?;
        }
        None => check_secret(application, client_id, value("client_secret"))?,
    }
    check_scope(request, value("scope").unwrap_or_default())?;
    let roles = application.roles.clone();
    let lifetime = clock::micros(shared.settings.token_lifetime);
    let grant = Grant { tenant, client_id, roles, expires_at: world.now() + lifetime };
    Ok(issue(world, grant, lifetime / MICROS_PER_SECOND))
}

fn check_scope(request: &Request, scope: &str) -> Result<(), LoginError> {
    let own_scope = format!("{}/.default", request.base_url);
    if scope != GLOBAL_SCOPE && scope.replace("localhost", "127.0.0.1") != own_scope.replace("localhost", "127.0.0.1") {
        let message = format!(
            "The provided value for the input parameter 'scope' is not valid. The scope '{scope}' does not exist."
        );
        return Err(refuse(400, "invalid_scope", 70011, message));
    }
    Ok(())
}

/// The form's fields, with the credentials of HTTP Basic added.
fn form(request: &Request) -> Vec<(String, String)> {
    let owned =
        |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| (name.into_owned(), value.into_owned());
    let mut form: Vec<_> = form_urlencoded::parse(&request.body).map(owned).collect();
    let basic = request.header("authorization").and_then(|header| header.strip_prefix("Basic "));
    let decoded = basic.and_then(|basic| STANDARD.decode(basic).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some((id, secret)) = decoded.as_deref().and_then(|decoded| decoded.split_once(':')) {
        let pairs = format!("client_id={id}&client_secret={secret}");
        form.extend(form_urlencoded::parse(pairs.as_bytes()).map(owned));
    }
    form
}

fn not_installed(client_id: Uuid, tenant: Uuid) -> LoginError {
    let message = format!(
        "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant."
    );
    refuse(400, "unauthorized_client", 700_016, message)
}

/// What a client assertion may be addressed to.
fn audiences(request: &Request, tenant: Uuid, authority: &str) -> Vec<String> {
    let bases = [request.base_url.as_str(), "https://login.microsoftonline.com"];
    let names = [tenant.to_string(), authority.to_owned()];
    let pairs = bases.iter().flat_map(|base| names.iter().map(move |name| format!("{base}/{name}")));
    pairs.flat_map(|base| [format!("{base}/oauth2/v2.0/token"), format!("{base}/v2.0")]).collect()
}

fn check_enabled(application: &Application, client_id: Uuid) -> Result<(), LoginError> {
    if application.is_enabled {
        return Ok(());
    }
    Err(refuse(400, "unauthorized_client", 7_000_112, format!("Application '{client_id}' is disabled.")))
}

fn check_secret(application: &Application, client_id: Uuid, secret: Option<&str>) -> Result<(), LoginError> {
    let Some(secret) = secret else {
        let message = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        return Err(refuse(401, "invalid_client", 7_000_218, message));
    };
    check_enabled(application, client_id)?;
    if secret != application.secret {
        let message = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client_id}'."
        );
        return Err(refuse(401, "invalid_client", 7_000_215, message));
    }
    if application.is_secret_expired {
        let message = format!("The provided client secret keys for app '{client_id}' are expired.");
        return Err(refuse(401, "invalid_client", 7_000_222, message));
    }
    Ok(())
}

/// Makes an access token in the form of a JWT whose signature nobody can check, as clients of Graph should not.
fn issue(world: &mut World, grant: Grant, lifetime_seconds: i64) -> Value {
    let now = world.now();
    world.grants.retain(|_, grant| grant.expires_at > now - 3_600 * MICROS_PER_SECOND);
    let claims = json!({
        "aud": "https://graph.microsoft.com",
        "iss": format!("https://sts.windows.net/{}/", grant.tenant),
        "iat": now / MICROS_PER_SECOND,
        "exp": grant.expires_at / MICROS_PER_SECOND,
        "appid": grant.client_id,
        "tid": grant.tenant,
        "roles": grant.roles.as_ref(),
        "uti": world.fresh_id(),
    });
    let signature: [u8; 32] = world.random.random();
    let header = json!({ "typ": "JWT", "alg": "RS256" }).to_string();
    let parts = [header.into_bytes(), claims.to_string().into_bytes(), signature.to_vec()];
    let token = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    world.grants.insert(token.clone(), grant);
    json!({ "token_type": "Bearer", "expires_in": lifetime_seconds, "ext_expires_in": lifetime_seconds, "access_token": token })
}

fn discovery(world: &World, request: &Request, authority: &str) -> Result<Value, LoginError> {
    let base = &request.base_url;
    let tenant = match authority {
        "common" | "organizations" => authority.to_owned(),
        authority => tenant_id(world, authority)?.to_string(),
    };
    Ok(json!({
        "issuer": format!("{base}/{tenant}/v2.0"),
        "token_endpoint": format!("{base}/{tenant}/oauth2/v2.0/token"),
        "authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/authorize"),
        "jwks_uri": format!("{base}/{tenant}/discovery/v2.0/keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "private_key_jwt"],
        "response_types_supported": ["code", "id_token", "code id_token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
        "msgraph_host": base.trim_start_matches("http://"),
    }))
}

/// What Microsoft's libraries ask before they trust an authority.
fn instance(request: &Request) -> Value {
    let host = request.base_url.trim_start_matches("http://");
    json!({
        "tenant_discovery_endpoint": format!("{}/common/v2.0/.well-known/openid-configuration", request.base_url),
        "api-version": "1.1",
        "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
    })
}
