//! The host's own schemes: DRF's "Custom authentication" in C.

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use super::input::{Budget, LARGEST_STRUCT, Sized_, read_sized};
use super::settings::auth_settings;
use super::status::{auth_status, auth_str};
use super::{guard, guard_or};
use crate::request::Request;
use crate::schemes::custom::{Answer, Complaint, Host, Offer, Offers, Settings};
use crate::sys::fork::{self, AcrossFork};
use crate::sys::latch::Latch;
use crate::sys::thread;

/// Only one thread at a time may call `authenticate`. A child that is forked
/// during such a call has its turn all the same; what the scheme had half done
/// in its own data is the scheme's affair.
pub const AUTH_SCHEME_ONE_THREAD: u32 = 1;
/// `authenticate` may block (network, disk).
pub const AUTH_SCHEME_BLOCKS: u32 = 2;

/// The request as a custom scheme sees it; valid during the call only.
///
/// Methods: auth_view_header, auth_view_method, auth_view_target,
/// auth_view_host, auth_view_peer, auth_view_remote_user.
pub struct auth_view {
    request: *const c_void,
    /// Joined headers that were lent out; they live as long as the call.
    lent: RefCell<Vec<Box<[u8]>>>,
}

/// The answer of a custom scheme; valid during the call only. The last answer
/// counts; no answer is a failure, never a success.
///
/// Methods: auth_answer_user, auth_answer_refuse, auth_answer_pass,
/// auth_answer_broken.
pub struct auth_answer {
    answer: Cell<Option<Answer>>,
}

/// A scheme of the host's own or of a plug-in, named in `[chains.…] schemes`
/// like any other. Start with `AUTH_SCHEME_INIT`. It says who it is by name
/// only: that the user exists and is active is checked by the library.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct auth_scheme {
    /// sizeof(auth_scheme); set by the initialiser.
    pub size: usize,
    /// AUTH_SCHEME_ONE_THREAD and others; unknown bits are AUTH_EINVAL.
    pub flags: u32,
    /// Keeps the struct without holes; 0.
    pub reserved: u32,
    /// The name in the configuration; must not be that of a built-in scheme.
    pub name: auth_str,
    /// The value of `WWW-Authenticate`; empty: a refusal is 403 (DRF's rule).
    pub challenge: auth_str,
    /// Answers one request. Must not keep `view` or `answer`, nor unwind with
    /// anything but a Rust panic.
    pub authenticate:
        Option<unsafe extern "C-unwind" fn(data: *mut c_void, view: *const auth_view, answer: *mut auth_answer)>,
    /// Called once when the last user of the configuration is gone, also when it was refused
    /// (AUTH_ECONFIG): with `data`, or for each time that `configure` was content with what that
    /// made, and then not with `data`. May be NULL.
    pub destroy: Option<unsafe extern "C-unwind" fn(data: *mut c_void)>,
    /// Handed to the functions.
    pub data: *mut c_void,
    /// Makes a scheme of the options that `[schemes.NAME]`, or an item of a chain, gives it, while
    /// the configuration is read: what it writes to `*made` (NULL before) is handed to the other
    /// functions instead of `data`. Once for each table and each item with options of its own.
    /// Returns AUTH_OK, or another status when it has made nothing; then the configuration is
    /// refused. Must not call the library but for auth_settings_…; forks of other threads wait
    /// for it. NULL: it has no options.
    pub configure: Option<
        unsafe extern "C-unwind" fn(data: *mut c_void, settings: *const auth_settings, made: *mut *mut c_void) -> c_int,
    >,
}

// SAFETY: repr(C), starts with its size, plain data.
unsafe impl Sized_ for auth_scheme {
    /// Without `configure`.
    const LEAST: usize = std::mem::offset_of!(Self, configure);
}

/// A header of the request; duplicates are joined with a comma.
///
/// Ownership: `*value` is borrowed for the call of the scheme. Threads: the
/// caller's. Blocks: never.
/// Returns: AUTH_OK, AUTH_REFUSED (no such header; nothing is written),
/// AUTH_EINVAL, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_view_header(
    view: Option<&auth_view>,
    name: auth_str,
    value: *mut auth_str,
) -> auth_status {
    guard(|| {
        // SAFETY: the text is readable, by contract.
        let (Some(view), Ok(name), false) = (view, unsafe { Budget::new().bytes(name) }, value.is_null()) else {
            return auth_status::AUTH_EINVAL;
        };
        let Some(found) = view.request().header(name) else { return auth_status::AUTH_REFUSED };
        let kept: Box<[u8]> = found.into();
        let mut lent = view.lent.borrow_mut();
        lent.push(kept);
        let text = lent.last().map_or(EMPTY, |kept| auth_str { ptr: kept.as_ptr().cast(), len: kept.len() });
        // SAFETY: not NULL; writable by contract.
        unsafe { value.write(text) };
        auth_status::AUTH_OK
    })
}

