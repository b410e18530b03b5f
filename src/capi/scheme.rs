//! The host's own schemes: DRF's "Custom authentication" in C.

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use super::input::Budget;
use super::status::{auth_status, auth_str};
use super::{guard, guard_or};
use crate::request::Request;
use crate::schemes::custom::{Answer, Host, Hosts};
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

/// A scheme of the host's own, named in `[chains.…] schemes` like any other.
/// Start with `AUTH_SCHEME_INIT`. It says who it is by name only: that the user
/// exists and is active is checked by the library.
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
    /// (AUTH_ECONFIG); may be NULL.
    pub destroy: Option<unsafe extern "C-unwind" fn(data: *mut c_void)>,
    /// Handed to both.
    pub data: *mut c_void,
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

/// The schemes of a host, made safe. Takes over none of them unless all are good.
///
/// # Safety
/// `first` points to `count` schemes whose texts are readable.
pub(super) unsafe fn hosts(budget: &mut Budget, first: *const auth_scheme, count: usize) -> Result<Hosts, auth_status> {
    // SAFETY: by contract.
    let schemes = unsafe { budget.array(first, count) }?;
    let mut checked: Vec<(&str, HostScheme)> = Vec::new();
    for scheme in schemes {
        // SAFETY: a scheme with its size and readable texts, by contract.
        let (name, host) = unsafe { host(budget, scheme) }?;
        if checked.iter().any(|(known, _)| *known == name) {
            return Err(auth_status::AUTH_EINVAL);
        }
        checked.push((name, host));
    }
    Ok(checked.into_iter().map(|(name, host)| (name.to_owned(), Arc::new(Owned(host)) as Arc<dyn Host>)).collect())
}

/// One scheme, checked and copied.
///
/// # Safety
/// A struct that starts with its size, with readable texts.
unsafe fn host<'a>(budget: &mut Budget, scheme: &auth_scheme) -> Result<(&'a str, HostScheme), auth_status> {
    // Elements of an array must have one size, so an older or newer caller's cannot be told apart.
    match scheme.size.cmp(&std::mem::size_of::<auth_scheme>()) {
        std::cmp::Ordering::Less => return Err(auth_status::AUTH_EINVAL),
        std::cmp::Ordering::Greater => return Err(auth_status::AUTH_ENOTSUP),
        std::cmp::Ordering::Equal => {}
    }
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
    Ok((name, HostScheme { function, destroy: scheme.destroy, data: scheme.data, challenge, turn }))
}

const KNOWN_FLAGS: u32 = AUTH_SCHEME_ONE_THREAD | AUTH_SCHEME_BLOCKS;

/// A scheme of the host, copied.
struct HostScheme {
    function: unsafe extern "C-unwind" fn(*mut c_void, *const auth_view, *mut auth_answer),
    destroy: Option<unsafe extern "C-unwind" fn(*mut c_void)>,
    data: *mut c_void,
    challenge: Option<String>,
    /// Taken for each call of a scheme that one thread at a time may use.
    turn: Option<Arc<Turn>>,
}

// SAFETY: the header asks for functions and data that any thread may use, one at a time if so told.
unsafe impl Send for HostScheme {}
// SAFETY: as above.
unsafe impl Sync for HostScheme {}

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
struct Owned(HostScheme);

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
