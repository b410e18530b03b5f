//! Loaded configurations.

use std::ffi::{CString, c_char, c_int, c_void};
use std::path::PathBuf;
use std::sync::Arc;

use super::input::{Budget, Sized_, read_sized, text};
use super::output::give;
use super::plugin;
use super::report::{self, auth_report};
use super::scheme::{self, auth_scheme};
use super::status::{auth_status, auth_str};
use super::{guard, guard_or};
use crate::config::{Config, Origin};
use crate::context::{Context, Host};
use crate::live::Live;
use crate::log::{Log, Severity};
use crate::targets::Targets;

/// A loaded configuration: chains, keys, databases. Shared between threads.
///
/// Methods: auth_context_open, auth_default_context, auth_context_reload,
/// auth_context_chain, auth_context_endpoint, auth_context_metrics,
/// auth_context_tick, auth_context_wants_tick, auth_context_free.
pub struct auth_context {
    live: Arc<Live>,
}

/// Takes one log line: visible ASCII, no newline, no secret. Called on the
/// thread of the request; must not block and must not call the library.
/// `severity` is syslog's: 3 no verdict could be given, 5 refused, 7 passed.
pub type auth_log = Option<unsafe extern "C-unwind" fn(data: *mut c_void, severity: c_int, line: *const c_char)>;

/// What to open. Start with `AUTH_OPTIONS_INIT`. With neither `path` nor
/// `text` the usual file is meant (see auth_default_context).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct auth_options {
    /// sizeof(auth_options); set by the initialiser.
    pub size: usize,
    /// The configuration file.
    pub path: auth_str,
    /// Or the configuration itself; excludes `path`. An empty text is no text: then the usual
    /// file is opened.
    pub text: auth_str,
    /// The folder that relative paths in it start from; the file's own when empty.
    pub base_dir: auth_str,
    /// The host's name for log lines.
    pub host: auth_str,
    /// Where log lines go; NULL: nowhere.
    pub log: auth_log,
    /// Handed to `log`.
    pub log_data: *mut c_void,
    /// The host's own schemes; copied.
    pub schemes: *const auth_scheme,
    /// How many.
    pub n_schemes: usize,
}

// SAFETY: repr(C), starts with its size, plain data.
unsafe impl Sized_ for auth_options {
    const LEAST: usize = std::mem::size_of::<Self>();
}

impl auth_context {
    pub(super) fn new(live: Arc<Live>) -> Self {
        Self { live }
    }

    /// The generation in use.
    pub(super) fn context(&self) -> Arc<Context> {
        self.live.now()
    }

    /// All generations.
    pub(super) fn live(&self) -> &Live {
        &self.live
    }
}

/// Loads a configuration. Starts no thread and opens no connection.
///
/// Ownership: free `*out` with auth_context_free and `*why` with
/// auth_report_free; `why` may be NULL. `*why` is written on AUTH_ECONFIG only.
/// Everything in `options` is copied; `log_data` and the `data` of schemes must
/// live as long as the context.
/// Threads: any. Blocks: reads the configuration and the files it names.
/// Returns: AUTH_OK, AUTH_ECONFIG, AUTH_EINVAL, AUTH_ENOTSUP, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_context_open(
    options: *const auth_options,
    out: *mut *mut auth_context,
    why: *mut *mut auth_report,
) -> auth_status {
    guard(|| {
        if out.is_null() {
            return auth_status::AUTH_EINVAL;
        }
        // SAFETY: `options` is NULL or a struct with its size, by contract.
        let (origin, host) = match unsafe { opened(options) } {
            Ok(parts) => parts,
            Err(status) => return status,
        };
        match Live::open(origin, host) {
            Ok(live) => {
                // SAFETY: not NULL; writable by contract.
                unsafe { give(out, auth_context::new(live)) };
                auth_status::AUTH_OK
            }
            // SAFETY: `why` is NULL or writable, by contract.
            Err(report) => unsafe { report::refuse(why, report) },
        }
    })
}

