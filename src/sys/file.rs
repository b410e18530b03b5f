//! Files that decide who gets in: opened first, then checked, so that nobody swaps them in between.

use std::ffi::CString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// How private a file has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Privacy {
    /// Written only by its owner: configuration.
    Guarded,
    /// Also not readable by others than owner and group: keys.
    Secret,
}

/// The largest file that is read.
pub(crate) const LARGEST: u64 = 1 << 20;

/// Reads a whole file as text; the error says what is wrong with the file and what would be right.
pub(crate) fn read_trusted(path: &Path, privacy: Privacy) -> Result<String, String> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC) // a FIFO must not hang the host
        .open(path)
        .map_err(|e| format!("cannot be opened: {}", reason(&e)))?;
    check(&file, privacy)?;
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(|e| format!("cannot be read: {}", reason(&e)))?;
    if text.len() as u64 > LARGEST {
        return Err("is larger than 1 MiB".to_owned());
    }
    Ok(text)
}

/// Device and inode of what a path names now; `None` when there is nothing.
pub(crate) fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

/// What tells whether a file has changed: its identity, size and time of change.
pub(crate) fn stamp(path: &Path) -> Option<(u64, u64, u64, i64, i64)> {
    std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino(), m.size(), m.ctime(), m.ctime_nsec()))
}

/// Adds to the end of a file in one write; makes the file when it is missing. Follows no link, and
/// waits for no reader of a FIFO.
pub(crate) fn append(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let mut file = OpenOptions::new().append(true).create(true).mode(mode).custom_flags(flags).open(path)?;
    file.write_all(bytes)
}

/// Makes an empty file, unless something has its name already; its folder must be there. Never opens
/// it: closing a descriptor would drop the locks that SQLite holds on the file in another thread.
pub(crate) fn make_if_missing(path: &Path, mode: u32) -> Result<(), String> {
    let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| "has a NUL in its name".to_owned())?;
    // SAFETY: `name` ends with a NUL and lives through the call.
    if unsafe { libc::mknod(name.as_ptr(), libc::S_IFREG | mode, 0) } == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        there if there.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        error => Err(format!("cannot be made: {}", reason(&error))),
    }
}

/// Whether the user whose rights this process has may do all of this: `R_OK`, `W_OK`, `X_OK`.
#[cfg(feature = "cli")]
pub(crate) fn may(path: &Path, what: i32) -> bool {
    let Ok(name) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: `name` ends with a NUL and lives through the call.
    unsafe { libc::faccessat(libc::AT_FDCWD, name.as_ptr(), what, libc::AT_EACCESS) == 0 }
}

/// Whether an opened file is a regular one that is private enough.
pub(super) fn check(file: &File, privacy: Privacy) -> Result<(), String> {
    let meta = file.metadata().map_err(|e| format!("cannot be read: {}", reason(&e)))?;
    if !meta.is_file() {
        return Err("is not a regular file".to_owned());
    }
    check_owner(&meta, if meta.mode() & 0o111 == 0 { "0644" } else { "0755" })?;
    if privacy == Privacy::Secret && meta.mode() & 0o007 != 0 {
        return Err(format!("may be read by everybody (mode {:04o}), expected 0640 or less", meta.mode() & 0o7777));
    }
    Ok(())
}

/// Whether only root and the user that runs this can change a file or folder; `expected` is the mode to
/// tell.
pub(super) fn check_owner(meta: &Metadata, expected: &str) -> Result<(), String> {
    // SAFETY: always succeeds.
    let me = unsafe { libc::geteuid() };
    if meta.uid() != 0 && meta.uid() != me {
        return Err(format!("belongs to user {}, expected root or the user that runs this", meta.uid()));
    }
    if meta.mode() & 0o022 != 0 {
        let mode = meta.mode() & 0o7777;
        return Err(format!("may be written by others (mode {mode:04o}), expected {expected} or less"));
    }
    Ok(())
}

/// The system's words without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
