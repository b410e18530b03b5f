//! One HTTP request being judged.

use std::ffi::{CStr, CString, c_char, c_int};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Arc, OnceLock};

use super::context::{ENDPOINT, auth_context};
use super::edits::auth_edits;
use super::input::{Budget, Sized_, read_sized, text};
use super::output::{Text, give};
use super::plugin;
use super::response::auth_response;
use super::status::{auth_header, auth_status, auth_str};
use super::user::auth_user;
use super::{guard, guard_or};
use zeroize::Zeroizing;

use crate::codec::form::MAX_BODY;
use crate::context::Context;
use crate::csrf::PageToken;
use crate::error::Error;
use crate::exchange::{Asked, Exchange};
use crate::live;
use crate::request::{Body, Header, Headers, Packed, Request};

/// The request came over TLS.
pub const AUTH_HTTP_TLS: u32 = 1;
/// Test clients: no CSRF check (Django's `_dont_enforce_csrf_checks`).
pub const AUTH_HTTP_SKIP_CSRF: u32 = 2;
/// The host verified `client_cert`.
pub const AUTH_HTTP_CERT_VERIFIED: u32 = 4;

const KNOWN_FLAGS: u32 = AUTH_HTTP_TLS | AUTH_HTTP_SKIP_CSRF | AUTH_HTTP_CERT_VERIFIED;

/// One HTTP request. Start with `AUTH_HTTP_INIT`; fill in what is known. The
/// headers are enough, but an absent method counts as unsafe. Headers come as
/// an array or as a block of `Name: value` lines; both set is AUTH_EINVAL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct auth_http {
    /// sizeof(auth_http); set by the initialiser.
    pub size: usize,
    /// AUTH_HTTP_TLS and others; unknown bits are AUTH_EINVAL.
    pub flags: u32,
    /// The client's port; 0 when unknown.
    pub peer_port: u32,
    /// Unix time in microseconds, for tests; 0: the clock.
    pub now_us: i64,
    /// "GET", as sent.
    pub method: auth_str,
    /// Path and query, as sent.
    pub target: auth_str,
    /// The host as the server understood it.
    pub host: auth_str,
    /// The client's address.
    pub peer: auth_str,
    /// The user whom the server itself has verified.
    pub remote_user: auth_str,
    /// The client's certificate.
    pub client_cert: auth_str,
    /// `Name: value` lines separated by CR LF or LF, instead of `headers`. A
    /// line without a colon or starting with a blank is AUTH_EINVAL.
    pub header_block: auth_str,
    /// The header fields in order, duplicates kept.
    pub headers: *const auth_header,
    /// How many.
    pub n_headers: usize,
}

// SAFETY: repr(C), starts with its size, plain data.
unsafe impl Sized_ for auth_http {
    const LEAST: usize = std::mem::size_of::<Self>();
}

/// A request being judged: keeps a copy of what it needs, the configuration it
/// began with, and the verdict of each chain.
///
/// Methods: auth_request_new, auth_request_wants, auth_request_feed_body,
/// auth_request_authenticate, auth_request_serve, auth_request_deny,
/// auth_request_user, auth_request_response, auth_request_edits,
/// auth_request_assert, auth_request_event, auth_request_log, auth_request_failure,
/// auth_request_free.
pub struct auth_request {
    /// The verdict so far; `auth_request_user` lends it out.
    user: auth_user,
    /// What outlives the caller's structs.
    copy: Packed,
    body: Fed,
    lent: Lent,
}

/// What was made of the verdict and lent out.
#[derive(Default)]
struct Lent {
    failure: Text,
    log: Text,
    edits: OnceLock<auth_edits>,
    events: OnceLock<Vec<(&'static CStr, Option<CString>)>>,
}

impl auth_request {
    /// The header of assertions, and one to an audience about the user.
    pub(super) fn assertion(&self, audience: &str) -> Result<Option<(&str, Zeroizing<String>)>, Error> {
        self.user.exchange().assertion(audience)
    }

