//! A host in Rust: opens contexts and sends requests through the C ABI, over throw-away databases.
#![allow(unsafe_code, dead_code, clippy::undocumented_unsafe_blocks)]

use std::ffi::{CStr, c_char};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::ptr;

use authchain::capi::context::*;
use authchain::capi::report::*;
use authchain::capi::request::*;
use authchain::capi::response::*;
use authchain::capi::scheme::*;
use authchain::capi::status::*;
use authchain::capi::user::*;

/// A folder with a database of the recorded users, removed afterwards.
pub struct Site {
    pub folder: tempfile::TempDir,
}

impl Site {
    /// The users and tokens of tests/vectors/`name`/seed.sql.
    pub fn of_vectors(name: &str) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap() };
        let sql = fs::read_to_string(root().join("tests/vectors").join(name).join("seed.sql")).unwrap();
        let database = rusqlite::Connection::open(site.database()).unwrap();
        database.pragma_update(None, "foreign_keys", false).unwrap();
        database.execute_batch(&sql).unwrap();
        site
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("db.sqlite3")
    }

    /// A connection of somebody else.
    pub fn other(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.database()).unwrap()
    }

    /// A host with the usual configuration and these lines behind it.
    pub fn host(&self, more: &str) -> Host {
        self.try_host(&format!("{USUAL}{more}")).unwrap_or_else(|report| panic!("{report}"))
    }

    pub fn try_host(&self, config: &str) -> Result<Host, String> {
        Host::open(config, self.folder.path(), &[])
    }
}

/// The configuration of most tests; more top-level keys cannot follow, tables can.
pub const USUAL: &str = r#"
database = "sqlite:db.sqlite3"
secret_key = "peer-secret-key-0123456789-0123456789-0123456789"
secret_key_fallbacks = ["peer-previous-key-9876543210-9876543210-9876543210", "peer-first-key-5555555555-5555555555-5555555555"]
session_file_path = "sessions"
allowed_hosts = ["testserver", ".example.com", "[::1]"]
password_hashers = ["pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "scrypt", "md5"]
timeout = 0
trusted_proxies = ["127.0.0.1"]
[endpoints.obtain_auth_token]
[throttle]
enabled = false
[hashers.pbkdf2_sha256]
iterations = 1000
[chains.default]
schemes = ["basic", "token"]
"#;

/// An open context.
pub struct Host(*mut auth_context);

unsafe impl Send for Host {}
unsafe impl Sync for Host {}

/// What a request came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub status: auth_status,
    pub user: String,
    pub http: u32,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub log: String,
    pub failure: String,
}

impl Outcome {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// One word for tables of expectations: the user, the slug of the refusal, or what is broken.
    pub fn said(&self) -> String {
        match self.status {
            auth_status::AUTH_OK => self.user.clone(),
            auth_status::AUTH_ANONYMOUS => "anonymous".to_owned(),
            auth_status::AUTH_REFUSED | auth_status::AUTH_THROTTLED => self.log.split(' ').next().unwrap().to_owned(),
            _ => format!("{:?}", self.status),
        }
    }
}

impl Host {
    pub fn open(config: &str, base: &Path, schemes: &[auth_scheme]) -> Result<Self, String> {
        let mut options: auth_options = unsafe { std::mem::zeroed() };
        options.size = size_of::<auth_options>();
        options.text = text(config);
        let base = base.to_str().unwrap();
        options.base_dir = text(base);
        options.schemes = schemes.as_ptr();
        options.n_schemes = schemes.len();
        let (mut context, mut why) = (ptr::null_mut(), ptr::null_mut());
        let status = unsafe { auth_context_open(&raw const options, &raw mut context, &raw mut why) };
        if status == auth_status::AUTH_OK {
            return Ok(Self(context));
        }
        assert_eq!(status, auth_status::AUTH_ECONFIG);
        let message = string(unsafe { auth_report_message(why.as_ref()) });
        unsafe { auth_report_free(Some(Box::from_raw(why))) };
        Err(message)
    }

    pub fn context(&self) -> &auth_context {
        unsafe { &*self.0 }
    }

