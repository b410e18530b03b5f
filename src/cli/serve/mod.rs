//! `authchain serve`: verdicts and endpoints over HTTP, for hosts that cannot load a library (docs/serve.md). One thread
//! does all input and output; what blocks runs on a bounded pool.

mod answer;
mod body;
mod connection;
mod forward;
mod listen;
mod metrics;
mod pool;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::output::{self, Failure, Outcome};
use crate::config::Origin;
use crate::config::serve::{Listen, Serve};
use crate::context::{Context, Host};
use crate::live::Live;
use crate::log::{Log, Severity};
use crate::sys::file::reason;
use body::Bodies;
use listen::Listener;
use metrics::Metrics;
use pool::Pool;

/// What to serve.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Listen here: address:port, or unix:PATH [default: `listen` of the section serve]
    #[arg(long, value_name = "PLACE")]
    listen: Option<String>,
    /// Log requests that pass, too
    #[arg(long, short)]
    verbose: bool,
}

/// What connections share.
struct Server {
    live: Arc<Live>,
    pool: Pool,
    /// For the question whether the database is there.
    health: Pool,
    /// For fetching public keys.
    keys: Pool,
    bodies: Bodies,
    metrics: Metrics,
    limits: Limits,
    /// A permit for each connection that may be open.
    connections: Arc<Semaphore>,
}

/// What is built in at the start: a configuration that is loaded later does not change it.
struct Limits {
    header_timeout: Duration,
    body_timeout: Duration,
    idle_timeout: Duration,
    connections: u32,
}

/// Serves until a signal says otherwise.
pub(super) fn run(args: &Args, origin: &Origin) -> Outcome {
    let verbose = args.verbose;
    let log = move |severity: Severity, line: &str| {
        if verbose || severity != Severity::Debug {
            output::note(line);
        }
    };
    let live = Live::open(origin.clone(), Host { name: "serve".to_owned(), log: Some(Log::host(log)) })?;
    let context = live.now();
    let settings = &context.config().serve;
    let listen = match &args.listen {
        None => settings.listen.clone(),
        Some(text) => Listen::parse(text, Path::new("."))
            .ok_or_else(|| format!("{text:?} is no place to listen ({})", Listen::EXPECTED))?,
    };
    let threads = threads(settings);
    let runtime = runtime(threads).map_err(|e| format!("the threads cannot be started: {}", reason(&e)))?;
    let server = Arc::new(Server::new(live, threads, settings));
    let served = runtime.block_on(serve(server, &listen, settings.socket_mode));
    // Work whose client is gone may go on for as long as the database waits for a lock.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

/// Four a processor: verdicts wait for disks and locks.
fn threads(settings: &Serve) -> usize {
    match settings.threads {
        0 => std::thread::available_parallelism().map_or(4, |cores| (4 * cores.get()).min(64)),
        given => given,
    }
}

fn runtime(threads: usize) -> std::io::Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(threads + 2) // and those of `health` and `keys`
        .thread_name("authchain")
        .build()
}

impl Server {
    fn new(live: Arc<Live>, threads: usize, settings: &Serve) -> Self {
        let connections = settings.connections;
        let limits = Limits {
            header_timeout: settings.header_timeout,
            body_timeout: settings.body_timeout,
            idle_timeout: settings.idle_timeout,
            connections: u32::try_from(connections).unwrap_or(u32::MAX),
        };
        Self {
            pool: Pool::new(threads),
            health: Pool::new(1),
            keys: Pool::new(1),
            bodies: Bodies::new(),
            metrics: Metrics::new(),
            limits,
            connections: Arc::new(Semaphore::new(connections)),
            live,
        }
    }

    /// The configuration that a request begins with, and keeps.
    fn context(&self) -> Arc<Context> {
        self.live.now()
    }

    /// Reads the configuration again; a faulty one changes nothing. What was built in at the start stays.
    async fn reload(&self) {
        let live = self.live.clone();
        // The thread of `health`, which has seldom anything to do.
        match self.health.run(move || live.reload()).await {
            Ok(Ok(())) => output::note("config.loaded"),
            Ok(Err(report)) => output::note(&format!("config.refused {report}")),
            Err(_) => output::note("config.refused the database is waited for"),
        }
    }

    /// Fetches the sets of public keys that are due, at once and whenever they are. The log tells what goes wrong.
    async fn tick(&self) {
        let mut seconds = interval(TICK);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            seconds.tick().await;
            let context = self.context();
            if context.is_tick_due() {
                let _ = self.keys.run(move || context.tick(0)).await;
            }
        }
    }

    /// All that is counted.
    fn metrics_text(&self) -> String {
        let most = usize::try_from(self.limits.connections).unwrap_or(usize::MAX);
        let open = most.saturating_sub(self.connections.available_permits());
        self.live.metrics() + &self.metrics.text(open, self.bodies.size())
    }
}

/// The signals that mean something.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }
}

async fn serve(server: Arc<Server>, listen: &Listen, mode: u32) -> Outcome {
    let mut signals = Signals::new().map_err(|e| Failure::Said(format!("signals: {}", reason(&e))))?;
    let listener = Listener::open(listen, mode).await?;
    let (stop, stopping) = watch::channel(false);
    output::note(&format!("listening on {}", listener.name()));
    let ticking = server.clone();
    tokio::spawn(async move { ticking.tick().await });
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => break,
            _ = signals.interrupt.recv() => break,
            _ = signals.hang_up.recv() => {
                let server = server.clone();
                tokio::spawn(async move { server.reload().await });
            }
            () = accept(&server, &listener, &stopping) => {}
        }
    }
    drop(listener);
    let _ = stop.send(true); // nobody listens when no connection is open
    let all = server.connections.acquire_many(server.limits.connections);
    if timeout(LAST_WORDS, all).await.is_err() {
        output::note("stopped with requests under way");
    }
    Ok(())
}

/// Takes one connection, when there is room for it.
async fn accept(server: &Arc<Server>, listener: &Listener, stopping: &watch::Receiver<bool>) {
    let Ok(permit) = server.connections.clone().acquire_owned().await else { return };
    match listener.accept().await {
        Ok((stream, peer)) => {
            let (server, stopping) = (server.clone(), stopping.clone());
            tokio::spawn(async move {
                connection::serve(server, stream, peer, stopping).await;
                drop(permit);
            });
        }
        // Mostly want of descriptors, which ends when others close.
        Err(e) => {
            output::note(&format!("accept: {}", reason(&e)));
            sleep(AGAIN).await;
        }
    }
}

/// How long requests under way may take to end.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// How often keys are looked after; a look costs nothing unless a set is due.
const TICK: Duration = Duration::from_secs(1);

const AGAIN: Duration = Duration::from_millis(100);
