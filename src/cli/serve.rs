//! `rollcall serve`.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::arguments::ServeArguments;
use super::{CommandError, signals};
use crate::clock::SystemClock;
use crate::settings::ServeSettings;
use crate::startup::{Application, Migrations, STOP_WAIT_MAX};
use crate::telemetry::Telemetry;

/// How often histograms are folded together: their memory grows until then.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Runs the service until SIGTERM or SIGINT.
pub async fn serve(arguments: ServeArguments) -> Result<(), CommandError> {
    let stop = signals::stop()?;
    let settings = ServeSettings::from_process(arguments.config.config.as_deref())?;
    let telemetry = Telemetry::install(&settings.settings.log)?;
    for warning in &settings.settings.warnings {
        tracing::warn!("{warning}");
    }
    let migrations = if arguments.no_migrate { Migrations::Refuse } else { Migrations::Apply };
    tokio::select! {
        built = Application::build(settings, Arc::new(SystemClock), telemetry.clone(), migrations) => {
            run(built?, telemetry, stop).await
        }
        () = stop.cancelled() => Ok(()),
    }
}

/// Runs a built application until `stop`.
pub async fn run(application: Application, telemetry: Telemetry, stop: CancellationToken) -> Result<(), CommandError> {
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(STOP_WAIT_MAX).await;
    };
    tokio::select! {
        ended = application.run_until_stopped(stop.clone()) => Ok(ended?),
        () = late => {
            tracing::warn!("Not everything was put down in time; its leases run out by themselves");
            Ok(())
        }
        () = upkeep(telemetry) => Ok(()),
    }
}

async fn upkeep(telemetry: Telemetry) {
    let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        ticks.tick().await;
        telemetry.upkeep();
    }
}
