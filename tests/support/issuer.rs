//! Somebody else who makes tokens, with the address of its keys: a real HTTP server on this machine.
#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::support::python;

/// Answers every request with its keys; before there are any with 503.
pub struct Issuer {
    pub url: String,
    keys: Arc<Mutex<Option<Value>>>,
    requests: Arc<AtomicUsize>,
    made: Value,
}

impl Issuer {
    /// Has three keys, `k0` to `k2`, of which none is published.
    pub fn start() -> Self {
        let output = Command::new(python()).args(["-c", CODE]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let made = serde_json::from_slice(&output.stdout).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let (keys, requests) = (Arc::new(Mutex::new(None)), Arc::new(AtomicUsize::new(0)));
        let (says, counts) = (keys.clone(), requests.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counts.fetch_add(1, Ordering::SeqCst);
                answer(stream.unwrap(), says.lock().unwrap().as_ref());
            }
        });
        Self { url, keys, requests, made }
    }

    /// Publishes keys in the place of those before.
    pub fn publishes(&self, keys: &[usize]) {
        let keys: Vec<_> = keys.iter().map(|n| self.made["keys"][n].clone()).collect();
        *self.keys.lock().unwrap() = Some(json!({ "keys": keys }));
    }

    /// A token of alice, signed with a key.
    pub fn token(&self, key: usize) -> &str {
        self.made["tokens"][key].as_str().unwrap()
    }

    /// How often it was asked.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// A scheme that believes it, and a chain of that.
    pub fn config(&self) -> String {
        let url = &self.url;
        format!(
            "[chains.jwt]\nschemes = [\"jwt\"]\n[chains.other]\nschemes = [\"jwt\"]\n\
             [schemes.jwt]\nalgorithm = \"EdDSA\"\nblacklist = false\njwk_url = \"{url}\"\n"
        )
    }
}

fn answer(mut stream: TcpStream, keys: Option<&Value>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        request.push(byte[0]);
    }
    let (status, body) = keys.map_or(("503 Service Unavailable", String::new()), |keys| ("200 OK", keys.to_string()));
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all((head + &body).as_bytes()).unwrap();
}

const CODE: &str = r#"
import json
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt import PyJWS
from jwt.algorithms import OKPAlgorithm
keys = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3)]
claims = b'{"token_type":"access","exp":4102444800,"jti":"a","user_id":"1"}'
print(json.dumps({
    "keys": [{**OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": f"k{n}"} for n, key in enumerate(keys)],
    "tokens": [PyJWS().encode(claims, key, "EdDSA", headers={"kid": f"k{n}"}) for n, key in enumerate(keys)],
}))
"#;