    /// A CSRF token for a page of the host's.
    pub(super) fn csrf_token(&self) -> Result<Option<PageToken>, Error> {
        self.user.exchange().csrf_token(&self.copy.request())
    }
}

/// A body as it comes in.
enum Fed {
    Nothing,
    Part(Vec<u8>),
    Whole(Vec<u8>),
    TooLarge,
}

/// The request's body decides, too: feed it before asking.
pub const AUTH_WANTS_BODY: u32 = 1;

/// Judges a request by `[chains.default]` of the default context: the one call,
/// with no context to manage.
///
/// Ownership: free `*out_user` with auth_user_free. It is written for every
/// status that is not negative: for AUTH_ANONYMOUS and AUTH_REFUSED it is the
/// anonymous user, which also carries what to answer.
/// Threads: any. Blocks: database, password hashes; reads the configuration on
/// first use and when it has changed.
/// Returns: AUTH_OK, AUTH_ANONYMOUS, AUTH_REFUSED, AUTH_THROTTLED, AUTH_EINVAL,
/// AUTH_ECONFIG, AUTH_ESTORE, AUTH_ENOTSUP, AUTH_EBUSY, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_authenticate(headers: *const auth_http, out_user: *mut *mut auth_user) -> auth_status {
    guard(|| {
        if headers.is_null() || out_user.is_null() {
            return auth_status::AUTH_EINVAL;
        }
        let Ok(live) = live::default_context(plugin::load) else { return auth_status::AUTH_ECONFIG };
        let context = live.now();
        let Some(chain) = context.chain("default") else { return auth_status::AUTH_ECONFIG };
        // SAFETY: `headers` is NULL or a struct with its size whose texts are readable, by contract.
        let judged = unsafe {
            with_request(headers, |request, now_us| {
                // Judged where it stays: moving a verdict costs as much as reaching it.
                let mut user = Box::new(auth_user::judged(Exchange::new(context, now_us, false)));
                user.exchange_mut().judge(&Asked::Configured(chain), request);
                user
            })
        };
        let (status, user) = match judged {
            Ok(user) => (user.status(), user),
            Err(status) => return status,
        };
        if status as i32 >= 0 {
            // SAFETY: not NULL; writable by contract.
            unsafe { out_user.write(Box::into_raw(user)) };
        }
        status
    })
}

/// Begins a request. Copies what it needs of `http`.
///
/// Ownership: free `*out` with auth_request_free. Threads: any; the request
/// itself one at a time. Blocks: never.
/// Returns: AUTH_OK, AUTH_EINVAL, AUTH_ENOTSUP, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_request_new(
    context: Option<&auth_context>,
    http: *const auth_http,
    out: *mut *mut auth_request,
) -> auth_status {
    guard(|| {
        let (Some(context), false) = (context, out.is_null()) else { return auth_status::AUTH_EINVAL };
        // SAFETY: `http` is NULL or a struct with its size whose texts are readable, by contract.
        match unsafe { with_request(http, |request, now_us| copied(context.context(), request, now_us)) } {
            Ok(request) => {
                // SAFETY: not NULL; writable by contract.
                unsafe { give(out, request) };
                auth_status::AUTH_OK
            }
            Err(status) => status,
        }
    })
}

/// Judges the request by a chain. Asked again the verdict is the same; another
/// chain decides anew and becomes the one that the accessors speak of.
///
/// Ownership: none. Threads: one at a time. Blocks: database, password hashes.
/// Returns: AUTH_OK, AUTH_ANONYMOUS, AUTH_REFUSED, AUTH_THROTTLED, AUTH_ECONFIG
/// (no such chain), AUTH_ESTORE, AUTH_EINVAL, AUTH_ENOTSUP, AUTH_EBUSY,
/// AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_request_authenticate(request: Option<&mut auth_request>, chain: u32) -> auth_status {
    judge(request, chain, |asked| matches!(asked, Asked::Configured(_)))
}

/// What the target, a chain or an endpoint, needs beyond the head of the
/// request.
///
/// Ownership: none. Threads: one at a time. Blocks: never.
/// Returns: the sum of AUTH_WANTS_BODY and others; 0 for nothing, for NULL and
/// for a target that there is not.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_request_wants(request: Option<&auth_request>, target: u32) -> u32 {
    guard_or(0, || {
        let Some(request) = request else { return 0 };
        let exchange = request.user.exchange();
        let asked = asked(exchange.context(), target);
        let wants_body = asked.is_some_and(|asked| exchange.wants_body(&asked, &request.copy.request()));
        if wants_body { AUTH_WANTS_BODY } else { 0 }
    })
}

