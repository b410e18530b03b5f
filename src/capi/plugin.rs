//! Custom schemes in shared objects that a configuration names.

use std::ffi::{CStr, c_char, c_int};
use std::mem::{size_of, transmute};
use std::path::{Path, PathBuf};

use super::guard_or;
use super::input::{Budget, Sized_, read_sized};
use super::library::{AUTH_ABI_VERSION, name_of};
use super::scheme::{self, auth_answer, auth_scheme, auth_view};
use super::settings::{self, auth_settings};
use super::status::{auth_status, auth_str};
use crate::schemes::custom::Offers;
use crate::sys::fork::without_fork;
use crate::sys::latch::Latch;
use crate::sys::plugin::{self, Identity};

/// The functions of the library that a plug-in calls, each as it is declared
/// under its name with auth_ in front. A plug-in takes them from here and is
/// not linked with the library: a host may have linked it statically, and a
/// second copy would not know its types.
#[repr(C)]
pub struct auth_api {
    /// sizeof(auth_api) of the library.
    pub size: usize,
    /// AUTH_ABI_VERSION of the library.
    pub abi_version: u32,
    /// Keeps the struct without holes; 0.
    pub reserved: u32,
    /// auth_view_header.
    pub view_header:
        unsafe extern "C" fn(view: Option<&auth_view>, name: auth_str, value: *mut auth_str) -> auth_status,
    /// auth_view_method.
    pub view_method: unsafe extern "C" fn(view: Option<&auth_view>) -> auth_str,
    /// auth_view_target.
    pub view_target: unsafe extern "C" fn(view: Option<&auth_view>) -> auth_str,
    /// auth_view_host.
    pub view_host: unsafe extern "C" fn(view: Option<&auth_view>) -> auth_str,
    /// auth_view_peer.
    pub view_peer: unsafe extern "C" fn(view: Option<&auth_view>) -> auth_str,
    /// auth_view_remote_user.
    pub view_remote_user: unsafe extern "C" fn(view: Option<&auth_view>) -> auth_str,
    /// auth_answer_user.
    pub answer_user: unsafe extern "C" fn(answer: Option<&auth_answer>, name: auth_str) -> auth_status,
    /// auth_answer_refuse.
    pub answer_refuse: unsafe extern "C" fn(answer: Option<&auth_answer>, detail: auth_str) -> auth_status,
    /// auth_answer_pass.
    pub answer_pass: unsafe extern "C" fn(answer: Option<&auth_answer>) -> auth_status,
    /// auth_answer_broken.
    pub answer_broken: unsafe extern "C" fn(answer: Option<&auth_answer>, why: auth_str) -> auth_status,
    /// auth_settings_scheme.
    pub settings_scheme: unsafe extern "C" fn(settings: Option<&auth_settings>) -> *const c_char,
    /// auth_settings_count.
    pub settings_count: unsafe extern "C" fn(settings: Option<&auth_settings>) -> usize,
    /// auth_settings_name.
    pub settings_name: unsafe extern "C" fn(settings: Option<&auth_settings>, i: usize) -> *const c_char,
    /// auth_settings_text.
    pub settings_text: unsafe extern "C" fn(
        settings: Option<&auth_settings>,
        name: auth_str,
        value: *mut *const c_char,
    ) -> auth_status,
    /// auth_settings_integer.
    pub settings_integer: unsafe extern "C" fn(
        settings: Option<&auth_settings>,
        name: auth_str,
        least: i64,
        most: i64,
        value: *mut i64,
    ) -> auth_status,
    /// auth_settings_boolean.
    pub settings_boolean:
        unsafe extern "C" fn(settings: Option<&auth_settings>, name: auth_str, value: *mut c_int) -> auth_status,
    /// auth_settings_refuse.
    pub settings_refuse:
        unsafe extern "C" fn(settings: Option<&auth_settings>, name: auth_str, text: auth_str) -> auth_status,
}

