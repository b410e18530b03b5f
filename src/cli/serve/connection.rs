//! One connection: HTTP/1 over it, and the clocks that end it. hyper has one timer for the head of a request and
//! for the wait before it; here a client may stay silent for longer than it may take over a head.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Server;
use super::answer::answer;
use super::forward::Peer;
use crate::sys::latch::Latch;

/// Serves one connection until it ends, or a while after `stop` is set.
pub(super) async fn serve(server: Arc<Server>, stream: Stream, peer: Peer, mut stop: watch::Receiver<bool>) {
    let limits = Limits { header: server.limits.header_timeout, idle: server.limits.idle_timeout };
    let pulse = Arc::new(Latch::new(Pulse::Reading(Instant::now())));
    let io = TokioIo::new(Watched { stream, pulse: pulse.clone() });
    let beat = pulse.clone();
    let service = service_fn(move |request| {
        let (server, beat) = (server.clone(), beat.clone());
        async move {
            *beat.lock() = Pulse::Answering;
            let response = answer(&server, request, peer).await;
            *beat.lock() = Pulse::Idle(Instant::now());
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let mut connection = pin!(
        http1::Builder::new().max_buf_size(LONGEST_HEAD).max_header_size(LONGEST_HEAD).serve_connection(io, service)
    );
    let mut clock = pin!(sleep_until(Instant::now() + limits.header));
    let mut stopping = pin!(stop.wait_for(|stop| *stop));
    let mut stopped = false;
    poll_fn(|cx| {
        if !stopped && stopping.as_mut().poll(cx).is_ready() {
            stopped = true;
            connection.as_mut().graceful_shutdown();
        }
        // An error is the client's, and it is gone.
        if connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let Some(deadline) = pulse.lock().deadline(&limits) else { return Poll::Pending };
        if clock.deadline() != deadline {
            clock.as_mut().reset(deadline);
        }
        clock.as_mut().poll(cx)
    })
    .await;
}

/// What the client is doing, and since when.
enum Pulse {
    /// It sends the head of a request.
    Reading(Instant),
    /// It waits for us; the answer has its own limits.
    Answering,
    /// Between requests; also while it does not read its answer.
    Idle(Instant),
}

struct Limits {
    header: Duration,
    idle: Duration,
}

impl Pulse {
    fn deadline(&self, limits: &Limits) -> Option<Instant> {
        match self {
            Self::Reading(since) => Some(*since + limits.header),
            Self::Idle(since) => Some(*since + limits.idle),
            Self::Answering => None,
        }
    }
}

/// A stream of either kind.
pub(super) enum Stream {
    Address(TcpStream),
    Socket(UnixStream),
}

/// A stream that notes when a request begins.
struct Watched {
    stream: Stream,
    pulse: Arc<Latch<Pulse>>,
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = match &mut self.stream {
            Stream::Address(stream) => Pin::new(stream).poll_read(cx, into),
            Stream::Socket(stream) => Pin::new(stream).poll_read(cx, into),
        };
        if into.filled().len() > before {
            let mut pulse = self.pulse.lock();
            if matches!(*pulse, Pulse::Idle(_)) {
                *pulse = Pulse::Reading(Instant::now());
            }
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Address(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Socket(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Address(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Socket(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Address(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Socket(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// As much as nginx takes with its defaults, and more than Django's cookies need.
const LONGEST_HEAD: usize = 64 * 1024;