/// Hands over the next piece of the body, before the verdict that needs it;
/// `last` is not 0 for the last one. What goes beyond 2.5 MiB is not kept, and
/// the verdict is 413.
///
/// Ownership: none; the piece is copied. Threads: one at a time. Blocks: never.
/// Returns: AUTH_OK, AUTH_EINVAL (also after the last piece), AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_request_feed_body(
    request: Option<&mut auth_request>,
    piece: auth_str,
    last: c_int,
) -> auth_status {
    guard(|| {
        // SAFETY: the piece is readable, by contract.
        let (Some(request), Ok(piece)) = (request, unsafe { Budget::new().bytes(piece) }) else {
            return auth_status::AUTH_EINVAL;
        };
        let mut body = match std::mem::replace(&mut request.body, Fed::Nothing) {
            Fed::Nothing => Vec::new(),
            Fed::Part(body) => body,
            done @ (Fed::Whole(_) | Fed::TooLarge) => {
                let is_open = matches!(done, Fed::TooLarge);
                request.body = done;
                return if is_open { auth_status::AUTH_OK } else { auth_status::AUTH_EINVAL };
            }
        };
        request.body = if body.len() + piece.len() > MAX_BODY {
            Fed::TooLarge
        } else {
            body.extend_from_slice(piece);
            if last == 0 { Fed::Part(body) } else { Fed::Whole(body) }
        };
        auth_status::AUTH_OK
    })
}

/// Serves an endpoint (auth_context_endpoint). The response is to be sent
/// verbatim, whatever the status; with AUTH_OK the user is who got or gave the
/// credentials. Asked again the answer is the same.
///
/// Ownership: none. Threads: one at a time. Blocks: database, password hashes.
/// Returns: AUTH_OK, AUTH_ANONYMOUS, AUTH_REFUSED, AUTH_THROTTLED, AUTH_ECONFIG
/// (no such endpoint), AUTH_ESTORE, AUTH_EINVAL, AUTH_ENOTSUP, AUTH_EBUSY,
/// AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_request_serve(request: Option<&mut auth_request>, endpoint: u32) -> auth_status {
    judge(request, endpoint, |asked| matches!(asked, Asked::Endpoint(_)))
}

/// The host's own no to a request that was judged, answered by DRF's rule:
/// nobody is asked to log in (401 with the challenge, or 403), somebody is told
/// 403. A refusal stays as it is. `detail` is what somebody is told; empty for
/// DRF's text.
///
/// Ownership: none. Threads: one at a time. Blocks: never.
/// Returns: AUTH_REFUSED, AUTH_EINVAL (not judged yet, or no verdict could be
/// given), AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_request_deny(request: Option<&mut auth_request>, detail: auth_str) -> auth_status {
    guard(|| {
        // SAFETY: the text is readable, by contract.
        let (Some(request), Ok(detail)) = (request, unsafe { text(detail) }) else { return auth_status::AUTH_EINVAL };
        let exchange = request.user.exchange_mut();
        if !exchange.deny(Some(detail).filter(|d| !d.is_empty())) {
            return auth_status::AUTH_EINVAL;
        }
        request.forget_texts();
        request.user.status()
    })
}

/// Who it is.
///
/// Ownership: borrowed; dies with the request, and changes with the next
/// verdict. Threads: one at a time. Blocks: never.
/// Returns: the user; the anonymous user before a verdict and after a refusal;
/// NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_request_user(request: Option<&auth_request>) -> *const auth_user {
    request.map_or(ptr::null(), |request| &raw const request.user)
}

/// What to send verbatim after a refusal or a failure; on success the headers
/// to add. AUTH_ANONYMOUS is a success: a page for users only has to say no
/// itself (auth_request_deny).
///
/// Ownership: borrowed; dies with the request, and changes with the next
/// verdict. Threads: one at a time. Blocks: never.
/// Returns: the response; a plain 503 before a verdict, after a failure and for
/// NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_request_response(request: Option<&auth_request>) -> *const auth_response {
    guard_or(ptr::null(), || auth_user::response_of(request.map(|request| &request.user)))
}

