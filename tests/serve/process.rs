//! `authchain serve` as a process, and a client that writes its requests by hand.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::support::{Site, USUAL};

/// The running command; killed when dropped.
pub struct Served {
    child: Child,
    /// What it says on standard error.
    pub said: Receiver<String>,
    /// `127.0.0.1:PORT` or `unix:PATH`.
    pub place: String,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// An open connection.
pub struct Connection(BufReader<Box<dyn Stream>>);

pub trait Stream: Read + Write + Send {}
impl Stream for TcpStream {}
impl Stream for UnixStream {}

/// The usual configuration; `serve` are the lines of `[serve]`, without its `listen`.
pub fn configure(site: &Site, more: &str, serve: &str) {
    let config = USUAL.replace("timeout = 0", "timeout = 20");
    fs::write(site.folder.path().join("authchain.toml"), format!("{config}{more}[serve]\n{serve}\n")).unwrap();
}

pub fn command(site: &Site, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
    command.arg("--config").arg(site.folder.path().join("authchain.toml")).arg("serve");
    if !listen.is_empty() {
        command.args(["--listen", listen]);
    }
    command
}

impl Served {
    /// Starts on a free port and waits until it accepts.
    pub fn start(site: &Site, more: &str, serve: &str) -> Self {
        configure(site, more, serve);
        Self::run(&mut command(site, "127.0.0.1:0"))
    }

    pub fn run(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (sender, said) = channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let first = said.recv_timeout(PATIENCE).unwrap_or_default();
        let Some(place) = first.strip_prefix("listening on ") else { panic!("it says {first:?}") };
        Self { child, said, place: place.to_owned() }
    }

    pub fn connect(&self) -> Connection {
        connect(&self.place).unwrap()
    }

    /// One request over a connection of its own.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut connection = self.connect();
        connection.write(&request(method, path, &[headers, &[("Connection", "close")]].concat(), body));
        connection.read(method != "HEAD").unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send("GET", path, headers, "")
    }

    /// The value of a line of /metrics.
    pub fn metric(&self, line: &str) -> u64 {
        let text = self.get("/metrics", &[]).body;
        let found = text.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("no {line} in {text}")).parse().unwrap()
    }

    /// Waits until so many requests besides the question for them are under way.
    pub fn wait_for_requests(&self, number: u64) {
        while self.metric("authchain_serve_requests_in_flight") != number + 1 {}
    }

    pub fn threads(&self) -> usize {
        fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap().count()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn connect(place: &str) -> std::io::Result<Connection> {
    let stream: Box<dyn Stream> = match place.strip_prefix("unix:") {
        Some(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Box::new(stream)
        }
        None => {
            let stream = TcpStream::connect(place)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Box::new(stream)
        }
    };
    Ok(Connection(BufReader::new(stream)))
}

impl Connection {
    pub fn write(&mut self, bytes: &[u8]) {
        // The other side may have answered and closed before it has read all.
        let _ = self.0.get_mut().write_all(bytes);
    }

    /// The next answer; `None` when the connection is closed instead.
    pub fn read(&mut self, has_body: bool) -> Option<Reply> {
        let first = self.line()?;
        let status = first.split(' ').nth(1)?.parse().ok()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut reply = Reply { status, headers, body: String::new() };
        let length = reply.header("content-length").map_or(0, |length| length.parse().unwrap());
        if has_body {
            let mut body = vec![0; length];
            self.0.read_exact(&mut body).ok()?;
            reply.body = String::from_utf8(body).unwrap();
        }
        Some(reply)
    }

    /// Whether nothing comes any more.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0))
    }

    fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line).ok().filter(|read| *read > 0)?;
        Some(String::from_utf8(line).unwrap().trim_end().to_owned())
    }
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The value of a cookie that it sets.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.headers.iter().filter(|(n, _)| n == "set-cookie");
        cookies.filter_map(|(_, value)| value.strip_prefix(name)?.strip_prefix('=')?.split(';').next()).next()
    }
}

/// The text of a request. Characters of headers are bytes.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        text += "Host: testserver\r\n";
    }
    headers.iter().for_each(|(name, value)| text += &format!("{name}: {value}\r\n"));
    if !body.is_empty() {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    text += "\r\n";
    let mut bytes: Vec<u8> = text.chars().map(|c| u8::try_from(c).unwrap()).collect();
    bytes.extend_from_slice(body.as_bytes());
    bytes
}

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);