/// Checks a configuration without opening anything but its own files and the
/// plug-ins that it names, whose code runs. Schemes in `options` are taken over
/// as by auth_context_open: their `destroy` is called.
///
/// Ownership: free `*why` with auth_report_free; `why` may be NULL. It is
/// written on AUTH_ECONFIG only.
/// Threads: any. Blocks: reads the configuration and the files it names.
/// Returns: AUTH_OK, AUTH_ECONFIG, AUTH_EINVAL, AUTH_ENOTSUP, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_config_check(options: *const auth_options, why: *mut *mut auth_report) -> auth_status {
    guard(|| {
        // SAFETY: `options` is NULL or a struct with its size, by contract.
        match unsafe { opened(options) }.map(|(origin, _)| Config::load(&origin)) {
            Ok(Ok(_)) => auth_status::AUTH_OK,
            // SAFETY: `why` is NULL or writable, by contract.
            Ok(Err(report)) => unsafe { report::refuse(why, report) },
            Err(status) => status,
        }
    })
}

/// Loads the configuration again, from where the context was opened. It takes
/// the place of the one in use at once, or not at all; requests keep the one
/// that they began with. The default context (auth_default_context) follows its
/// file by itself.
///
/// Ownership: free `*why` with auth_report_free; `why` may be NULL. It is
/// written on AUTH_ECONFIG only.
/// Threads: any. Blocks: reads the configuration and the files it names, closes
/// connections.
/// Returns: AUTH_OK, AUTH_ECONFIG (the one in use stays), AUTH_EINVAL,
/// AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_context_reload(
    context: Option<&auth_context>,
    why: *mut *mut auth_report,
) -> auth_status {
    guard(|| {
        let Some(context) = context else { return auth_status::AUTH_EINVAL };
        match context.live.reload() {
            Ok(()) => auth_status::AUTH_OK,
            // SAFETY: `why` is NULL or writable, by contract.
            Err(report) => unsafe { report::refuse(why, report) },
        }
    })
}

/// The number of a chain, for auth_request_authenticate. The same name keeps
/// its number for the life of the context, also when the configuration is
/// loaded again; a chain that is gone then answers AUTH_ECONFIG.
///
/// Ownership: none. Threads: any. Blocks: never.
/// Returns: AUTH_OK, AUTH_ECONFIG (no such chain), AUTH_EINVAL, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_context_chain(
    context: Option<&auth_context>,
    name: auth_str,
    out: *mut u32,
) -> auth_status {
    // SAFETY: readable and writable, by contract.
    unsafe { number(context, Context::chains, 0, name, out) }
}

/// The number of an endpoint, for auth_request_serve. The same name keeps its
/// number as that of a chain does; no chain has the number of an endpoint.
///
/// Ownership: none. Threads: any. Blocks: never.
/// Returns: AUTH_OK, AUTH_ECONFIG (no such endpoint), AUTH_EINVAL, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_context_endpoint(
    context: Option<&auth_context>,
    name: auth_str,
    out: *mut u32,
) -> auth_status {
    // SAFETY: readable and writable, by contract.
    unsafe { number(context, Context::endpoints, ENDPOINT, name, out) }
}

/// Does what no request may wait for: fetches the sets of public keys that come
/// from an address (`jwk_url`) and are due. Opening a context fetches nothing;
/// until a set has come, requests that need it end in AUTH_ESTORE, which lets
/// nobody in. Call this once a second or so, in each process, away from an event
/// loop: a set is asked for every five minutes, and when a token names an unknown
/// key, but never twice in 30 seconds, so that most calls do nothing.
///
/// Ownership: none. Threads: any. Blocks: network, three seconds for each set
/// that is due, besides what the system takes to look its name up.
/// Returns: AUTH_OK, AUTH_ESTORE (an address gave no set that can be used; the
/// last good one stays, and the log says why), AUTH_EINVAL, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_context_tick(context: Option<&auth_context>) -> auth_status {
    guard(|| match context.map(|context| context.context().tick(0)) {
        Some(Ok(())) => auth_status::AUTH_OK,
        Some(Err(error)) => (&error).into(),
        None => auth_status::AUTH_EINVAL,
    })
}