/// What to change in the headers of the request before it is passed on to an
/// application. Also before a verdict, after a refusal and for nobody: then only
/// what a client may not say about the user is taken away.
///
/// Ownership: borrowed; dies with the request, and changes with the next
/// verdict. Threads: one at a time. Blocks: never.
/// Returns: the changes, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_request_edits(request: Option<&auth_request>) -> *const auth_edits {
    guard_or(ptr::null(), || {
        request.map_or(ptr::null(), |r| {
            let edits = || auth_edits::new(r.user.exchange().edits(&r.copy.request()));
            ptr::from_ref(r.lent.edits.get_or_init(edits))
        })
    })
}

/// Event number `i`, counted from 0, of the verdict: what Django announces by a
/// signal. `*name` is "logged_in", "logged_out", "login_failed",
/// "user_created", "token_expired" or "other_token_expired" (the token of the
/// request was deleted; knox: another one of its owner), "token_renewed" (durin);
/// `*user` whom it is about, NULL when that is not known. More names may come.
///
/// Ownership: `*name` is static; `*user` is borrowed, dies with the request, and
/// changes with the next verdict. Threads: one at a time. Blocks: never.
/// Returns: AUTH_OK, AUTH_REFUSED (no such event; nothing is written),
/// AUTH_EINVAL, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_request_event(
    request: Option<&auth_request>,
    i: usize,
    name: *mut *const c_char,
    user: *mut *const c_char,
) -> auth_status {
    guard(|| {
        let (Some(request), false, false) = (request, name.is_null(), user.is_null()) else {
            return auth_status::AUTH_EINVAL;
        };
        let Some((event, about)) = request.events().get(i) else { return auth_status::AUTH_REFUSED };
        // SAFETY: not NULL; writable by contract.
        unsafe {
            name.write(event.as_ptr());
            user.write(about.as_ref().map_or(ptr::null(), |about| about.as_ptr()));
        }
        auth_status::AUTH_OK
    })
}

/// One line for the log: the slug of the verdict first, fields escaped, never a
/// secret or a part of one.
///
/// Ownership: borrowed; dies with the request, and changes with the next
/// verdict. Threads: one at a time. Blocks: never.
/// Returns: a text, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_request_log(request: Option<&auth_request>) -> *const c_char {
    guard_or(ptr::null(), || request.map_or(ptr::null(), |r| r.lent.log.of(|| r.user.exchange().log_line())))
}

/// Why no verdict could be given, in words for the operator.
///
/// Ownership: borrowed; dies with the request, and changes with the next
/// verdict. Threads: one at a time. Blocks: never.
/// Returns: a text, or NULL when there is a verdict, none was asked for, or for
/// NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_request_failure(request: Option<&auth_request>) -> *const c_char {
    guard_or(ptr::null(), || {
        request.map_or(ptr::null(), |r| {
            r.lent.failure.of_option(|| match r.user.exchange().outcome() {
                Some(Err(error)) => Some(error.to_string()),
                _ => None,
            })
        })
    })
}

/// Ends a request; NULL does nothing. What was borrowed from it is gone.
///
/// Ownership: takes the request. Threads: one at a time. Blocks: closes
/// connections when it was the last user of a context that was freed.
/// Returns: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_request_free(request: Option<Box<auth_request>>) {
    guard_or((), || drop(request));
}

impl auth_request {
    /// Forgets what was made of an earlier verdict.
    fn forget_texts(&mut self) {
        self.lent = Lent::default();
        self.user.forget_texts();
    }