/// What a plug-in offers: custom schemes in a shared object, which
/// `[schemes.NAME] plugin = "/…/x.so"` names. Start with `AUTH_PLUGIN_INIT`.
///
/// Methods: auth_plugin_entry.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct auth_plugin {
    /// sizeof(auth_plugin); set by the initialiser.
    pub size: usize,
    /// AUTH_ABI_VERSION of the header; set by the initialiser.
    pub abi_version: u32,
    /// Keeps the struct without holes; 0.
    pub reserved: u32,
    /// Its schemes; copied. `data` must live as long as the process.
    pub schemes: *const auth_scheme,
    /// How many.
    pub n_schemes: usize,
}

// SAFETY: repr(C), starts with its size, plain data.
unsafe impl Sized_ for auth_plugin {
    const LEAST: usize = size_of::<Self>();
}

/// The function that a plug-in exports.
type Entry = unsafe extern "C-unwind" fn(*const auth_api) -> *const auth_plugin;

/// The schemes of a shared object; the error says what is wrong with it. It is loaded once for the
/// life of the process, whoever names it how often.
pub(crate) fn load(path: &Path) -> Result<Offers, String> {
    without_fork(|| {
        let identity = plugin::check(path)?;
        let find = |loaded: &Loaded| loaded.path == path;
        if let Some(loaded) = LOADED.lock().iter().find(|loaded| find(loaded)) {
            if loaded.identity != identity {
                return Err("has changed since this process loaded it; restart the process".to_owned());
            }
            return Ok(loaded.offers.clone());
        }
        // Not under the latch: what is loaded runs code of its own.
        let offers = offers(path)?;
        LOADED.lock().push(Loaded { path: path.to_owned(), identity, offers: offers.clone() });
        Ok(offers)
    })
}

/// A plug-in of this process.
struct Loaded {
    path: PathBuf,
    identity: Identity,
    offers: Offers,
}

static LOADED: Latch<Vec<Loaded>> = Latch::new(Vec::new());

fn offers(path: &Path) -> Result<Offers, String> {
    let symbol = plugin::load(path)?.symbol(ENTRY).ok_or("has no function auth_plugin_entry")?;
    // SAFETY: the header says what a function of this name is.
    let entry = unsafe { transmute::<*mut std::ffi::c_void, Entry>(symbol.as_ptr()) };
    // SAFETY: as the header says; the table lives for ever.
    let found = guard_or(None, || Some(unsafe { entry(&raw const API) })).ok_or("panicked")?;
    if found.is_null() {
        return Err(format!("does not work with ABI {AUTH_ABI_VERSION}, which this library has"));
    }
    // SAFETY: a struct that starts with its size, by contract.
    let plugin = unsafe { read_sized(found) }.map_err(malformed)?;
    if plugin.abi_version != AUTH_ABI_VERSION {
        return Err(format!("was made for ABI {}, this library has ABI {AUTH_ABI_VERSION}", plugin.abi_version));
    }
    if plugin.reserved != 0 || plugin.n_schemes == 0 {
        return Err("offers no scheme".to_owned());
    }
    // SAFETY: an array of `n_schemes` schemes whose texts are readable, by contract.
    unsafe { scheme::offers(&mut Budget::new(), plugin.schemes, plugin.n_schemes) }.map_err(malformed)
}

fn malformed(status: auth_status) -> String {
    format!("offers what auth_context_open would not take ({})", name_of(status as c_int))
}

const ENTRY: &CStr = c"auth_plugin_entry";

static API: auth_api = auth_api {
    size: size_of::<auth_api>(),
    abi_version: AUTH_ABI_VERSION,
    reserved: 0,
    view_header: scheme::auth_view_header,
    view_method: scheme::auth_view_method,
    view_target: scheme::auth_view_target,
    view_host: scheme::auth_view_host,
    view_peer: scheme::auth_view_peer,
    view_remote_user: scheme::auth_view_remote_user,
    answer_user: scheme::auth_answer_user,
    answer_refuse: scheme::auth_answer_refuse,
    answer_pass: scheme::auth_answer_pass,
    answer_broken: scheme::auth_answer_broken,
    settings_scheme: settings::auth_settings_scheme,
    settings_count: settings::auth_settings_count,
    settings_name: settings::auth_settings_name,
    settings_text: settings::auth_settings_text,
    settings_integer: settings::auth_settings_integer,
    settings_boolean: settings::auth_settings_boolean,
    settings_refuse: settings::auth_settings_refuse,
};
