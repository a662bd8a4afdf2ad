//! Every address, in one place.

use actix_web::middleware::from_fn;
use actix_web::web::{self, PayloadConfig, ServiceConfig, delete, get, patch, post};

use super::api::{accounts, connections, events, log, openapi, queue, runs, subscriptions, teams};
use super::auth::require_token;
use super::errors::{as_problem, nothing_here};
use super::probes;

/// The longest body of the admin API: a thousand groups and two hundred mapping rows take a tenth of it.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The public listener, apart from what Graph calls.
pub fn public(cfg: &mut ServiceConfig) {
    probes(cfg);
    cfg.default_service(web::to(nothing_here));
}

/// The admin listener. Needs as application data: [`super::Api`], [`super::auth::AdminToken`],
/// [`crate::store::Db`] and [`crate::telemetry::Telemetry`].
pub fn admin(cfg: &mut ServiceConfig) {
    probes(cfg);
    cfg.route("/metrics", get().to(probes::metrics));
    cfg.default_service(web::to(nothing_here));
    cfg.service(
        web::scope("/api/v1")
            .wrap(from_fn(require_token))
            .wrap(from_fn(as_problem))
            .app_data(PayloadConfig::new(BODY_BYTES_MAX))
            .configure(connections)
            .configure(of_one_connection)
            .configure(runs)
            .route("/subscriptions/renew", post().to(subscriptions::renew))
            .route("/openapi.json", get().to(openapi::document)),
    );
}

fn probes(cfg: &mut ServiceConfig) {
    cfg.route("/healthz", get().to(probes::healthz)).route("/readyz", get().to(probes::readyz));
}

fn connections(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections").route(get().to(connections::list)).route(post().to(connections::create)))
        .service(
            web::resource("/connections/{connection}")
                .route(get().to(connections::show))
                .route(patch().to(connections::change))
                .route(delete().to(connections::remove)),
        )
        .route("/connections/{connection}/pause", post().to(connections::pause))
        .route("/connections/{connection}/resume", post().to(connections::resume));
}

fn of_one_connection(cfg: &mut ServiceConfig) {
    cfg.service(
        web::scope("/connections/{connection}")
            .route("/sync", post().to(runs::request))
            .route("/runs", get().to(runs::list))
            .route("/accounts", get().to(accounts::list))
            .route("/accounts/{account}", get().to(accounts::show))
            .route("/teams", get().to(teams::list))
            .route("/teams/{team}", get().to(teams::show))
            .route("/teams/{team}/members", get().to(teams::members))
            .route("/log", get().to(log::list))
            .route("/events", get().to(events::list))
            .route("/subscriptions", get().to(subscriptions::list))
            .route("/queue", get().to(queue::show)),
    );
}

fn runs(cfg: &mut ServiceConfig) {
    cfg.service(
        web::scope("/runs/{run}")
            .route("", get().to(runs::show))
            .route("/plan", get().to(runs::plan))
            .route("/cancel", post().to(runs::cancel))
            .route("/allow", post().to(runs::allow))
            .route("/reject", post().to(runs::reject)),
    );
}
