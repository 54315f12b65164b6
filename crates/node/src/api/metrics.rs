//! Every service's samples as OpenMetrics.

use std::fmt;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use weft_service::{Problem, Sample, SampleKind};

use super::ApiState;
use crate::health::HealthReport;

/// The type that OpenMetrics asks for.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counters and gauges of the node and its services, as OpenMetrics.
#[utoipa::path(get, path = "/metrics", tag = "node", operation_id = "node_metrics",
    responses((status = OK, content_type = "application/openmetrics-text", body = String), (status = UNAUTHORIZED, body = Problem)))]
pub(super) async fn metrics(State(state): State<ApiState>) -> Result<impl IntoResponse, Problem> {
    let mut samples = node_samples(&state);
    samples.extend(state.switchboard.samples());
    let body = encode(samples).map_err(|error| Problem::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], body))
}

fn node_samples(state: &ApiState) -> Vec<Sample> {
    let HealthReport { parts, .. } = state.health.report(&state.switchboard);
    let up = state.facts.status().uptime_seconds;
    #[allow(clippy::cast_precision_loss)]
    let mut samples = vec![
        Sample::gauge("node_uptime_seconds", "Seconds since the node started", up as f64),
        Sample::counter("node_events", "Events since the node started", state.feed.head()),
    ];
    samples.extend(parts.into_iter().map(|(part, health)| {
        let value = if health.is_ok() { 1.0 } else { 0.0 };
        Sample::gauge("node_healthy", "Whether a part of the node is well", value).label("part", part)
    }));
    samples
}

fn encode(samples: Vec<Sample>) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("weft");
    registry.register_collector(Box::new(Samples(samples)));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Samples(Vec<Sample>);

impl Collector for Samples {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        // OpenMetrics wants all samples of a name together, under one description.
        let mut names: Vec<&'static str> = Vec::new();
        for sample in &self.0 {
            if !names.contains(&sample.name) {
                names.push(sample.name);
            }
        }
        for name in names {
            let mut family = self.0.iter().filter(|sample| sample.name == name).peekable();
            let Some(first) = family.peek() else { continue };
            let kind = match first.kind {
                SampleKind::Counter => MetricType::Counter,
                SampleKind::Gauge => MetricType::Gauge,
            };
            let mut metric = encoder.encode_descriptor(name, first.help, None, kind)?;
            for sample in family {
                if sample.labels.is_empty() {
                    value(&mut metric, sample)?;
                } else {
                    value(&mut metric.encode_family(&sample.labels)?, sample)?;
                }
            }
        }
        Ok(())
    }
}

fn value(metric: &mut MetricEncoder<'_>, sample: &Sample) -> Result<(), fmt::Error> {
    match sample.kind {
        SampleKind::Counter => metric.encode_counter::<NoLabelSet, f64, u64>(&sample.value, None),
        SampleKind::Gauge => metric.encode_gauge(&sample.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_one_name_stand_together_and_counters_end_in_total() {
        let samples = vec![
            Sample::counter("a_bytes", "Bytes", 7).label("path", "tcp"),
            Sample::gauge("b", "A gauge", 1.5),
            Sample::counter("a_bytes", "Bytes", 9).label("path", "tls \"x\""),
        ];
        let text = encode(samples).expect("it encodes");
        let lines: Vec<_> = text.lines().collect();
        assert!(lines.iter().any(|line| line.starts_with("# TYPE weft_a_bytes counter")), "{text}");
        assert_eq!(lines.iter().filter(|line| line.starts_with("# HELP weft_a_bytes")).count(), 1, "{text}");
        assert!(lines.iter().any(|line| line.starts_with("weft_a_bytes_total{path=\"tcp\"} 7")), "{text}");
        assert!(text.contains("weft_a_bytes_total{path=\"tls \\\"x\\\"\"} 9"), "{text}");
        assert!(text.contains("weft_b 1.5") && text.ends_with("# EOF\n"), "{text}");
    }
}
