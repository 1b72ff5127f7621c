//! The spans of a piece of work, captured in process, for tests that follow a trace.
//!
//! Only what happens on the calling thread is captured: tests on other threads stay apart.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber};
use tracing_core::span::Current;

/// A span or an event of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// The name of a span; for an event, `event`.
    pub name: &'static str,
    /// The level, for example `INFO`.
    pub level: String,
    /// The fields with their values, in the order in which they were recorded. The text of an event
    /// is its field `message`.
    pub fields: Vec<(&'static str, String)>,
    /// Index of the span around it.
    pub parent: Option<usize>,
}

impl Captured {
    /// The value of a field, the last one where it was recorded more than once.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Runs a piece of work and gives back what it returned, and the spans and events it left, in order.
pub fn capture<T>(work: impl FnOnce() -> T) -> (T, Vec<Captured>) {
    keep_callsites_open();
    let recorder = Recorder::default();
    let captured = Arc::clone(&recorder.captured);
    let outcome = tracing::subscriber::with_default(recorder, work);
    let captured = captured.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (outcome, captured)
}

/// Runs a future on this thread and gives back what it returned, and the spans and events it left.
pub async fn capture_async<F: Future>(work: F) -> (F::Output, Vec<Captured>) {
    keep_callsites_open();
    let recorder = Recorder::default();
    let captured = Arc::clone(&recorder.captured);
    let guard = tracing::subscriber::set_default(recorder);
    let outcome = work.await;
    drop(guard);
    let captured = captured.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (outcome, captured)
}

/// Whether a span lies within another one, at any depth.
pub fn is_within(captured: &[Captured], inner: usize, outer: usize) -> bool {
    let mut parent = captured.get(inner).and_then(|span| span.parent);
    while let Some(index) = parent {
        if index == outer {
            return true;
        }
        parent = captured[index].parent;
    }
    false
}

/// Has every thread ask its own subscriber whether a span is wanted.
///
/// While there is one subscriber in the process, `tracing` asks that of the thread which meets a span
/// first, and remembers the answer for all: a thread without one would switch the span off for those
/// that capture. With two more, which are never dropped, nothing is remembered.
fn keep_callsites_open() {
    static UNDECIDED: OnceLock<[Dispatch; 2]> = OnceLock::new();
    UNDECIDED.get_or_init(|| [Dispatch::new(Undecided), Dispatch::new(Undecided)]);
}

/// Leaves it to other subscribers whether a span is wanted.
struct Undecided;

impl Subscriber for Undecided {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Recorder {
    captured: Arc<Mutex<Vec<Captured>>>,
    /// The spans that are entered, the innermost last. All on one thread.
    entered: Mutex<Vec<usize>>,
    /// What the spans and events of `captured` are declared as.
    metadata: Mutex<Vec<&'static Metadata<'static>>>,
}

impl Recorder {
    /// Ids are indexes into `captured`, counted from 1.
    fn index(id: &Id) -> usize {
        usize::try_from(id.into_u64()).unwrap_or(usize::MAX) - 1
    }

    fn innermost(&self) -> Option<usize> {
        let entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        entered.last().copied()
    }

    fn push(&self, metadata: &'static Metadata<'static>, captured: Captured) -> usize {
        self.metadata.lock().unwrap_or_else(PoisonError::into_inner).push(metadata);
        let mut all = self.captured.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(captured);
        all.len() - 1
    }

    fn parent(&self, explicit: Option<&Id>, is_contextual: bool) -> Option<usize> {
        match explicit {
            Some(id) => Some(Self::index(id)),
            None if is_contextual => self.innermost(),
            None => None,
        }
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        span.record(&mut fields);
        let index = self.push(
            span.metadata(),
            Captured {
                name: span.metadata().name(),
                level: span.metadata().level().to_string(),
                fields: fields.0,
                parent: self.parent(span.parent(), span.is_contextual()),
            },
        );
        Id::from_u64(index as u64 + 1)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        let mut all = self.captured.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(captured) = all.get_mut(Self::index(span)) {
            captured.fields.extend(fields.0);
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.push(
            event.metadata(),
            Captured {
                name: "event",
                level: event.metadata().level().to_string(),
                fields: fields.0,
                parent: self.parent(event.parent(), event.is_contextual()),
            },
        );
    }

    fn enter(&self, span: &Id) {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner).push(Self::index(span));
    }

    fn exit(&self, span: &Id) {
        let mut entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = entered.iter().rposition(|index| *index == Self::index(span)) {
            entered.remove(place);
        }
    }

    fn current_span(&self) -> Current {
        let metadata = self.metadata.lock().unwrap_or_else(PoisonError::into_inner);
        match self.innermost() {
            Some(index) => Current::new(Id::from_u64(index as u64 + 1), metadata[index]),
            None => Current::none(),
        }
    }
}

#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push((field.name(), format!("{value:?}")));
    }
}

#[cfg(test)]
mod tests {
    use super::capture;

    fn meet_a_span() {
        tracing::info_span!("met first by a thread that captures nothing").in_scope(|| ());
    }

    /// A harness failed now and then: another test had met the span first, on a thread without a
    /// subscriber, and so had switched it off for the test that captured.
    #[test]
    fn a_span_that_another_thread_met_first_is_captured() {
        let ((), spans) = capture(|| {
            std::thread::spawn(meet_a_span).join().expect("the thread ends");
            meet_a_span();
        });
        assert_eq!(spans.len(), 1, "{spans:#?}");
    }
}
