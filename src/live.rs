//! A configuration that may change while requests are judged: what hosts open once and keep.
//!
//! A request keeps the generation it began with. A new one is built aside and takes its place at
//! once, or not at all.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use once_cell::sync::OnceCell;

use crate::config::Origin;
use crate::context::{Context, Host};
use crate::error::Report;
use crate::log::Severity;
use crate::schemes::custom::Loader;
use crate::sys::fork::{self, AcrossFork};
use crate::sys::latch::Latch;
use crate::sys::{clock, file};

/// What hosts share between threads.
pub(crate) struct Live {
    origin: Origin,
    /// The generation that it was opened with: read without a lock for as long as nothing changes.
    first: Arc<Context>,
    /// Whether there is a later one.
    is_replaced: AtomicBool,
    later: Arc<Later>,
    reloaded: AtomicU64,
    refused: AtomicU64,
    /// Followed by the default context only.
    watch: Option<Watch>,
}

/// The generation after the first.
struct Later(Latch<Option<Arc<Context>>>);

/// The configuration file as it was last seen.
struct Watch {
    /// When it was last looked at.
    looked_ms: AtomicU64,
    seen: Latch<Seen>,
}

struct Seen {
    stamp: Stamp,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Used,
    /// It may still be written.
    New,
    /// Tried again: what it names may have been put right.
    Refused,
}

type Stamp = Option<(u64, u64, u64, i64, i64)>;

impl Live {
    /// Loads a configuration. Starts no thread, opens no connection.
    pub(crate) fn open(origin: Origin, host: Host) -> Result<Arc<Self>, Report> {
        fork::without_fork(|| Self::open_inside(origin, host, false))
    }

    fn open_inside(origin: Origin, host: Host, follows: bool) -> Result<Arc<Self>, Report> {
        let stamp = stamp(&origin); // before it is read: a change in between is seen later
        let first = Arc::new(Context::open_inside(&origin, host, None)?);
        let later = Arc::new(Later(Latch::new(None)));
        let member: Weak<Later> = Arc::downgrade(&later);
        fork::register(member);
        let looked_ms = AtomicU64::new(clock::coarse_ms());
        let watch = follows.then(|| Watch { looked_ms, seen: Latch::new(Seen { stamp, state: State::Used }) });
        let (reloaded, refused, is_replaced) = Default::default();
        Ok(Arc::new(Self { origin, first, is_replaced, later, reloaded, refused, watch }))
    }

    /// The generation in use; a default context first looks whether its file has changed.
    pub(crate) fn now(&self) -> Arc<Context> {
        if let Some(watch) = &self.watch {
            self.look(watch);
        }
        self.current()
    }

    fn current(&self) -> Arc<Context> {
        let later = || self.later.0.lock().clone();
        // Acquire: who sees the mark finds the later generation.
        if self.is_replaced.load(Ordering::Acquire) {
            later().unwrap_or_else(|| self.first.clone())
        } else {
            self.first.clone()
        }
    }

    /// Loads the configuration again. When it is refused, the one in use stays.
    pub(crate) fn reload(&self) -> Result<(), Report> {
        fork::without_fork(|| self.next()).map(|former| self.part_with(former))
    }

    /// Puts the next generation in place; the former one is to be dropped outside.
    fn next(&self) -> Result<Arc<Context>, Report> {
        let now = self.current();
        let host = now.host().clone();
        match Context::open_inside(&self.origin, host, Some(&now)) {
            Ok(next) => {
                self.later.0.lock().replace(Arc::new(next));
                self.is_replaced.store(true, Ordering::Release);
                self.reloaded.fetch_add(1, Ordering::Relaxed);
                Ok(now)
            }
            Err(report) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(report)
            }
        }
    }

    /// The first generation stays with the context, but keeps no file open.
    fn part_with(&self, former: Arc<Context>) {
        if Arc::ptr_eq(&former, &self.first) {
            former.rest();
        }
    }

    /// Looks once a second at most whether the file has changed, and loads it when it has been the
    /// same for a second: half a file may be a good one that says less. What was refused is told to
    /// the log once.
    fn look(&self, watch: &Watch) {
        let now = clock::coarse_ms();
        let looked = watch.looked_ms.load(Ordering::Relaxed);
        if now.saturating_sub(looked) >= EVERY_MS
            && watch.looked_ms.compare_exchange(looked, now, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            && let Some(former) = fork::without_fork(|| self.follow(watch))
        {
            self.part_with(former);
        }
    }

    fn follow(&self, watch: &Watch) -> Option<Arc<Context>> {
        let mut seen = watch.seen.lock();
        let stamp = stamp(&self.origin);
        if stamp != seen.stamp {
            *seen = Seen { stamp, state: State::New };
            return None;
        }
        if seen.state == State::Used {
            return None;
        }
        let next = self.next();
        if let (Err(report), State::New, Some(log)) = (&next, seen.state, self.current().log()) {
            log.take(Severity::Error, &format!("config.refused {report}"));
        }
        seen.state = if next.is_ok() { State::Used } else { State::Refused };
        // Written while it was read: what was read may be half of it, and is replaced by the whole.
        seen.stamp = if self::stamp(&self.origin) == stamp { stamp } else { None };
        next.ok()
    }

    /// What has been answered and loaded, in Prometheus' text format (0.0.4).
    pub(crate) fn metrics(&self) -> String {
        let (reloaded, refused) = (self.reloaded.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed));
        self.now().metrics()
            + &format!(
                "# HELP authchain_config_reloads_total Attempts to load the configuration again.\n\
                 # TYPE authchain_config_reloads_total counter\n\
                 authchain_config_reloads_total{{result=\"loaded\"}} {reloaded}\n\
                 authchain_config_reloads_total{{result=\"refused\"}} {refused}\n"
            )
    }
}

impl AcrossFork for Later {
    fn shut(&self) {
        self.0.hold();
    }

    fn open(&self) {
        self.0.release();
    }
}

fn stamp(origin: &Origin) -> Stamp {
    origin.path.as_deref().and_then(file::stamp)
}

/// The context of the one-call form: opened on first use, tried again once a second at most; a
/// changed file is looked for as often.
pub(crate) fn default_context(plugins: Loader) -> Result<&'static Arc<Live>, Report> {
    static CONTEXT: OnceCell<Arc<Live>> = OnceCell::new();
    // The last failure, so that a flood of requests does not read a broken file each time.
    static FAILED: Latch<Option<(u64, Report)>> = Latch::new(None);
    if let Some(live) = CONTEXT.get() {
        return Ok(live);
    }
    fork::without_fork(|| {
        let mut failed = FAILED.lock();
        let now = clock::coarse_ms();
        if let Some((when, report)) = &*failed
            && now.saturating_sub(*when) < EVERY_MS
        {
            return Err(report.clone());
        }
        let opened = CONTEXT.get_or_try_init(|| {
            let origin = Origin { plugins: Some(plugins), ..Origin::usual() };
            Live::open_inside(origin, Host::default(), true)
        });
        *failed = opened.as_ref().err().map(|report| (now, report.clone()));
        opened
    })
}

const EVERY_MS: u64 = 1000;