/// The method as sent.
///
/// Ownership: borrowed for the call of the scheme. Threads: the caller's.
/// Blocks: never.
/// Returns: a text, empty when the host did not say and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_view_method(view: Option<&auth_view>) -> auth_str {
    part(view, |request| request.method)
}

/// Path and query as sent.
///
/// Ownership: borrowed for the call of the scheme. Threads: the caller's.
/// Blocks: never.
/// Returns: a text, empty when the host did not say and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_view_target(view: Option<&auth_view>) -> auth_str {
    part(view, |request| request.target)
}

/// The host as the server understood it.
///
/// Ownership: borrowed for the call of the scheme. Threads: the caller's.
/// Blocks: never.
/// Returns: a text, empty when the host did not say and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_view_host(view: Option<&auth_view>) -> auth_str {
    part(view, |request| request.host)
}

/// The client's address.
///
/// Ownership: borrowed for the call of the scheme. Threads: the caller's.
/// Blocks: never.
/// Returns: a text, empty when the host did not say and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_view_peer(view: Option<&auth_view>) -> auth_str {
    part(view, |request| request.peer)
}

/// The user whom the server verified.
///
/// Ownership: borrowed for the call of the scheme. Threads: the caller's.
/// Blocks: never.
/// Returns: a text, empty when there is none and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_view_remote_user(view: Option<&auth_view>) -> auth_str {
    part(view, |request| request.remote_user)
}

/// Answers: it is the user of this name, if there is one and it is active.
///
/// Ownership: copies the text. Threads: the caller's. Blocks: never.
/// Returns: AUTH_OK, AUTH_EINVAL (not UTF-8, NUL inside, or empty: then the
/// scheme has failed), AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_answer_user(answer: Option<&auth_answer>, name: auth_str) -> auth_status {
    // SAFETY: the text is readable, by contract.
    unsafe { say(answer, name, |text| (!text.is_empty()).then_some(Answer::User(text))) }
}

/// Answers: refused, with a text for the client.
///
/// Ownership: copies the text. Threads: the caller's. Blocks: never.
/// Returns: AUTH_OK, AUTH_EINVAL (not UTF-8 or NUL inside: then the scheme has
/// failed), AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_answer_refuse(answer: Option<&auth_answer>, detail: auth_str) -> auth_status {
    // SAFETY: the text is readable, by contract.
    unsafe { say(answer, detail, |text| Some(Answer::Refuse(text))) }
}

/// Answers: these credentials are not mine, ask the next.
///
/// Ownership: none. Threads: the caller's. Blocks: never.
/// Returns: AUTH_OK, AUTH_EINVAL, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_answer_pass(answer: Option<&auth_answer>) -> auth_status {
    // SAFETY: an empty text needs no memory.
    unsafe { say(answer, EMPTY, |_| Some(Answer::Pass)) }
}

/// Answers: no answer can be given, for a reason that the log may know.
///
/// Ownership: copies the text. Threads: the caller's. Blocks: never.
/// Returns: AUTH_OK, AUTH_EINVAL (not UTF-8 or NUL inside: the scheme has
/// failed all the same), AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_answer_broken(answer: Option<&auth_answer>, why: auth_str) -> auth_status {
    // SAFETY: the text is readable, by contract.
    unsafe { say(answer, why, |text| Some(Answer::Broken(text))) }
}

const EMPTY: auth_str = auth_str { ptr: ptr::null(), len: 0 };

impl auth_view {
    fn request(&self) -> &Request<'_> {
        // SAFETY: made in `ask` from a request that outlives this view.
        unsafe { &*self.request.cast::<Request<'_>>() }
    }
}

fn part(view: Option<&auth_view>, of: impl for<'r> Fn(&'r Request<'_>) -> &'r [u8]) -> auth_str {
    guard_or(EMPTY, || {
        view.map_or(EMPTY, |view| {
            let bytes = of(view.request());
            auth_str { ptr: bytes.as_ptr().cast::<c_char>(), len: bytes.len() }
        })
    })
}

