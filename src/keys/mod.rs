//! Keeps sets of public keys fresh: from a file, looked at once a second at most, or from an address,
//! asked by [`KeyRing::refresh`] alone.
//!
//! No verdict waits for the network. A token that names an unknown key is refused and asks for a
//! refresh; whatever goes wrong with one, the last good set stays.

#[cfg(feature = "jwks-url")]
mod fetch;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Weak};

use crate::codec::jwk::{self, Skipped};
use crate::codec::jws::{Fault, Keys, Verified, verify};
use crate::codec::key::Algorithm;
use crate::sys::file::{self, Privacy};
use crate::sys::fork::{self, AcrossFork};
use crate::sys::latch::Latch;

/// A set of public keys that may change.
pub(crate) struct KeyRing {
    source: Source,
    allowed: Vec<Algorithm>,
    state: Arc<State>,
}

#[derive(PartialEq)]
enum Source {
    File(PathBuf),
    #[cfg(feature = "jwks-url")]
    Url(fetch::Url),
}

/// What a refresh did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refreshed {
    /// It was not time, or another thread is at it.
    NotYet,
    /// There is a new set; these keys of it cannot be used.
    Anew(Vec<Skipped>),
}

struct State {
    held: Latch<Held>,
    /// A token named a key that is not in the set.
    wanted: AtomicBool,
    /// A thread asks the address.
    busy: AtomicBool,
    /// The second in which the file was last looked at.
    looked: AtomicI64,
}

#[derive(Default, Clone)]
struct Held {
    keys: Option<Arc<Keys>>,
    /// Of the file that the keys are from, or of the last that was refused.
    seen: Option<Stamp>,
    /// When the address was last asked, and when it last answered; seconds since 1970.
    asked: Option<i64>,
    answered: Option<i64>,
}

type Stamp = (u64, u64, u64, i64, i64);

impl KeyRing {
    /// The keys of a file, which is read at once.
    ///
    /// # Errors
    /// What is wrong with the file or with the set in it.
    pub(crate) fn of_file(path: PathBuf, allowed: Vec<Algorithm>) -> Result<Self, String> {
        let ring = Self::new(Source::File(path), allowed);
        ring.reload()?;
        Ok(ring)
    }

    /// The keys of an address, which is not asked before the first [`Self::refresh`].
    ///
    /// # Errors
    /// What is wrong with the address: neither `https` nor `http` on this machine.
    #[cfg(feature = "jwks-url")]
    pub(crate) fn of_url(url: &str, allowed: Vec<Algorithm>) -> Result<Self, String> {
        Ok(Self::new(Source::Url(fetch::Url::read(url)?), allowed))
    }

    /// # Errors
    /// Always: this build fetches nothing.
    #[cfg(not(feature = "jwks-url"))]
    pub(crate) fn of_url(_: &str, _: Vec<Algorithm>) -> Result<Self, String> {
        Err("cannot be asked: this library was built without the feature `jwks-url`".to_owned())
    }

    fn new(source: Source, allowed: Vec<Algorithm>) -> Self {
        let (held, wanted, busy) = (Latch::new(Held::default()), AtomicBool::new(false), AtomicBool::new(false));
        let state = Arc::new(State { held, wanted, busy, looked: AtomicI64::new(i64::MIN) });
        let member: Weak<State> = Arc::downgrade(&state);
        fork::without_fork(|| fork::register(member));
        Self { source, allowed, state }
    }

    /// The one of `rings` that has the same source, or this one, which is then among them: an address is asked
    /// for all chains at once.
    pub(crate) fn among(self, rings: &mut Vec<Arc<Self>>) -> Arc<Self> {
        if let Some(known) = rings.iter().find(|known| known.is_like(&self)) {
            return known.clone();
        }
        let ring = Arc::new(self);
        rings.push(ring.clone());
        ring
    }

    fn is_like(&self, other: &Self) -> bool {
        self.source == other.source && self.allowed == other.allowed
    }

    /// Takes over what another ring of the same address knows: a configuration that is loaded again need not
    /// ask again.
    pub(crate) fn inherit(&self, former: &Self) {
        if self.is_remote() && self.is_like(former) {
            let held = former.state.held.lock().clone();
            *self.state.held.lock() = held;
            let is_wanted = former.state.wanted.load(Ordering::Relaxed);
            self.state.wanted.store(is_wanted, Ordering::Relaxed);
        }
    }

