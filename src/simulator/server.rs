//! The HTTP side: one catch-all handler for Graph and login, on a server of its own.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::control::Delivery;
use super::message::{Content, Request, Response};
use super::world::Shared;
use super::{delivery, dispatch, errors, login};

/// The largest body taken; `getByIds` with 1,000 ids has 40 KB.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Idle connections stay open this long, as those of Graph do: a client that pauses does not meet a closing one.
const KEEP_ALIVE: Duration = Duration::from_secs(120);

/// A simulator that answers under an address. Stop it with [`Running::stop`].
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    server: ServerHandle,
    server_task: JoinHandle<io::Result<()>>,
    stop: CancellationToken,
    delivery_task: Option<JoinHandle<()>>,
}

impl Running {
    /// `http://127.0.0.1:PORT`, without `/v1.0`.
    #[must_use]
    pub fn graph_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The authority base: the same address.
    #[must_use]
    pub fn login_url(&self) -> String {
        self.graph_url()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops answering and sending; an open connection may still see one 503. The simulator and what it knows stay; it can serve again.
    pub async fn stop(self) {
        self.stop.cancel();
        self.server.stop(false).await;
        // Both tasks end by themselves after the stop; how they ended changes nothing any more.
        let _ = self.server_task.await;
        if let Some(task) = self.delivery_task {
            let _ = task.await;
        }
    }
}

/// Starts answering under this address; port 0 takes a free one.
///
/// # Errors
/// When the address cannot be listened on.
pub(super) async fn serve(shared: Arc<Shared>, address: &str) -> io::Result<Running> {
    let stop = CancellationToken::new();
    let (data, stopped) = (Data::from(shared.clone()), Data::new(stop.clone()));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .app_data(stopped.clone())
            .app_data(PayloadConfig::new(BODY_BYTES_MAX))
            .default_service(web::to(catch_all))
    });
    let server = server.workers(shared.settings.workers.max(1)).disable_signals();
    let server = server.keep_alive(KEEP_ALIVE).bind(address)?;
    let address = server.addrs().first().copied().ok_or_else(|| io::Error::other("bound to no address"))?;
    let server = server.run();
    let handle = server.handle();
    let automatic = shared.settings.delivery == Delivery::Automatic;
    let delivery_task = automatic.then(|| tokio::spawn(delivery::run_until_stopped(shared, stop.clone())));
    Ok(Running { address, server: handle, server_task: tokio::spawn(server), stop, delivery_task })
}

async fn catch_all(
    http: HttpRequest,
    body: Bytes,
    shared: Data<Shared>,
    stopped: Data<CancellationToken>,
) -> HttpResponse {
    // The last of the workers may still hold an open connection when the server has stopped.
    if stopped.is_cancelled() {
        return HttpResponse::ServiceUnavailable().force_close().finish();
    }
    let request = request(&http, &body);
    let response = match versioned(&request.path) {
        Some(("v1.0", path)) => dispatch::answer(&shared, Request { path: path.to_owned(), ..request.clone() }).await,
        Some((version, _)) => {
            let error = errors::GraphError::new(400, "BadRequest", format!("Invalid version: {version}"));
            dispatch::finish(&shared, &request, Err(error), Vec::new())
        }
        None => login::answer(&shared, &request),
    };
    written(response)
}

/// Splits the version of Graph from the path; none for the login service.
fn versioned(path: &str) -> Option<(&str, &str)> {
    let (version, rest) = path.split_once('/').unwrap_or((path, ""));
    let is_version = version.eq_ignore_ascii_case("v1.0") || version.eq_ignore_ascii_case("beta");
    is_version.then_some((if version.eq_ignore_ascii_case("v1.0") { "v1.0" } else { "beta" }, rest))
}

fn request(http: &HttpRequest, body: &Bytes) -> Request {
    let text = |value: &actix_web::http::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers: HashMap<_, _> =
        http.headers().iter().map(|(name, value)| (name.as_str().to_ascii_lowercase(), text(value))).collect();
    Request {
        method: http.method().as_str().to_ascii_uppercase(),
        path: decoded(http.uri().path()),
        query: http.query_string().to_owned(),
        base_url: format!("http://{}", http.connection_info().host()),
        headers,
        body: body.to_vec(),
    }
}

/// A path without its outer slashes, percent-decoded.
pub(super) fn decoded(path: &str) -> String {
    // In a query a plus means a space, in a path it means itself.
    let pair = format!("={}", path.trim_matches('/').replace('+', "%2B").replace('&', "%26").replace('=', "%3D"));
    url::form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).next().unwrap_or_default()
}

fn written(response: Response) -> HttpResponse {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut builder = HttpResponse::build(status);
    for (name, value) in response.headers {
        builder.insert_header((name, value));
    }
    match response.content {
        Content::Empty => builder.finish(),
        Content::Json(text) => builder
            .content_type(
                "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
            )
            .body(text),
        Content::Text(text) => builder.content_type("text/plain").body(text),
        Content::Bytes { media_type, bytes } => builder.content_type(media_type).body(bytes),
    }
}
