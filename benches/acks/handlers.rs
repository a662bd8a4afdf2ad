//! The handlers that are compared, in one server.

use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};
use rollcall::http::callbacks;
use rollcall::intake::parse;

use crate::WORKER_COUNT;
use crate::databases::Databases;
use crate::raw_log::RawLog;

/// In the order of the table.
pub const PATHS: [&str; 7] =
    ["/no-op", "/parse", "/raw-log", "/sqlite", "/postgresql", "/sqlite-while-folding", "/postgresql-while-folding"];

/// Starts the server; returns its address.
pub async fn listen(databases: &Databases) -> Result<String, String> {
    let raw_log = RawLog::create(&databases.folder().join("raw.log"))?;
    let [sqlite, postgresql] = databases.intakes();
    let app = move || {
        App::new()
            .app_data(web::PayloadConfig::new(callbacks::BODY_BYTES_MAX))
            .app_data(web::Data::new(raw_log.clone()))
            .route("/no-op", web::post().to(no_op))
            .route("/parse", web::post().to(parse_only))
            .route("/raw-log", web::post().to(log))
            .service(intake("/sqlite", &sqlite))
            .service(intake("/postgresql", &postgresql))
            .service(intake("/sqlite-while-folding", &sqlite))
            .service(intake("/postgresql-while-folding", &postgresql))
    };
    let server = HttpServer::new(app).workers(WORKER_COUNT).disable_signals().bind(("127.0.0.1", 0));
    let server = server.map_err(crate::text)?;
    let address = server.addrs()[0].to_string();
    tokio::spawn(server.run());
    Ok(address)
}

/// The handler of production, under another address.
fn intake(path: &str, data: &web::Data<rollcall::intake::Intake>) -> actix_web::Resource {
    web::resource(path.to_owned()).app_data(data.clone()).route(web::post().to(callbacks::receive))
}

async fn no_op(body: Bytes) -> HttpResponse {
    std::hint::black_box(body);
    HttpResponse::Accepted().finish()
}

async fn parse_only(body: Bytes) -> HttpResponse {
    match parse::parse(&body) {
        Ok(parsed) => {
            std::hint::black_box(parsed);
            HttpResponse::Accepted().finish()
        }
        Err(_) => HttpResponse::BadRequest().finish(),
    }
}

async fn log(body: Bytes, raw_log: web::Data<RawLog>) -> HttpResponse {
    if raw_log.append(body).await {
        HttpResponse::Accepted().finish()
    } else {
        HttpResponse::InternalServerError().finish()
    }
}
