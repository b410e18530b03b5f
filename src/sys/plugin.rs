//! Shared objects that a configuration names. Only what nobody but root and this user can change is
//! loaded, and what is loaded stays.

use std::ffi::{CStr, CString, OsStr, c_void};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path};
use std::ptr::NonNull;

use super::file::{self, Privacy, reason};

/// A shared object that is a part of the process for good.
#[derive(Clone, Copy)]
pub(crate) struct Library(NonNull<c_void>);

/// Which file it is, and in which state: another one says that somebody has replaced it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity([i64; 5]);

// SAFETY: a handle is a name for dlsym, which any thread may call.
unsafe impl Send for Library {}

/// Looks whether a shared object may be loaded; the error says what is wrong with it.
///
/// The path is walked from the root by descriptors. When every folder on it and the file belong to root
/// or to us, and nobody else may write them, only they can put another file in its place. So the file
/// is then loaded by its name. By a descriptor (`/proc/self/fd/5`) would be by another file's name the
/// next time, and glibc, which knows objects by their names first, would give that other one.
pub(crate) fn check(path: &Path) -> Result<Identity, String> {
    if !path.is_absolute() {
        return Err("is no absolute path".to_owned());
    }
    let real = path.canonicalize().map_err(|e| format!("cannot be opened: {}", reason(&e)))?;
    if real.as_os_str() != path.as_os_str() {
        return Err(format!("is a path by way of links or dots, expected {real:?}"));
    }
    let opened = |name: &OsStr, e: &io::Error| format!("cannot be opened: {}: {}", name.display(), reason(e));
    let root = OpenOptions::new().read(true).custom_flags(FOLDER).open("/");
    let mut at = root.map_err(|e| opened(OsStr::new("/"), &e))?;
    let mut names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    let Some(last) = names.next_back() else { return Err("is a folder".to_owned()) };
    check_folder(&at, OsStr::new("/"))?;
    for name in names {
        at = open_in(&at, name, FOLDER).map_err(|e| opened(name, &e))?;
        check_folder(&at, name)?;
    }
    let file = open_in(&at, last, libc::O_RDONLY | libc::O_NONBLOCK).map_err(|e| opened(last, &e))?;
    file::check(&file, Privacy::Guarded)?;
    let meta = file.metadata().map_err(|e| opened(last, &e))?;
    let number = |n: u64| i64::from_ne_bytes(n.to_ne_bytes());
    Ok(Identity([number(meta.dev()), number(meta.ino()), number(meta.size()), meta.mtime(), meta.mtime_nsec()]))
}

/// Loads a shared object that [`check`] has passed; runs its constructors. Inside
/// [`super::fork::without_fork`], because a child must not inherit a loader that is at work.
pub(crate) fn load(path: &Path) -> Result<Library, String> {
    let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| "has a NUL in its name".to_owned())?;
    // SAFETY: `name` ends with a NUL. The constructors that run are code which the configuration
    // trusts as much as the host's own.
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL | libc::RTLD_NODELETE) };
    NonNull::new(handle).map(Library).ok_or_else(|| format!("cannot be loaded: {}", last_error(path)))
}

impl Library {
    /// The address of a symbol.
    pub(crate) fn symbol(self, name: &CStr) -> Option<NonNull<c_void>> {
        // SAFETY: a handle of dlopen that is never closed, and a name that ends with a NUL.
        NonNull::new(unsafe { libc::dlsym(self.0.as_ptr(), name.as_ptr()) })
    }
}

fn open_in(folder: &File, name: &OsStr, flags: i32) -> io::Result<File> {
    let name = CString::new(name.as_bytes())?;
    // SAFETY: an open descriptor and a name that ends with a NUL.
    let opened = unsafe { libc::openat(folder.as_raw_fd(), name.as_ptr(), flags | libc::O_NOFOLLOW | libc::O_CLOEXEC) };
    if opened < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just opened, and nobody else's.
    Ok(unsafe { File::from_raw_fd(opened) })
}

/// Who may write a folder may put another file into it, also where the sticky bit keeps others' files.
fn check_folder(folder: &File, name: &OsStr) -> Result<(), String> {
    let named = |what: String| format!("is in a folder {name:?} that {what}");
    let meta = folder.metadata().map_err(|e| named(format!("cannot be read: {}", reason(&e))))?;
    file::check_owner(&meta, "0755").map_err(named)
}

/// What the loader said, without the name that the report has already.
fn last_error(path: &Path) -> String {
    // SAFETY: called after a failure on this thread; the text is copied before the next call.
    let text = unsafe {
        let text = libc::dlerror();
        if text.is_null() { None } else { Some(CStr::from_ptr(text).to_string_lossy().into_owned()) }
    };
    let text = text.unwrap_or_else(|| "the loader does not say why".to_owned());
    let own = format!("{}: ", path.display());
    text.strip_prefix(&own).map(str::to_owned).unwrap_or(text)
}

const FOLDER: i32 = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
