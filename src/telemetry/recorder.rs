//! Metrics as Prometheus text.

use std::fmt::Write as _;

use metrics::Label;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::TelemetryError;
use super::metrics_names::{Kind, Labels, METRICS, Metric};

/// Set a gauge to this to end its series, as when its connection was removed: the recorder itself keeps every series.
pub const GONE: f64 = f64::NAN;

/// A recorder that knows every metric, with all series that can be known beforehand at zero.
pub(super) fn new_recorder() -> Result<PrometheusRecorder, TelemetryError> {
    let mut builder = PrometheusBuilder::new();
    for metric in METRICS {
        if let Kind::Histogram(buckets) = metric.kind {
            builder = builder
                .set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)
                .map_err(TelemetryError::Metrics)?;
        }
    }
    let recorder = builder.build_recorder();
    metrics::with_local_recorder(&recorder, || METRICS.iter().for_each(register));
    Ok(recorder)
}

fn register(metric: &Metric) {
    match metric.kind {
        Kind::Counter => metrics::describe_counter!(metric.name, metric.unit, metric.help),
        Kind::Gauge => metrics::describe_gauge!(metric.name, metric.unit, metric.help),
        Kind::Histogram(_) => metrics::describe_histogram!(metric.name, metric.unit, metric.help),
    }
    for labels in known_series(metric) {
        match metric.kind {
            Kind::Counter => metrics::counter!(metric.name, labels).absolute(0),
            Kind::Gauge => metrics::gauge!(metric.name, labels).set(0.0),
            Kind::Histogram(_) => drop(metrics::histogram!(metric.name, labels)),
        }
    }
}

/// Every combination of the label values known beforehand; one series without labels when there are no labels.
fn known_series(metric: &Metric) -> Vec<Vec<Label>> {
    let Labels::Known(labels) = metric.labels else { return Vec::new() };
    labels.iter().fold(vec![Vec::new()], |series, (name, values)| {
        let extend = |begun: &Vec<Label>| {
            let begun = begun.clone();
            values.iter().map(move |value| [begun.as_slice(), &[Label::from_static_parts(name, value)]].concat())
        };
        series.iter().flat_map(extend).collect()
    })
}

/// All metrics as Prometheus text.
///
/// A metric without any series yet still appears with its help and type; a series set to [`GONE`] does not appear.
pub(super) fn render(handle: &PrometheusHandle) -> String {
    handle.run_upkeep();
    let rendered = handle.render();
    let mut text = String::with_capacity(rendered.len() + 1024);
    for line in rendered.lines().filter(|line| !line.ends_with(" NaN")) {
        text.push_str(line);
        text.push('\n');
    }
    for metric in METRICS {
        let type_line = format!("# TYPE {} ", metric.name);
        if !rendered.contains(&type_line) {
            let word = type_word(metric.kind);
            // Writing to a string cannot fail.
            let _ = write!(text, "# HELP {} {}\n{type_line}{word}\n\n", metric.name, metric.help);
        }
    }
    text
}

fn type_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
    }
}

#[cfg(test)]
mod tests {
    use super::super::metrics_names::*;
    use super::*;

    #[test]
    fn every_metric_is_there_from_the_start_with_help_and_type() {
        let text = render(&new_recorder().unwrap().handle());
        for metric in METRICS {
            let (name, word) = (metric.name, type_word(metric.kind));
            assert_eq!(text.matches(&format!("# HELP {name} {}\n", metric.help)).count(), 1, "{name}\n{text}");
            assert_eq!(text.matches(&format!("# TYPE {name} {word}\n")).count(), 1, "{name}\n{text}");
        }
        for line in [
            "rollcall_notifications_total{result=\"accepted\"} 0",
            "rollcall_notification_ack_seconds_bucket{le=\"0.001\"} 0",
            "rollcall_notification_ack_seconds_bucket{le=\"10\"} 0",
            "rollcall_notification_ack_seconds_count 0",
            "rollcall_queue_depth{lane=\"photo\"} 0",
            "rollcall_queue_oldest_seconds{lane=\"user\"} 0",
            "rollcall_change_applied_seconds_bucket{found_by=\"delta\",le=\"0.05\"} 0",
            "rollcall_change_applied_seconds_bucket{found_by=\"delta\",le=\"3600\"} 0",
            "rollcall_changes_found_total{found_by=\"reconcile\"} 0",
            "rollcall_graph_resource_units_total 0",
            "rollcall_graph_throttled_total 0",
            "rollcall_run_seconds_count{kind=\"on_demand\",status=\"held\"} 0",
            "rollcall_deliveries_total{kind=\"webhook\",result=\"buried\"} 0",
            "rollcall_connections{status=\"silent\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn the_names_are_those_operators_have_in_their_dashboards() {
        let names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
        let contract = "notifications_total notification_ack_seconds queue_depth queue_oldest_seconds \
             change_applied_seconds changes_found_total graph_requests_total graph_resource_units_total \
             graph_throttled_total subscription_expires_seconds run_seconds accounts deliveries_total \
             delivery_lag_seconds connections";
        let contract: Vec<String> = contract.split_whitespace().map(|name| format!("rollcall_{name}")).collect();
        assert_eq!(names, contract);
    }

    #[test]
    fn what_is_recorded_is_rendered_and_a_series_that_is_gone_is_not() {
        let recorder = new_recorder().unwrap();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!(NOTIFICATIONS_TOTAL, "result" => "accepted").increment(3);
            metrics::histogram!(NOTIFICATION_ACK_SECONDS).record(0.002);
            metrics::gauge!(ACCOUNTS, "connection" => "contoso", "state" => "active").set(7.0);
        });
        let text = render(&handle);
        assert!(text.contains("rollcall_notifications_total{result=\"accepted\"} 3\n"), "{text}");
        assert!(text.contains("rollcall_notification_ack_seconds_bucket{le=\"0.0025\"} 1\n"), "{text}");
        assert!(text.contains("rollcall_accounts{connection=\"contoso\",state=\"active\"} 7\n"), "{text}");
        assert_eq!(text.matches("# TYPE rollcall_accounts gauge").count(), 1, "{text}");

        metrics::with_local_recorder(&recorder, || {
            metrics::gauge!(ACCOUNTS, "connection" => "contoso", "state" => "active").set(GONE);
        });
        let text = render(&handle);
        assert!(!text.contains("contoso"), "{text}");
        assert_eq!(text.matches("# TYPE rollcall_accounts gauge").count(), 1, "{text}");
    }
}