    fn events(&self) -> &[(&'static CStr, Option<CString>)] {
        self.lent.events.get_or_init(|| {
            let text = |name: &str| CString::new(name).unwrap_or_default(); // a name that was tried may hold a NUL
            self.user.exchange().events().iter().map(|event| (event.name(), event.username().map(text))).collect()
        })
    }
}

impl Fed {
    /// The request with what came of its body.
    fn with<'a>(&'a self, mut request: Request<'a>) -> Request<'a> {
        request.body = match self {
            Self::Nothing | Self::Part(_) => Body::Unread,
            Self::Whole(body) => Body::Whole(body),
            Self::TooLarge => Body::TooLarge,
        };
        request
    }
}

/// Judges by what a number names, if it is of the right kind.
fn judge(request: Option<&mut auth_request>, target: u32, is_right: impl FnOnce(&Asked) -> bool) -> auth_status {
    guard(|| {
        let Some(request) = request else { return auth_status::AUTH_EINVAL };
        // Before the verdict, because judging may panic.
        request.forget_texts();
        let exchange = request.user.exchange_mut();
        let Some(asked) = asked(exchange.context(), target).filter(is_right) else { return auth_status::AUTH_ECONFIG };
        exchange.judge(&asked, &request.body.with(request.copy.request()));
        request.user.status()
    })
}

/// What a number names in the configuration that the request began with.
fn asked(context: &Context, target: u32) -> Option<Asked> {
    let number = usize::try_from(target & !ENDPOINT).ok()?;
    if target & ENDPOINT == 0 {
        context.chains().place(number).map(Asked::Configured)
    } else {
        context.endpoints().place(number).map(Asked::Endpoint)
    }
}

/// Runs `f` on the request that a caller describes, borrowed.
///
/// # Safety
/// `http` is NULL or points to a struct of the size it starts with, whose texts and headers are
/// readable until `f` returns.
unsafe fn with_request<R>(http: *const auth_http, f: impl FnOnce(&Request<'_>, i64) -> R) -> Result<R, auth_status> {
    // SAFETY: by contract.
    let http = unsafe { read_sized(http) }?;
    if http.flags & !KNOWN_FLAGS != 0 || (http.n_headers > 0 && http.header_block.len > 0) {
        return Err(auth_status::AUTH_EINVAL);
    }
    let mut budget = Budget::new();
    // SAFETY: the block is readable, by contract.
    let block = unsafe { budget.bytes(http.header_block) }?;
    // SAFETY: an array of `n_headers` elements, by contract.
    let given = unsafe { budget.array(http.headers, http.n_headers) }?;
    // Most requests have few headers: those stay on the stack, where nothing is written beforehand
    // (that would be a third of a request without credentials).
    let mut few = [const { MaybeUninit::uninit() }; FEW];
    let mut many = Vec::new();
    let places = if given.len() <= FEW {
        &mut few[..given.len()]
    } else {
        many.resize_with(given.len(), MaybeUninit::uninit);
        &mut many[..]
    };
    // SAFETY: the texts are readable, by contract.
    let list = unsafe { fields(&mut budget, given, places) }?;
    let headers = if block.is_empty() { Headers::List(list) } else { Headers::Block(block) };
    if !headers.is_well_formed() {
        return Err(auth_status::AUTH_EINVAL);
    }
    let mut request = Request::new(headers);
    // SAFETY: all texts are readable, by contract.
    unsafe {
        request.method = budget.bytes(http.method)?;
        request.target = budget.bytes(http.target)?;
        request.host = budget.bytes(http.host)?;
        request.peer = budget.bytes(http.peer)?;
        request.remote_user = budget.bytes(http.remote_user)?;
        budget.bytes(http.client_cert)?;
    }
    request.tls = http.flags & AUTH_HTTP_TLS != 0;
    request.skip_csrf = http.flags & AUTH_HTTP_SKIP_CSRF != 0;
    Ok(f(&request, http.now_us))
}

/// Reads the header fields into as many places.
///
/// # Safety
/// The texts are readable for `'a`.
unsafe fn fields<'a, 'p>(
    budget: &mut Budget,
    given: &[auth_header],
    places: &'p mut [MaybeUninit<Header<'a>>],
) -> Result<&'p [Header<'a>], auth_status> {
    assert_eq!(given.len(), places.len());
    for (place, header) in places.iter_mut().zip(given) {
        // SAFETY: by contract.
        place.write(unsafe { Header { name: budget.bytes(header.name)?, value: budget.bytes(header.value)? } });
    }
    // SAFETY: every place was written, and `MaybeUninit<T>` is laid out as `T`.
    Ok(unsafe { &*(ptr::from_ref(places) as *const [Header<'a>]) })
}

fn copied(context: Arc<Context>, request: &Request<'_>, now_us: i64) -> auth_request {
    auth_request {
        user: auth_user::judged(Exchange::new(context, now_us, false)),
        copy: Packed::of(request),
        body: Fed::Nothing,
        lent: Lent::default(),
    }
}

const FEW: usize = 32;
