//! The socket: systemd's, an address, or a file.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpSocket, UnixListener, UnixSocket, UnixStream};

use super::connection::Stream;
use super::forward::Peer;
use crate::config::serve::Listen;
use crate::sys::file::{identity, reason};
use crate::sys::socket::{Inherited, inherited};

/// What connections come from.
pub(super) enum Listener {
    Address(TcpListener),
    Socket(UnixListener, #[expect(dead_code, reason = "dropped with the listener")] Option<Made>),
}

/// A file of a Unix socket that this process made, removed with the listener.
pub(super) struct Made {
    path: PathBuf,
    /// So that the file of a successor stays.
    identity: Option<(u64, u64)>,
}

impl Listener {
    /// The socket that systemd handed over, else a new one. Within the runtime.
    pub(super) async fn open(listen: &Listen, mode: u32) -> Result<Self, String> {
        let system = |e: io::Error| format!("the socket that was handed over: {}", reason(&e));
        match inherited()? {
            Some(Inherited::Address(listener)) => {
                listener.set_nonblocking(true).map_err(system)?;
                TcpListener::from_std(listener).map(Self::Address).map_err(system)
            }
            Some(Inherited::Socket(listener)) => {
                listener.set_nonblocking(true).map_err(system)?;
                UnixListener::from_std(listener).map(|listener| Self::Socket(listener, None)).map_err(system)
            }
            None => match listen {
                Listen::Address(address) => {
                    bind_address(*address).map(Self::Address).map_err(|e| format!("{address}: {}", reason(&e)))
                }
                Listen::Socket(path) => bind_file(path, mode).await.map_err(|why| format!("{}: {why}", path.display())),
            },
        }
    }

    /// Where it listens, for people and for tests that asked for a free port.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Address(listener) => listener.local_addr().map_or_else(|_| "?".to_owned(), |a| a.to_string()),
            Self::Socket(listener, _) => {
                let address = listener.local_addr().ok();
                let path = address.as_ref().and_then(|address| address.as_pathname());
                path.map_or_else(|| "unix:?".to_owned(), |path| format!("unix:{}", path.display()))
            }
        }
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Address(listener) => {
                let (stream, address) = listener.accept().await?;
                // Answers are small; a client that is gone is found out by reading.
                let _ = stream.set_nodelay(true);
                Ok((Stream::Address(stream), Peer::Address(address.ip().to_canonical())))
            }
            Self::Socket(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Stream::Socket(stream), Peer::Local))
            }
        }
    }
}

fn bind_address(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?; // a restart need not wait for old connections
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn bind_file(path: &Path, mode: u32) -> Result<Listener, String> {
    remove_stale(path).await?;
    let bind = || -> io::Result<UnixListener> {
        let socket = UnixSocket::new_stream()?;
        socket.bind(path)?;
        // Before it listens, so that nobody whom the mode keeps out can connect.
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        socket.listen(BACKLOG)
    };
    let listener = bind().map_err(|e| reason(&e))?;
    Ok(Listener::Socket(listener, Some(Made { path: path.to_owned(), identity: identity(path) })))
}

/// A process that was killed leaves its socket behind. Nothing else is removed.
async fn remove_stale(path: &Path) -> Result<(), String> {
    let Ok(there) = fs::symlink_metadata(path) else { return Ok(()) };
    if !there.file_type().is_socket() {
        return Err("something that is no socket has this name".to_owned());
    }
    // Who listens but has no room for more is there, too: `WouldBlock`.
    match UnixStream::connect(path).await {
        Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(|e| reason(&e)),
        Err(e) if e.kind() != io::ErrorKind::WouldBlock => Err(reason(&e)),
        _ => Err("another process answers on this socket".to_owned()),
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if identity(&self.path) == self.identity {
            // Who cannot remove it leaves it to the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

const BACKLOG: u32 = 1024;