/// # Safety
/// `text` is readable.
unsafe fn say(
    answer: Option<&auth_answer>,
    text: auth_str,
    make: impl FnOnce(String) -> Option<Answer>,
) -> auth_status {
    guard(|| {
        let Some(answer) = answer else { return auth_status::AUTH_EINVAL };
        // SAFETY: by contract.
        let said = unsafe { super::input::text(text) }.ok().and_then(|text| make(text.to_owned()));
        let status = if said.is_some() { auth_status::AUTH_OK } else { auth_status::AUTH_EINVAL };
        // An answer that cannot be read also takes back an earlier one.
        answer.answer.set(said);
        status
    })
}

/// The schemes of a host or a plug-in, made safe. Takes over none of them unless all are good.
///
/// # Safety
/// `first` points to `count` schemes of the size that the first one says, whose texts are readable.
pub(super) unsafe fn offers(
    budget: &mut Budget,
    first: *const auth_scheme,
    count: usize,
) -> Result<Offers, auth_status> {
    let mut checked: Vec<(&str, Checked)> = Vec::new();
    // SAFETY: by contract.
    for scheme in unsafe { elements(budget, first, count) }? {
        // SAFETY: its texts are readable, by contract.
        let (name, scheme) = unsafe { check(budget, &scheme) }?;
        if checked.iter().any(|(known, _)| *known == name) {
            return Err(auth_status::AUTH_EINVAL);
        }
        checked.push((name, scheme));
    }
    Ok(checked.into_iter().map(|(name, scheme)| (name.to_owned(), scheme.offer())).collect())
}

/// The elements of an array, which all have the size that the first one says: that of the header which
/// the caller was compiled with.
///
/// # Safety
/// As for [`offers`].
unsafe fn elements(
    budget: &mut Budget,
    first: *const auth_scheme,
    count: usize,
) -> Result<Vec<auth_scheme>, auth_status> {
    if count == 0 {
        return Ok(vec![]);
    }
    if first.is_null() || !first.is_aligned() {
        return Err(auth_status::AUTH_EINVAL);
    }
    // SAFETY: there is an element, and its size comes first.
    let size = unsafe { first.cast::<usize>().read() };
    if !(auth_scheme::LEAST..=LARGEST_STRUCT).contains(&size) || !size.is_multiple_of(align_of::<auth_scheme>()) {
        return Err(auth_status::AUTH_EINVAL);
    }
    let all = count.checked_mul(size).ok_or(auth_status::AUTH_EINVAL)?;
    // SAFETY: so many elements of that size are readable, by contract.
    let bytes: &[u8] = unsafe { budget.array(first.cast(), all) }?;
    let each = bytes.chunks_exact(size).map(|bytes| {
        let element = bytes.as_ptr().cast::<auth_scheme>();
        // SAFETY: the chunk has room for a size, and is aligned as the first element is.
        if unsafe { element.cast::<usize>().read() } != size {
            return Err(auth_status::AUTH_EINVAL);
        }
        // SAFETY: `size` bytes are readable.
        unsafe { read_sized(element) }
    });
    each.collect()
}

/// One scheme, checked and copied.
///
/// # Safety
/// The texts are readable for `'a`.
unsafe fn check<'a>(budget: &mut Budget, scheme: &auth_scheme) -> Result<(&'a str, Checked), auth_status> {
    // SAFETY: the texts are readable, by contract.
    let (name, challenge) = unsafe { (budget.text(scheme.name)?, budget.text(scheme.challenge)?) };
    let visible = challenge.bytes().all(|b| (0x20..0x7f).contains(&b));
    let built_in = crate::schemes::SCHEMES.iter().any(|def| def.name == name);
    let unknown_bits = scheme.flags & !KNOWN_FLAGS != 0 || scheme.reserved != 0;
    let (Some(function), false) = (scheme.authenticate, name.is_empty() || built_in || !visible || unknown_bits) else {
        return Err(auth_status::AUTH_EINVAL);
    };
    let challenge = Some(challenge.to_owned()).filter(|c| !c.is_empty());
    let turn = (scheme.flags & AUTH_SCHEME_ONE_THREAD != 0).then(Turn::new);
    let foreign = Foreign { function, destroy: scheme.destroy, data: scheme.data, challenge, turn };
    Ok((name, Checked { foreign, configure: scheme.configure }))
}

const KNOWN_FLAGS: u32 = AUTH_SCHEME_ONE_THREAD | AUTH_SCHEME_BLOCKS;

/// A scheme that may be taken over.
struct Checked {
    foreign: Foreign,
    configure: Option<Configure>,
}

type Configure = unsafe extern "C-unwind" fn(*mut c_void, *const auth_settings, *mut *mut c_void) -> c_int;