    /// Judges a request by `[chains.default]`.
    pub fn ask(&self, headers: &[(&str, &str)]) -> Outcome {
        self.ask_chain("default", headers)
    }

    /// Judges a request with this `Authorization`.
    pub fn authorization(&self, value: &str) -> Outcome {
        self.ask(&[("Authorization", value)])
    }

    pub fn ask_chain(&self, chain: &str, headers: &[(&str, &str)]) -> Outcome {
        self.send("", chain, headers, None)
    }

    /// Sends a request to a chain, or to an endpoint, with as much of a body as is given.
    pub fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: Option<&str>) -> Outcome {
        let fields: Vec<_> =
            headers.iter().map(|(name, value)| auth_header { name: text(name), value: text(value) }).collect();
        let mut http: auth_http = unsafe { std::mem::zeroed() };
        http.size = size_of::<auth_http>();
        http.method = text(method);
        http.peer = text("127.0.0.1");
        http.headers = fields.as_ptr();
        http.n_headers = fields.len();
        unsafe {
            let mut request = ptr::null_mut();
            let status = auth_request_new(Some(self.context()), &raw const http, &raw mut request);
            assert_eq!(status, auth_status::AUTH_OK);
            for piece in body.unwrap_or_default().as_bytes().chunks(1 << 20) {
                let piece = auth_str { ptr: piece.as_ptr().cast(), len: piece.len() };
                assert_eq!(auth_request_feed_body(request.as_mut(), piece, 0), auth_status::AUTH_OK);
            }
            if body.is_some() {
                assert_eq!(auth_request_feed_body(request.as_mut(), text(""), 1), auth_status::AUTH_OK);
            }
            let mut number = u32::MAX;
            let is_chain =
                auth_context_chain(Some(self.context()), text(target), &raw mut number) == auth_status::AUTH_OK;
            let status = if is_chain {
                auth_request_authenticate(request.as_mut(), number)
            } else {
                let found = auth_context_endpoint(Some(self.context()), text(target), &raw mut number);
                assert_eq!(found, auth_status::AUTH_OK, "{target}");
                auth_request_serve(request.as_mut(), number)
            };
            let outcome = outcome(status, &*request);
            auth_request_free(Some(Box::from_raw(request)));
            outcome
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        unsafe { auth_context_free(Some(Box::from_raw(self.0))) };
    }
}

unsafe fn outcome(status: auth_status, request: &auth_request) -> Outcome {
    unsafe {
        let user = auth_request_user(Some(request)).as_ref();
        let response = auth_request_response(Some(request)).as_ref();
        let mut headers = Vec::new();
        let (mut name, mut value) = (ptr::null(), ptr::null());
        while auth_response_header(response, headers.len(), &raw mut name, &raw mut value) == auth_status::AUTH_OK {
            headers.push((string(name), string(value)));
        }
        Outcome {
            status,
            user: string(auth_user_name(user)),
            http: auth_response_status(response),
            headers,
            body: string(auth_response_body(response)),
            log: string(auth_request_log(Some(request))),
            failure: string(auth_request_failure(Some(request))),
        }
    }
}

pub fn text(text: &str) -> auth_str {
    auth_str { ptr: text.as_ptr().cast(), len: text.len() }
}

/// A copy of a C string; empty for NULL.
pub fn string(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned()
}

pub fn basic(name: &str, password: &str) -> String {
    use base64::Engine;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}")))
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The Python of the tests, which scripts/setup made.
pub fn python() -> PathBuf {
    let found = std::env::var_os("AUTHCHAIN_TEST_PYTHON").map_or(root().join(".venv/bin/python"), PathBuf::from);
    assert!(found.exists(), "{} is missing: run scripts/setup", found.display());
    found
}

/// Runs a verb of tests/peer/site.py; what it prints.
pub fn django(database: &Path, arguments: &[&str], input: &str) -> String {
    use std::io::Write;
    let mut child = Command::new(python())
        .arg(root().join("tests/peer/site.py"))
        .arg("--db")
        .arg(database)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "site.py {arguments:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}
