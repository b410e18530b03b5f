//! The listening socket that systemd opened for the process (sd_listen_fds(3)).

use std::net::TcpListener;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};

/// A socket that listens already.
pub(crate) enum Inherited {
    /// TCP, over IPv4 or IPv6.
    Address(TcpListener),
    /// A Unix socket.
    Socket(UnixListener),
}

/// The socket that was handed over, if one was; it is handed out once.
pub(crate) fn inherited() -> Result<Option<Inherited>, String> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    // The variables may have been meant for a parent.
    if number("LISTEN_PID") != Some(std::process::id()) || TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(None);
    }
    match number("LISTEN_FDS") {
        None | Some(0) => Ok(None),
        Some(1) => adopt(FIRST).map(Some),
        Some(more) => Err(format!("{more} sockets were handed over (LISTEN_FDS), expected one")),
    }
}

fn adopt(fd: RawFd) -> Result<Inherited, String> {
    let (domain, kind) = (option(fd, libc::SO_DOMAIN), option(fd, libc::SO_TYPE));
    if option(fd, libc::SO_ACCEPTCONN) != Some(1) || kind != Some(libc::SOCK_STREAM) {
        return Err(format!("descriptor {fd} is no listening stream socket"));
    }
    // SAFETY: no pointer is passed; the descriptor is open, because it has options.
    unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    // SAFETY: an open descriptor that nobody else in this process owns: it was there at the start,
    // and `inherited` comes here once.
    let owned = unsafe { OwnedFd::from_raw_fd(fd) };
    match domain {
        Some(libc::AF_INET | libc::AF_INET6) => Ok(Inherited::Address(owned.into())),
        Some(libc::AF_UNIX) => Ok(Inherited::Socket(owned.into())),
        _ => Err(format!("descriptor {fd} is a socket of neither TCP nor Unix")),
    }
}

/// A number that the kernel tells of a socket; `None` for what is no socket.
fn option(fd: RawFd, name: libc::c_int) -> Option<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut size: libc::socklen_t = 4; // of an int
    // SAFETY: `value` has room for `size` bytes, and both are writable.
    let status = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, name, (&raw mut value).cast(), &raw mut size) };
    (status == 0).then_some(value)
}

/// SD_LISTEN_FDS_START.
const FIRST: RawFd = 3;