    /// Whether the keys come from an address, so that somebody has to call [`Self::refresh`].
    pub(crate) fn is_remote(&self) -> bool {
        !matches!(self.source, Source::File(_))
    }

    /// Where the keys come from, for logs.
    pub(crate) fn shown(&self) -> String {
        match &self.source {
            Source::File(path) => path.display().to_string(),
            #[cfg(feature = "jwks-url")]
            Source::Url(url) => url.shown(),
        }
    }

    /// Whether there are keys. Once there are, there always will be.
    pub(crate) fn has_keys(&self) -> bool {
        self.state.held.lock().keys.is_some()
    }

    /// [`jws::verify`](crate::codec::jws::verify) with the keys of now (seconds since 1970).
    ///
    /// # Errors
    /// [`Fault`]; [`Fault::UnknownKey`] as well when there are no keys yet.
    pub(crate) fn verify(&self, token: &[u8], exact: bool, now: i64) -> Result<Verified, Fault> {
        if !self.is_remote() && self.state.looked.swap(now, Ordering::Relaxed) != now {
            // Whatever is wrong with it, the keys stay.
            let _ = self.reload();
        }
        let keys = self.state.held.lock().keys.clone();
        let found = keys.map_or(Err(Fault::UnknownKey), |keys| verify(token, &keys, exact));
        if matches!(found, Err(Fault::UnknownKey)) {
            self.state.wanted.store(true, Ordering::Relaxed);
        }
        found
    }

    /// Whether [`Self::refresh`] would ask the address. Nobody has to refresh a file.
    pub(crate) fn is_due(&self, now: i64) -> bool {
        if !self.is_remote() {
            return false;
        }
        let passed = |since: Option<i64>, pause: i64| since.is_none_or(|since| !(0..pause).contains(&(now - since)));
        let held = self.state.held.lock();
        let is_wanted = self.state.wanted.load(Ordering::Relaxed) || passed(held.answered, LIFETIME);
        is_wanted && passed(held.asked, PAUSE)
    }

    /// Asks the source if it is time: an address every five minutes, and when a token named an unknown
    /// key, but never twice in 30 seconds. Takes three seconds at most.
    ///
    /// # Errors
    /// What went wrong. The last good set stays.
    pub(crate) fn refresh(&self, now: i64) -> Result<Refreshed, String> {
        if self.is_remote() && !self.is_due(now) {
            return Ok(Refreshed::NotYet);
        }
        match &self.source {
            Source::File(_) => self.reload(),
            #[cfg(feature = "jwks-url")]
            Source::Url(_) if self.state.busy.swap(true, Ordering::Acquire) => Ok(Refreshed::NotYet),
            #[cfg(feature = "jwks-url")]
            Source::Url(url) => {
                // Again: another thread may have asked since.
                let done = if self.is_due(now) { self.ask(url, now) } else { Ok(Refreshed::NotYet) };
                self.state.busy.store(false, Ordering::Release);
                done
            }
        }
    }

    /// Reads the file if it is another than before.
    fn reload(&self) -> Result<Refreshed, String> {
        #[allow(irrefutable_let_patterns)] // the only source of a build without addresses
        let Source::File(path) = &self.source else { return Ok(Refreshed::NotYet) };
        let seen = file::stamp(path); // before it is read: a change in between is seen later
        if seen.is_some() && self.state.held.lock().seen == seen {
            return Ok(Refreshed::NotYet);
        }
        // What could not be read was not seen: a withdrawn key must not stay for want of a descriptor.
        let text = file::read_trusted(path, Privacy::Guarded)?;
        self.replace(text.as_bytes(), seen)
    }

    #[cfg(feature = "jwks-url")]
    fn ask(&self, url: &fetch::Url, now: i64) -> Result<Refreshed, String> {
        self.state.held.lock().asked = Some(now);
        let new = self.replace(&url.fetch()?, None)?;
        self.state.held.lock().answered = Some(now);
        Ok(new)
    }

