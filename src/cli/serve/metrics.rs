//! What `serve` counts itself, in Prometheus' text format 0.0.4.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::sys::latch::Latch;

/// What a request asked for. The path itself would make a series for each that a client invents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Auth,
    Endpoint,
    Health,
    Metrics,
    Other,
}

/// The counters.
pub(super) struct Metrics {
    answered: Latch<BTreeMap<(Class, u16), u64>>,
    in_flight: AtomicUsize,
}

/// A request that is being answered.
pub(super) struct InFlight<'a>(&'a Metrics);

impl Metrics {
    pub(super) const fn new() -> Self {
        Self { answered: Latch::new(BTreeMap::new()), in_flight: AtomicUsize::new(0) }
    }

    /// Counts a request until the value is dropped.
    pub(super) fn begin(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self)
    }

    /// Counts an answer.
    pub(super) fn answered(&self, class: Class, status: u16) {
        *self.answered.lock().entry((class, status)).or_default() += 1;
    }

    /// The text. `connections` are open, and `bodies` bytes of bodies in memory.
    pub(super) fn text(&self, connections: usize, bodies: usize) -> String {
        let mut text = String::new();
        family(&mut text, "authchain_serve_requests_total", "counter", "Requests answered, by what they asked for.");
        for ((class, status), count) in &*self.answered.lock() {
            let path = class.label();
            // Writing to a string does not fail.
            let _ = writeln!(text, "authchain_serve_requests_total{{path=\"{path}\",status=\"{status}\"}} {count}");
        }
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        for (name, help, value) in [
            ("authchain_serve_requests_in_flight", "Requests being answered, this one included.", in_flight),
            ("authchain_serve_connections", "Open connections.", connections),
            ("authchain_serve_body_bytes", "Bytes of request bodies in memory.", bodies),
        ] {
            family(&mut text, name, "gauge", help);
            let _ = writeln!(text, "{name} {value}");
        }
        text
    }
}

fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

impl Class {
    fn label(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Endpoint => "endpoint",
            Self::Health => "healthz",
            Self::Metrics => "metrics",
            Self::Other => "other",
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