/// Whether anybody has to call auth_context_tick: 1 while a set of keys comes from
/// an address, 0 otherwise and for NULL. A configuration that is loaded again may
/// change that.
///
/// Ownership: none. Threads: any. Blocks: never.
/// Returns: 0 or 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_context_wants_tick(context: Option<&auth_context>) -> c_int {
    guard_or(0, || context.map_or(0, |context| c_int::from(context.context().wants_tick())))
}

/// Gives up a context; NULL does nothing. Requests and users made with it stay
/// valid.
///
/// Ownership: takes the context. Threads: any. Blocks: closes connections when
/// it was the last user.
/// Returns: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_context_free(context: Option<Box<auth_context>>) {
    guard_or((), || drop(context));
}

/// The number that hosts know a target by.
///
/// # Safety
/// `name` is readable; `out` is NULL or writable.
unsafe fn number(
    context: Option<&auth_context>,
    among: impl FnOnce(&Context) -> &Targets,
    mark: u32,
    name: auth_str,
    out: *mut u32,
) -> auth_status {
    guard(|| {
        // SAFETY: by contract.
        let (Some(context), Ok(name), false) = (context, unsafe { text(name) }, out.is_null()) else {
            return auth_status::AUTH_EINVAL;
        };
        let Some(number) = among(&context.context()).number(name).and_then(|n| u32::try_from(n).ok()) else {
            return auth_status::AUTH_ECONFIG;
        };
        // SAFETY: not NULL; writable by contract.
        unsafe { out.write(mark | number) };
        auth_status::AUTH_OK
    })
}

/// # Safety
/// `options` is NULL or points to a struct of the size it starts with, whose texts are readable.
unsafe fn opened(options: *const auth_options) -> Result<(Origin, Host), auth_status> {
    // SAFETY: by contract.
    let options = unsafe { read_sized(options) }?;
    let mut budget = Budget::new();
    // SAFETY: all texts are readable, by contract.
    let mut take = |text| unsafe { budget.text(text) }.map(|t| Some(t).filter(|t| !t.is_empty()).map(str::to_owned));
    let (path, text, base) = (take(options.path)?, take(options.text)?, take(options.base_dir)?);
    let name = take(options.host)?.unwrap_or_default();
    if path.is_some() && text.is_some() {
        return Err(auth_status::AUTH_EINVAL);
    }
    // SAFETY: an array of `n_schemes` schemes, by contract.
    let custom = unsafe { scheme::offers(&mut budget, options.schemes, options.n_schemes) }?;
    let usual = if path.is_none() && text.is_none() { Origin::usual() } else { Origin::default() };
    let origin = Origin {
        path: path.map(PathBuf::from).or(usual.path),
        text,
        base: base.map(PathBuf::from),
        custom,
        plugins: Some(plugin::load),
        overrides: Vec::new(),
    };
    Ok((origin, Host { name, log: log(&options) }))
}

/// The host's log function, which the host promises is callable from any thread.
struct HostLog {
    function: unsafe extern "C-unwind" fn(*mut c_void, c_int, *const c_char),
    data: *mut c_void,
}

// SAFETY: the header asks for a function and data that any thread may use.
unsafe impl Send for HostLog {}
// SAFETY: as above.
unsafe impl Sync for HostLog {}

impl HostLog {
    fn take(&self, severity: Severity, line: &str) {
        if let Ok(line) = CString::new(line) {
            // SAFETY: the host's function with the host's data; the line is NUL-terminated.
            unsafe { (self.function)(self.data, severity as c_int, line.as_ptr()) };
        }
    }
}

fn log(options: &auth_options) -> Option<Log> {
    let host = HostLog { function: options.log?, data: options.log_data };
    Some(Log::host(move |severity, line| host.take(severity, line)))
}

/// The bit that tells the number of an endpoint from that of a chain.
pub(super) const ENDPOINT: u32 = 1 << 31;