    /// Keys and what they are from change together, so that a child that is forked has both or neither.
    fn replace(&self, set: &[u8], seen: Option<Stamp>) -> Result<Refreshed, String> {
        let set = jwk::read(set, &self.allowed).map_err(|why| why.to_string());
        let mut held = self.state.held.lock();
        held.seen = seen;
        let set = set?;
        let former = held.keys.replace(Arc::new(set.keys));
        drop(held);
        self.state.wanted.store(false, Ordering::Relaxed);
        drop(former);
        Ok(Refreshed::Anew(set.skipped))
    }
}

/// How long a set from an address is good without asking again, in seconds; PyJWT's `PyJWKClient`.
const LIFETIME: i64 = 300;

/// How long an address is left alone after it was asked.
const PAUSE: i64 = 30;

impl AcrossFork for State {
    fn shut(&self) {
        self.held.hold();
    }

    fn open(&self) {
        self.held.release();
    }

    fn be_alone(&self) {
        // Whoever was asking is not in this process.
        self.busy.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::jws::sign;
    use crate::codec::key::Key;
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use serde_json::{Value, json};
    use std::fs;
    use tempfile::TempDir;

    const NOW: i64 = 1_800_000_000;

    #[test]
    fn a_changed_file_is_read_within_a_second() {
        let (_folder, path) = file(&set(&["a"]));
        let ring = KeyRing::of_file(path.clone(), vec![Algorithm::EdDsa]).unwrap();
        assert!(ring.verify(&token("a"), false, NOW).is_ok());
        write(&path, &set(&["b", "c"]));
        assert_eq!(ring.verify(&token("b"), false, NOW).err(), Some(Fault::UnknownKey));
        assert!(ring.verify(&token("b"), false, NOW + 1).is_ok());
        assert_eq!(ring.verify(&token("a"), false, NOW + 1).err(), Some(Fault::UnknownKey));
        assert_eq!(ring.refresh(NOW + 1), Ok(Refreshed::NotYet));
    }

    #[test]
    fn a_file_that_could_not_be_read_is_read_when_it_can_be() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, path) = file(&set(&["a"]));
        let ring = KeyRing::of_file(path.clone(), vec![Algorithm::EdDsa]).unwrap();
        let allow = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let next = path.with_extension("next");
        fs::write(&next, set(&["b"])).unwrap();
        allow(&next, 0o666); // everybody could write it
        fs::rename(&next, &path).unwrap();
        assert!(ring.verify(&token("a"), false, NOW + 10).is_ok());
        allow(&path, 0o644); // the time of its last change stays
        assert_eq!(ring.verify(&token("a"), false, NOW + 11).err(), Some(Fault::UnknownKey));
        assert!(ring.verify(&token("b"), false, NOW + 11).is_ok());
    }

    #[test]
    fn a_file_that_is_refused_leaves_the_last_good_set() {
        let (_folder, path) = file(&set(&["a"]));
        let ring = KeyRing::of_file(path.clone(), vec![Algorithm::EdDsa]).unwrap();
        for (second, text) in ["", "{}", "{\"keys\":[]}", &" ".repeat(256 * 1024 + 1)].iter().enumerate() {
            write(&path, text);
            assert!(ring.refresh(NOW).is_err(), "{text:.20}");
            assert!(ring.verify(&token("a"), false, NOW + second as i64).is_ok());
        }
        fs::remove_file(&path).unwrap();
        assert!(ring.refresh(NOW).is_err());
        assert!(ring.verify(&token("a"), false, NOW + 9).is_ok());
        write(&path, &set(&["b"]));
        assert_eq!(ring.refresh(NOW), Ok(Refreshed::Anew(vec![])));
        assert!(KeyRing::of_file(path.with_extension("none"), vec![]).is_err());
    }

    #[cfg(not(feature = "jwks-url"))]
    #[test]
    fn a_build_that_fetches_nothing_says_so() {
        let why = KeyRing::of_url("https://issuer.example/jwks.json", vec![]).err().unwrap();
        assert!(why.contains("built without the feature `jwks-url`"), "{why}");
    }

    #[cfg(feature = "jwks-url")]
    mod url {
        use super::*;
        use std::io::{Read, Write};
        use std::net::TcpListener;
        use std::sync::Mutex;
        use std::sync::atomic::AtomicUsize;
        use std::time::{Duration, Instant};

        /// Answers every request with the same bytes; with none, it never answers.
        struct Server {
            url: String,
            answer: Arc<Mutex<Vec<u8>>>,
            requests: Arc<AtomicUsize>,
        }

        impl Server {
            fn start(answer: Vec<u8>) -> Self {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
                let (answer, requests) = (Arc::new(Mutex::new(answer)), Arc::new(AtomicUsize::new(0)));
                let (says, counts) = (answer.clone(), requests.clone());
                std::thread::spawn(move || {
                    let mut open = Vec::new();
                    for stream in listener.incoming() {
                        let mut stream = stream.unwrap();
                        let mut request = Vec::new();
                        while !request.ends_with(b"\r\n\r\n") {
                            let mut byte = [0];
                            stream.read_exact(&mut byte).unwrap();
                            request.push(byte[0]);
                        }
                        counts.fetch_add(1, Ordering::SeqCst);
                        let answer = says.lock().unwrap().clone();
                        let _ = stream.write_all(&answer); // who has read enough hangs up
                        if answer.is_empty() {
                            open.push(stream);
                        }
                    }
                });
                Self { url, answer, requests }
            }

            fn says(&self, answer: Vec<u8>) {
                *self.answer.lock().unwrap() = answer;
            }

            fn requests(&self) -> usize {
                self.requests.load(Ordering::SeqCst)
            }

            fn ring(&self) -> KeyRing {
                KeyRing::of_url(&self.url, vec![Algorithm::EdDsa]).unwrap()
            }
        }

        fn http(head: &str, body: &str) -> Vec<u8> {
            let length = body.len();
            format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").into_bytes()
        }

        #[test]
        fn keys_come_from_an_address_when_a_refresh_fetches_them() {
            let server = Server::start(http("200 OK", &set(&["a"])));
            let ring = server.ring();
            assert_eq!(ring.verify(&token("a"), false, NOW).err(), Some(Fault::UnknownKey));
            assert_eq!(server.requests(), 0, "no verdict asks");
            assert_eq!(ring.refresh(NOW), Ok(Refreshed::Anew(vec![])));
            assert!(ring.verify(&token("a"), false, NOW).is_ok());
            assert_eq!(ring.refresh(NOW + 299), Ok(Refreshed::NotYet));
            assert_eq!(ring.refresh(NOW + 300), Ok(Refreshed::Anew(vec![])));
            assert_eq!(server.requests(), 2);
        }

        #[test]
        fn a_thousand_unknown_keys_make_two_requests() {
            let server = Server::start(http("200 OK", &set(&["a"])));
            let ring = server.ring();
            for i in 0..1000 {
                let now = NOW + i * 59 / 1000;
                assert!(ring.verify(&token(&format!("x{i}")), false, now).is_err());
                ring.refresh(now).unwrap();
            }
            assert_eq!(server.requests(), 2);
        }

        #[test]
        fn a_new_key_is_found_after_the_pause() {
            let server = Server::start(http("200 OK", &set(&["a"])));
            let ring = server.ring();
            ring.refresh(NOW).unwrap();
            server.says(http("200 OK", &set(&["a", "b"])));
            assert_eq!(ring.verify(&token("b"), false, NOW + 1).err(), Some(Fault::UnknownKey));
            assert_eq!(ring.refresh(NOW + 29), Ok(Refreshed::NotYet));
            assert_eq!(ring.refresh(NOW + 30), Ok(Refreshed::Anew(vec![])));
            assert!(ring.verify(&token("b"), false, NOW + 30).is_ok());
            // A clock that was put back does not stop refreshing.
            assert_eq!(ring.refresh(NOW - 9999), Ok(Refreshed::Anew(vec![])));
        }

        #[test]
        fn whatever_the_address_answers_the_last_good_set_stays() {
            let elsewhere = Server::start(http("200 OK", &set(&["b"])));
            let server = Server::start(http("200 OK", &set(&["a"])));
            let ring = server.ring();
            ring.refresh(NOW).unwrap();
            let huge = " ".repeat(256 * 1024 + 1);
            let endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".iter().copied();
            let endless =
                endless.chain(b"10000\r\n".iter().copied().chain([b' '; 65536]).chain(*b"\r\n").cycle().take(9 << 20));
            let answers = [
                http(&format!("302 Found\r\nLocation: {}", elsewhere.url), ""),
                http(&format!("307 Temporary Redirect\r\nLocation: {}", elsewhere.url), &set(&["b"])),
                http("404 Not Found", &set(&["b"])),
                http("500 Internal Server Error", &set(&["b"])),
                http("204 No Content", ""),
                http("200 OK\r\nContent-Type: text/html", "<html></html>"),
                http("200 OK", "{\"keys\":[]}"),
                http("200 OK", &huge),
                http(&format!("200 OK\r\nX: {}", "x".repeat(20_000)), &set(&["b"])),
                b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\nConnection: close\r\n\r\n{\"keys\":".to_vec(),
                b"nonsense\r\n\r\n".to_vec(),
                endless.collect(),
            ];
            for (i, answer) in answers.into_iter().enumerate() {
                let head = String::from_utf8_lossy(&answer[..answer.len().min(40)]).into_owned();
                server.says(answer);
                let now = NOW + 1000 * (i as i64 + 1);
                assert!(ring.refresh(now).is_err(), "{head}");
                assert!(ring.verify(&token("a"), false, now).is_ok(), "{head}");
                assert_eq!(ring.refresh(now + 29), Ok(Refreshed::NotYet), "{head}");
            }
            assert_eq!(elsewhere.requests(), 0);
        }

        #[test]
        fn an_address_that_does_not_answer_is_left_after_three_seconds() {
            let server = Server::start(vec![]);
            let ring = server.ring();
            let began = Instant::now();
            assert!(ring.refresh(NOW).is_err());
            assert!((Duration::from_secs(2)..Duration::from_secs(6)).contains(&began.elapsed()));
            // Nobody listens there any more.
            let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            assert!(KeyRing::of_url(&format!("http://{gone}/"), vec![]).unwrap().refresh(NOW).is_err());
        }

        #[test]
        fn only_https_and_this_machine_are_asked() {
            for (url, is_good) in [
                ("https://issuer.example/jwks.json", true),
                ("https://issuer.example:8443/jwks.json?x=1", true),
                ("HTTPS://issuer.example/", true),
                ("http://127.0.0.1:8000/jwks.json", true),
                ("http://127.1.2.3/", true),
                ("http://[::1]:8000/", true),
                ("http://localhost:8000/", true),
                ("http://issuer.example/", false),
                ("http://localhost.issuer.example/", false),
                ("http://127.0.0.1.issuer.example/", false),
                ("http://127.0.0.1@issuer.example/", false),
                ("http://10.0.0.1/", false),
                ("http://169.254.169.254/", false),
                ("http://[::ffff:127.0.0.1]/", false),
                ("https://user:secret@issuer.example/", false),
                ("file:///etc/passwd", false),
                ("ftp://issuer.example/", false),
                ("issuer.example", false),
                ("/jwks.json", false),
                ("https://", false),
                ("", false),
            ] {
                assert_eq!(KeyRing::of_url(url, vec![]).is_ok(), is_good, "{url}");
            }
        }
    }

    fn file(text: &str) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        write(&path, text);
        (folder, path)
    }

    /// A file in the place of another, as editors and deployments write.
    fn write(path: &std::path::Path, text: &str) {
        let new = path.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, path).unwrap();
    }

    fn token(kid: &str) -> Vec<u8> {
        let key = Key::private_pem(Algorithm::EdDsa, keys()["private"].as_str().unwrap()).unwrap();
        sign(&key.with_kid(kid), b"{}").unwrap().into_bytes()
    }

    /// The same key under some names.
    fn set(kids: &[&str]) -> String {
        let pem = keys()["public"].as_str().unwrap().to_owned();
        let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(der).unwrap();
        let x = URL_SAFE_NO_PAD.encode(&der[der.len() - 32..]);
        let keys = kids.iter().map(|kid| json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid}));
        json!({"keys": keys.collect::<Vec<_>>()}).to_string()
    }

    fn keys() -> Value {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/jwt/pyjwt-keys.json");
        let keys: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        keys["EdDSA"][0].clone()
    }
}
