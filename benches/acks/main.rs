//! How many durable acknowledgements a second the intake gives, beside what the machine could do at best.
//!
//! All handlers run in the same server with the same clients, one after the other: one that answers and does nothing,
//! one that only parses, one that appends the body to a file with group commit, and the intake itself on SQLite and on
//! PostgreSQL. Ratios hold from machine to machine, absolute figures do not.
//!
//! `ROLLCALL_TEST_POSTGRES_URL=postgres://… cargo bench --bench acks`. Exits with 1 when the intake falls below what
//! [`verdict`] asks.

mod clients;
mod databases;
mod handlers;
mod raw_log;
mod verdict;

use std::process::ExitCode;
use std::time::Duration;

use clients::Figures;
use databases::Databases;

/// Threads of the server, the same for every handler.
const WORKER_COUNT: usize = 2;

/// Keep-alive connections, each with one request under way.
const CLIENT_COUNT: usize = 256;

/// How often the handlers take turns: a machine has better and worse seconds, and so each meets both.
const ROUND_COUNT: usize = 5;

/// How long each handler is measured in a round.
const MEASURED: Duration = Duration::from_millis(800);

/// How long each handler runs before that.
const WARM_UP: Duration = Duration::from_millis(200);

/// Notifications in a request.
const BATCH_SIZES: [usize; 2] = [1, 50];

#[expect(clippy::disallowed_methods, reason = "the variable belongs to the benchmark, not to the settings")]
fn main() -> ExitCode {
    let Ok(postgres) = std::env::var("ROLLCALL_TEST_POSTGRES_URL") else {
        eprintln!(
            "ROLLCALL_TEST_POSTGRES_URL is missing. Give the address of a PostgreSQL server on which databases may be \
             created, with fsync on and on the same disk as the temporary folder."
        );
        return ExitCode::FAILURE;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.map_err(text).and_then(|runtime| runtime.block_on(measure(&postgres))) {
        Ok(all_good) if all_good => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("The benchmark could not run: {error}");
            ExitCode::FAILURE
        }
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

async fn measure(postgres: &str) -> Result<bool, String> {
    let databases = Databases::create(postgres).await?;
    let server = handlers::listen(&databases).await?;
    let mut all_good = true;
    println!("{WORKER_COUNT} server threads, {CLIENT_COUNT} connections, medians of {ROUND_COUNT} rounds");
    for batch_size in BATCH_SIZES {
        let bodies = databases.bodies(batch_size);
        let mut rounds = Vec::new();
        for _ in 0..ROUND_COUNT {
            let mut round = Vec::new();
            for path in handlers::PATHS {
                databases.fold_behind(path);
                round.push(clients::run(&server, path, &bodies).await?);
                databases.fold_behind("");
                databases.empty().await?;
            }
            rounds.push(round);
        }
        print(batch_size, &rounds);
        all_good &= verdict::judge(batch_size, &rounds);
    }
    println!("{}", databases.folded());
    databases.remove().await?;
    Ok(all_good)
}

fn print(batch_size: usize, rounds: &[Vec<Figures>]) {
    println!("\n{batch_size} notifications a POST");
    println!("{:<26}{:>10}{:>18}{:>10}{:>10}", "handler", "POST/s", "notifications/s", "p50 ms", "p99 ms");
    for (index, path) in handlers::PATHS.iter().enumerate() {
        let of = |figure: fn(&Figures) -> f64| verdict::median(rounds.iter().map(|round| figure(&round[index])));
        let per_second = of(|figures| figures.answers_per_second);
        println!(
            "{:<26}{:>10.0}{:>18.0}{:>10.2}{:>10.2}",
            path.trim_start_matches('/'),
            per_second,
            per_second * batch_size as f64,
            of(|figures| figures.median_ms),
            of(|figures| figures.p99_ms)
        );
    }
}
