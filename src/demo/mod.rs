//! `rollcall demo`: the whole service on this machine, against a simulated tenant.
//!
//! Nothing is special about the service here: it is built from settings as `serve` builds it, the simulated tenant is
//! reached over HTTP, and everything shown is asked of the admin API.

mod contoso;
mod data;
mod feed;
mod life;
mod once;
mod stage;

use crate::cli::arguments::DemoArguments;
use crate::cli::{CommandError, output, signals};
use stage::{CONNECTION, Stage};

/// Shows the service at work until SIGTERM or SIGINT, or plays a bounded life and ends.
pub async fn demo(arguments: DemoArguments) -> Result<(), CommandError> {
    let stop = signals::stop()?;
    let stage = tokio::select! {
        opened = Stage::open(&arguments, stop.clone()) => opened?,
        () = stop.cancelled() => return Ok(()),
    };
    let played = tokio::select! {
        played = play(&arguments, &stage) => played,
        () = stop.cancelled() => Ok(()),
    };
    let closed = stage.close().await;
    played.and(closed)
}

async fn play(arguments: &DemoArguments, stage: &Stage) -> Result<(), CommandError> {
    if arguments.once {
        return once::play(stage).await;
    }
    greet(arguments, stage)?;
    life::live(stage, arguments.changes_per_minute).await
}

fn greet(arguments: &DemoArguments, stage: &Stage) -> Result<(), CommandError> {
    let (admin, token) = (stage.admin_url(), stage.token());
    let data = match &arguments.data {
        Some(folder) => folder.display().to_string(),
        None => "in a temporary folder, removed at the end".to_owned(),
    };
    output::line(format_args!("Rollcall keeps {} simulated people in step.\n", arguments.users))?;
    output::pairs(&[
        ("admin API", format!("{admin}/api/v1")),
        ("admin token", token.to_owned()),
        ("data", data),
        ("try", format!("curl -H 'Authorization: Bearer {token}' {admin}/api/v1/connections/{CONNECTION}")),
        ("or", format!("ROLLCALL_ADMIN_URL={admin} ROLLCALL_TOKEN={token} rollcall connection show {CONNECTION}")),
    ])?;
    output::line("\nCtrl-C ends it. What is applied:\n")
}
