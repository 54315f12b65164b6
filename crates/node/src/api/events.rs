//! The event feed as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use utoipa::IntoParams;
use weft_events::{Feed, Item, Subscription};
use weft_service::Problem;

use super::ApiState;

/// 15 s: a silent feed is told from a dead connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// Read on after this record, without a snapshot. The header `Last-Event-ID` says the same.
    after: Option<u64>,
    /// Only records of this source; snapshots and resyncs come anyway.
    source: Option<String>,
}

/// The event feed. Event types: `snapshot` (the state of every source and its sequence number; first, unless a position
/// was given), `event` (one record, its sequence number as id), `resync` (records were missed; a new snapshot follows).
#[utoipa::path(get, path = "/events", tag = "node", operation_id = "node_events", params(EventsQuery),
    responses((status = OK, content_type = "text/event-stream"), (status = TOO_MANY_REQUESTS, body = Problem)))]
pub(super) async fn events(
    State(state): State<ApiState>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let permit = state.event_readers.clone().try_acquire_owned().map_err(|_| {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-readers", "the event feed has its most readers")
            .mend("close one: a page, or a `weft events`")
    })?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let reader = Reader::new(&state.feed, query.after.or(last), query.source, permit, state.stop);
    let stream = futures::stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// One reader: a position in the feed and at most two events on their way.
struct Reader {
    feed: Feed,
    subscription: Subscription,
    ready: VecDeque<Event>,
    source: Option<String>,
    stop: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    fn new(
        feed: &Feed,
        after: Option<u64>,
        source: Option<String>,
        permit: OwnedSemaphorePermit,
        stop: CancellationToken,
    ) -> Self {
        let subscription = feed.subscribe_after(after.unwrap_or_default());
        let ready = VecDeque::new();
        let mut reader = Reader { feed: feed.clone(), subscription, ready, source, stop, _permit: permit };
        if after.is_none() {
            reader.take_snapshot();
        }
        reader
    }

    fn take_snapshot(&mut self) {
        let snapshot = self.feed.snapshot();
        self.subscription = self.feed.subscribe_after(snapshot.seq);
        self.ready.extend(json("snapshot", &snapshot).map(|event| event.id(snapshot.seq.to_string())));
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let item = tokio::select! {
                () = self.stop.cancelled() => return None,
                item = self.subscription.next() => item,
            };
            match item {
                Item::Event(record) => {
                    if self.source.as_deref().is_none_or(|source| source == record.source) {
                        self.ready.extend(json("event", &*record).map(|event| event.id(record.seq.to_string())));
                    }
                }
                Item::Resync { missed_from, head } => {
                    let gap = serde_json::json!({ "missed_from": missed_from, "head": head });
                    self.ready.extend(json("resync", &gap));
                    self.take_snapshot();
                }
            }
        }
    }
}

fn json(kind: &str, value: &impl serde::Serialize) -> Option<Event> {
    let event = Event::default().event(kind).json_data(value);
    event.inspect_err(|error| tracing::error!(%error, kind, "an event does not serialise")).ok()
}
