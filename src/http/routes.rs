//! Every address, in one place.

use actix_web::middleware::from_fn;
use actix_web::web::{self, PayloadConfig, ServiceConfig, delete, get, patch, post};
use actix_web::{Resource, Route};

use super::api::{accounts, connections, events, log, openapi, queue, runs, subscriptions, teams};
use super::auth::require_token;
use super::errors::{as_problem, nothing_here, without_nul};
use super::{callbacks, probes};

/// The longest body of the admin API: a thousand groups and two hundred mapping rows take a tenth of it.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The public listener. Needs as application data: [`crate::intake::Intake`] and [`crate::store::Db`].
pub fn public(cfg: &mut ServiceConfig) {
    probes(cfg);
    callbacks::configure(cfg);
    cfg.default_service(web::to(nothing_here));
}

/// The admin listener. Needs as application data: [`super::Api`], [`super::auth::AdminToken`],
/// [`crate::store::Db`] and [`crate::telemetry::Telemetry`].
pub fn admin(cfg: &mut ServiceConfig) {
    probes(cfg);
    cfg.service(at("/metrics", get().to(probes::metrics)));
    cfg.service(
        web::scope("/api/v1")
            .wrap(from_fn(without_nul))
            .wrap(from_fn(require_token))
            .wrap(from_fn(as_problem))
            .app_data(PayloadConfig::new(BODY_BYTES_MAX))
            .configure(connections)
            .configure(of_one_connection)
            .configure(runs)
            .service(at("/subscriptions/renew", post().to(subscriptions::renew)))
            .service(at("/openapi.json", get().to(openapi::document))),
    );
    cfg.default_service(web::to(nothing_here));
}

fn probes(cfg: &mut ServiceConfig) {
    cfg.service(at("/healthz", get().to(probes::healthz)));
    cfg.service(at("/readyz", get().to(probes::readyz)));
}

fn connections(cfg: &mut ServiceConfig) {
    let one = at("/connections/{connection}", get().to(connections::show));
    cfg.service(at("/connections", get().to(connections::list)).route(post().to(connections::create)))
        .service(one.route(patch().to(connections::change)).route(delete().to(connections::remove)))
        .service(at("/connections/{connection}/pause", post().to(connections::pause)))
        .service(at("/connections/{connection}/resume", post().to(connections::resume)));
}

fn of_one_connection(cfg: &mut ServiceConfig) {
    cfg.service(at("/connections/{connection}/sync", post().to(runs::request)))
        .service(at("/connections/{connection}/runs", get().to(runs::list)))
        .service(at("/connections/{connection}/accounts", get().to(accounts::list)))
        .service(at("/connections/{connection}/accounts/{account}", get().to(accounts::show)))
        .service(at("/connections/{connection}/teams", get().to(teams::list)))
        .service(at("/connections/{connection}/teams/{team}", get().to(teams::show)))
        .service(at("/connections/{connection}/teams/{team}/members", get().to(teams::members)))
        .service(at("/connections/{connection}/log", get().to(log::list)))
        .service(at("/connections/{connection}/events", get().to(events::list)))
        .service(at("/connections/{connection}/subscriptions", get().to(subscriptions::list)))
        .service(at("/connections/{connection}/queue", get().to(queue::show)));
}

fn runs(cfg: &mut ServiceConfig) {
    cfg.service(at("/runs/{run}", get().to(runs::show)))
        .service(at("/runs/{run}/plan", get().to(runs::plan)))
        .service(at("/runs/{run}/cancel", post().to(runs::cancel)))
        .service(at("/runs/{run}/allow", post().to(runs::allow)))
        .service(at("/runs/{run}/reject", post().to(runs::reject)));
}

/// An address of its own, so that another method is answered 405: a route added to a scope alone answers 404.
fn at(path: &str, route: Route) -> Resource {
    web::resource(path).route(route)
}