impl Checked {
    fn offer(self) -> Arc<dyn Offer> {
        match self.configure {
            Some(configure) => Arc::new(Configurable { template: self.foreign, configure }),
            None => Arc::new(Ready(Arc::new(Owned(self.foreign)))),
        }
    }
}

/// A scheme that takes no options: always the same one.
struct Ready(Arc<Owned>);

impl Offer for Ready {
    fn make(&self, settings: Settings) -> Result<Arc<dyn Host>, Complaint> {
        auth_settings::refused(&settings).map_or_else(|| Ok(self.0.clone() as Arc<dyn Host>), Err)
    }
}

/// A scheme that is another one with other options; all of them take turns together.
struct Configurable {
    template: Foreign,
    configure: Configure,
}

impl Offer for Configurable {
    fn make(&self, settings: Settings) -> Result<Arc<dyn Host>, Complaint> {
        let settings = auth_settings::new(settings);
        let mut made = ptr::null_mut();
        // SAFETY: the function with its own data; settings and output live during the call.
        let call = || unsafe { (self.configure)(self.template.data, &raw const settings, &raw mut made) };
        let status = guard_or(auth_status::AUTH_EPANIC as c_int, call);
        if status != auth_status::AUTH_OK as c_int {
            let unsaid = || Complaint::Refused(None, format!("it says {}", super::library::name_of(status)));
            return Err(settings.said().unwrap_or_else(unsaid));
        }
        // From here on it is ours to destroy.
        let scheme = Owned(Foreign { data: made, ..self.template.clone() });
        settings.complaint().map_or_else(|| Ok(Arc::new(scheme) as Arc<dyn Host>), Err)
    }
}

/// A scheme of a host or a plug-in, copied.
#[derive(Clone)]
struct Foreign {
    function: unsafe extern "C-unwind" fn(*mut c_void, *const auth_view, *mut auth_answer),
    destroy: Option<unsafe extern "C-unwind" fn(*mut c_void)>,
    data: *mut c_void,
    challenge: Option<String>,
    /// Taken for each call of a scheme that one thread at a time may use.
    turn: Option<Arc<Turn>>,
}

// SAFETY: the header asks for functions and data that any thread may use, one at a time if so told.
unsafe impl Send for Foreign {}
// SAFETY: as above.
unsafe impl Sync for Foreign {}

/// Whose call it is.
struct Turn {
    latch: Latch<()>,
    /// The thread that has the turn; 0 is nobody.
    holder: AtomicUsize,
}

impl Turn {
    fn new() -> Arc<Self> {
        let turn = Arc::new(Self { latch: Latch::new(()), holder: AtomicUsize::new(0) });
        let member: Weak<Self> = Arc::downgrade(&turn);
        fork::without_fork(|| fork::register(member));
        turn
    }

    fn take(&self, call: impl FnOnce()) {
        struct Free<'a>(&'a AtomicUsize);
        impl Drop for Free<'_> {
            fn drop(&mut self) {
                self.0.store(0, Ordering::Relaxed);
            }
        }
        let _turn = self.latch.lock();
        self.holder.store(thread::id(), Ordering::Relaxed);
        let _free = Free(&self.holder);
        call();
    }
}

impl AcrossFork for Turn {
    /// A fork does not wait for a call: the host's function may be waiting for what the fork has
    /// shut. The child's turn is free unless it is the caller itself who forked.
    fn be_alone(&self) {
        let holder = self.holder.swap(0, Ordering::Relaxed);
        if holder == thread::id() {
            self.holder.store(holder, Ordering::Relaxed);
        } else {
            self.latch.reset_in_child();
        }
    }
}

/// A scheme that was taken over: its end is announced.
struct Owned(Foreign);

impl Host for Owned {
    fn ask(&self, request: &Request<'_>) -> Option<Answer> {
        let view = auth_view { request: ptr::from_ref(request).cast(), lent: RefCell::default() };
        let mut answer = auth_answer { answer: Cell::new(None) };
        // SAFETY: the host's function with the host's data; view and answer live during the call.
        // A panic unwinds to the guard of the C function that was called; the turn is given back.
        let mut call = || unsafe { (self.0.function)(self.0.data, &raw const view, &raw mut answer) };
        match &self.0.turn {
            Some(turn) => turn.take(call),
            None => call(),
        }
        answer.answer.take()
    }

    fn challenge(&self) -> Option<&str> {
        self.0.challenge.as_deref()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(destroy) = self.0.destroy {
            // SAFETY: the host's function with the host's data; nobody calls the scheme any more.
            guard_or((), || unsafe { destroy(self.0.data) });
        }
    }
}
