//! The two listeners.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use tokio::task::JoinHandle;

use crate::http::api::Api;
use crate::http::auth::AdminToken;
use crate::http::routes;
use crate::intake::Intake;
use crate::store::Db;
use crate::telemetry::Telemetry;

use super::{Ports, StartError};

/// Time for requests under way when the process stops; Graph repeats what is cut off.
pub(super) const SHUTDOWN_SECONDS: u64 = 2;

/// How long a client may take to send its head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// Threads of the admin listener: people and scrapers, not Graph.
const ADMIN_WORKERS: usize = 1;

/// What the listeners serve.
pub(super) struct Served {
    pub(super) intake: Arc<Intake>,
    pub(super) api: Api,
    pub(super) token: AdminToken,
    pub(super) telemetry: Telemetry,
    pub(super) db: Db,
}

/// The running listeners.
pub(super) struct Listeners {
    public: Listener,
    admin: Listener,
}

impl Listeners {
    /// Ends both; returns when nothing of them holds the database any more.
    pub(super) async fn stop(self) {
        tokio::join!(self.public.stop(), self.admin.stop());
    }
}

struct Listener {
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

impl Listener {
    fn start(server: Server) -> Self {
        Self { handle: server.handle(), task: tokio::spawn(server) }
    }

    async fn stop(self) {
        self.handle.stop(true).await;
        if let Ok(Err(error)) = self.task.await {
            tracing::warn!("A listener did not end well: {error}");
        }
    }
}

/// Begins to listen on both addresses.
pub(super) fn start(served: Served, asked: Ports) -> Result<(Listeners, Ports), StartError> {
    let (public_socket, public_address) = bind(asked.public)?;
    let (admin_socket, admin_address) = bind(asked.admin)?;
    let public = public(&served, public_socket, public_address)?;
    let admin = admin(served, admin_socket, admin_address)?;
    Ok((Listeners { public, admin }, Ports { public: public_address, admin: admin_address }))
}

fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listen = |cause| StartError::Listen { address, cause };
    let socket = TcpListener::bind(address).map_err(listen)?;
    let bound = socket.local_addr().map_err(listen)?;
    Ok((socket, bound))
}

fn public(served: &Served, socket: TcpListener, address: SocketAddr) -> Result<Listener, StartError> {
    let (intake, db) = (Data::from(Arc::clone(&served.intake)), Data::new(served.db.clone()));
    let server =
        HttpServer::new(move || App::new().app_data(intake.clone()).app_data(db.clone()).configure(routes::public))
            .client_request_timeout(HEAD_TIMEOUT)
            .shutdown_timeout(SHUTDOWN_SECONDS)
            .disable_signals()
            .listen(socket)
            .map_err(|cause| StartError::Listen { address, cause })?
            .run();
    Ok(Listener::start(server))
}

fn admin(served: Served, socket: TcpListener, address: SocketAddr) -> Result<Listener, StartError> {
    let (api, token) = (Data::new(served.api), Data::new(served.token));
    let (telemetry, db) = (Data::new(served.telemetry), Data::new(served.db));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(api.clone())
            .app_data(token.clone())
            .app_data(telemetry.clone())
            .app_data(db.clone())
            .configure(routes::admin)
    })
    .workers(ADMIN_WORKERS)
    .client_request_timeout(HEAD_TIMEOUT)
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .disable_signals()
    .listen(socket)
    .map_err(|cause| StartError::Listen { address, cause })?
    .run();
    Ok(Listener::start(server))
}
