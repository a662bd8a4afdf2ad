//! What Rollcall tells about itself: log lines on stderr and metrics as Prometheus text.

pub mod metrics_names;
mod recorder;
mod redaction;

use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};

use metrics_exporter_prometheus::{BuildError, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::settings::{LogFormat, LogSettings};

pub use recorder::GONE;
pub use redaction::Redacted;

/// The process's log and metrics: there is one of each, however often they are asked for.
#[derive(Clone, Debug)]
pub struct Telemetry {
    metrics: PrometheusHandle,
}

/// Why log or metrics could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Another recorder is in place, or a bucket list is empty.
    #[error("the metrics recorder could not be installed")]
    Metrics(#[source] BuildError),
    /// The filter is not one.
    #[error("ROLLCALL_LOG is not a list of levels")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// Another log is in place.
    #[error("the log could not be set up")]
    Log(#[source] TryInitError),
}

/// What has been set up in this process.
#[derive(Debug)]
struct Installed {
    telemetry: Option<Telemetry>,
    log: bool,
}

static INSTALLED: Mutex<Installed> = Mutex::new(Installed { telemetry: None, log: false });

impl Telemetry {
    /// Sets up log and metrics, once in a process: later calls keep the first log settings.
    ///
    /// # Errors
    /// When another recorder or log is in place, or the filter is malformed.
    pub fn install(log: &LogSettings) -> Result<Self, TelemetryError> {
        let telemetry = Self::install_metrics()?;
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if !installed.log {
            install_log(log)?;
            installed.log = true;
        }
        Ok(telemetry)
    }

    /// Sets up the metrics alone, for tests and for commands that keep no log.
    ///
    /// # Errors
    /// When another recorder is in place.
    pub fn install_metrics() -> Result<Self, TelemetryError> {
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(telemetry) = &installed.telemetry {
            return Ok(telemetry.clone());
        }
        let recorder = recorder::new_recorder()?;
        let telemetry = Self { metrics: recorder.handle() };
        metrics::set_global_recorder(recorder).map_err(|error| TelemetryError::Metrics(error.into()))?;
        installed.telemetry = Some(telemetry.clone());
        Ok(telemetry)
    }

    /// All metrics as Prometheus text (exposition format 0.0.4), every name included from the start.
    pub fn render(&self) -> String {
        recorder::render(&self.metrics)
    }

    /// Moves what histograms observed into their buckets, which frees its memory; call it every few seconds where
    /// nobody may come to scrape.
    pub fn upkeep(&self) {
        self.metrics.run_upkeep();
    }
}

/// Log lines go to stderr: stdout belongs to what a command prints.
fn install_log(log: &LogSettings) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&log.filter).map_err(TelemetryError::Filter)?;
    let on_terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match resolved(log.format, on_terminal) {
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
        LogFormat::Text | LogFormat::Auto => builder.with_ansi(on_terminal).finish().try_init(),
    }
    .map_err(TelemetryError::Log)
}

fn resolved(format: LogFormat, on_terminal: bool) -> LogFormat {
    match format {
        LogFormat::Auto if on_terminal => LogFormat::Text,
        LogFormat::Auto => LogFormat::Json,
        chosen => chosen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installing_twice_gives_the_same_metrics() {
        let first = Telemetry::install(&LogSettings::default()).unwrap();
        let second = Telemetry::install(&LogSettings::default()).unwrap();
        let alone = Telemetry::install_metrics().unwrap();
        metrics::counter!(metrics_names::GRAPH_THROTTLED_TOTAL).increment(5);
        for telemetry in [first, second, alone] {
            assert!(telemetry.render().contains("rollcall_graph_throttled_total 5\n"));
        }
    }

    #[test]
    fn lines_are_text_on_a_terminal_and_json_elsewhere_unless_chosen() {
        assert_eq!(resolved(LogFormat::Auto, true), LogFormat::Text);
        assert_eq!(resolved(LogFormat::Auto, false), LogFormat::Json);
        assert_eq!(resolved(LogFormat::Text, false), LogFormat::Text);
        assert_eq!(resolved(LogFormat::Json, true), LogFormat::Json);
    }
}
