//! `authchain explain`: the road of one request, or of many (`--batch`).

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use serde_json::json;

use super::batch::{self, latin1};
use super::output;
use crate::codec::authorization;
use crate::exchange::{Asked, Exchange};
use crate::request::{Body, Header, Headers, Request};
use crate::verdict::Verdict;

/// What request to explain.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The configuration.
    #[arg(skip)]
    pub(super) config: Option<std::path::PathBuf>,
    /// The chain to ask.
    #[arg(long, default_value = "default", value_name = "NAME")]
    chain: String,
    /// A header field, `Name: value`; may be repeated.
    #[arg(short = 'H', long = "header", value_name = "FIELD")]
    headers: Vec<String>,
    /// The method.
    #[arg(short = 'X', long, default_value = "GET")]
    method: String,
    /// Path and query.
    #[arg(default_value = "/")]
    target: String,
    /// The request as a curl command line; `-` reads the line from standard input.
    #[arg(long, value_name = "LINE", conflicts_with_all = ["headers", "batch"])]
    curl: Option<String>,
    /// Read the head of an HTTP request from standard input.
    #[arg(long, conflicts_with_all = ["headers", "curl", "batch"])]
    stdin: bool,
    /// Requests as JSON lines on standard input, verdicts as JSON lines on standard output.
    #[arg(long)]
    batch: bool,
    /// Answer as the peers do where this library is stricter.
    #[arg(long)]
    pub(super) exact: bool,
    /// With --batch: show credentials where a keyed digest would stand.
    #[arg(long, requires = "batch")]
    pub(super) reveal: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Header fields in order: name, value.
pub(super) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// One request, owned.
#[derive(Default)]
pub(super) struct Given {
    pub method: Vec<u8>,
    pub target: Vec<u8>,
    pub headers: Fields,
    pub peer: Vec<u8>,
    pub remote_user: Vec<u8>,
    /// The server's own name and port.
    pub host: Vec<u8>,
    pub tls: bool,
    pub body: Vec<u8>,
}

impl Given {
    /// Runs `f` on the request as the library sees it.
    pub(super) fn with_request<R>(&self, f: impl FnOnce(&Request<'_>) -> R) -> R {
        let list: Vec<_> = self.headers.iter().map(|(name, value)| Header { name, value }).collect();
        let mut request = Request::new(Headers::List(&list));
        request.method = &self.method;
        request.target = &self.target;
        request.peer = &self.peer;
        request.remote_user = &self.remote_user;
        request.host = &self.host;
        request.tls = self.tls;
        request.body = Body::Whole(&self.body);
        f(&request)
    }
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> ExitCode {
    if args.batch {
        return batch::run(args);
    }
    match explain(args) {
        Ok(code) => code,
        Err(text) => output::fail(&text),
    }
}

fn explain(args: &Args) -> Result<ExitCode, String> {
    let given = given(args)?;
    let context = batch::open(args, vec![]).map_err(|report| report.to_string())?;
    let Some(chain) = context.chain(&args.chain) else {
        let known: Vec<_> = context.config().chains.iter().map(|(name, _)| name.as_str()).collect();
        return Err(format!("no chain {:?} (known: {})", args.chain, known.join(", ")));
    };
    let mut exchange = Exchange::new(context.clone(), 0, true);
    context.rehearsing(|| given.with_request(|request| exchange.judge(&Asked::Configured(chain), request)));
    if args.json {
        let view = batch::view(&exchange, false, given.method == b"HEAD");
        output::line(&json!(view).to_string());
    } else {
        output::line(&picture(args, &given, &exchange));
    }
    let passed = matches!(exchange.outcome(), Some(Ok(judgement)) if !matches!(judgement.verdict, Verdict::Refused(_)));
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn given(args: &Args) -> Result<Given, String> {
    let text = |line: &str| if line == "-" { read_stdin() } else { Ok(line.to_owned()) };
    if let Some(line) = &args.curl {
        return from_curl(&text(line)?);
    }
    if args.stdin {
        return from_head(&read_stdin()?);
    }
    let headers = args.headers.iter().map(|field| split_field(field)).collect::<Result<_, _>>()?;
    Ok(Given { method: args.method.clone().into(), target: args.target.clone().into(), headers, ..Given::default() })
}

fn read_stdin() -> Result<String, String> {
    let mut text = String::new();
    std::io::stdin().take(1 << 20).read_to_string(&mut text).map_err(|e| format!("standard input: {e}"))?;
    Ok(text)
}

fn split_field(field: &str) -> Result<(Vec<u8>, Vec<u8>), String> {
    let (name, value) = field.split_once(':').ok_or("a header is `Name: value`")?;
    Ok((name.trim().into(), value.trim().into()))
}

/// The head of a request: `GET / HTTP/1.1`, fields, an empty line.
fn from_head(text: &str) -> Result<Given, String> {
    let mut lines = text.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err("standard input does not start with a request line, `GET / HTTP/1.1`".to_owned());
    };
    let headers = lines.take_while(|line| !line.is_empty()).map(split_field).collect::<Result<_, _>>()?;
    Ok(Given { method: method.into(), target: target.into(), headers, ..Given::default() })
}

/// A curl command line, as browsers copy it: the options that make the request, others skipped.
fn from_curl(line: &str) -> Result<Given, String> {
    use base64::Engine;
    let words = shlex::split(line.trim()).ok_or("the curl line has an open quote")?;
    let mut words = words.into_iter().peekable();
    words.next_if(|word| word == "curl");
    let mut given = Given { target: b"/".to_vec(), ..Given::default() };
    let mut method = None;
    while let Some(word) = words.next() {
        let (name, attached) = option(&word);
        let mut value = || attached.clone().or_else(|| words.next()).ok_or(format!("{name} needs a value"));
        match name.as_str() {
            "-H" | "--header" => given.headers.push(split_field(&value()?)?),
            "-u" | "--user" => {
                let pair = base64::engine::general_purpose::STANDARD.encode(value()?);
                given.headers.push((b"Authorization".to_vec(), format!("Basic {pair}").into()));
            }
            "--oauth2-bearer" => {
                given.headers.push((b"Authorization".to_vec(), format!("Bearer {}", value()?).into()));
            }
            "-b" | "--cookie" => given.headers.push((b"Cookie".to_vec(), value()?.into())),
            "-X" | "--request" => method = Some(value()?),
            "-I" | "--head" => method = Some("HEAD".to_owned()),
            "-d" | "--data" | "--data-raw" | "--data-binary" | "--data-urlencode" | "--json" | "-F" | "--form" => {
                value()?;
                method.get_or_insert("POST".to_owned());
            }
            "-A" | "--user-agent" | "-e" | "--referer" | "-o" | "--output" | "-m" | "--max-time"
            | "--connect-timeout" | "-x" | "--proxy" | "--cacert" | "-E" | "--cert" | "--key" | "--resolve"
            | "--unix-socket" => {
                value()?;
            }
            name if name.starts_with('-') => {}
            url => set_url(&mut given, url),
        }
    }
    given.method = method.unwrap_or("GET".to_owned()).into();
    Ok(given)
}

/// `-XPOST` and `--request=POST` are an option with its value attached.
fn option(word: &str) -> (String, Option<String>) {
    if let Some((name, value)) = word.split_once('=').filter(|_| word.starts_with("--")) {
        return (name.to_owned(), Some(value.to_owned()));
    }
    let takes_value = ["-H", "-u", "-b", "-X", "-d", "-A", "-e", "-o", "-m", "-x", "-F", "-E"];
    match takes_value.iter().find(|name| word.len() > 2 && word.starts_with(**name)) {
        Some(name) => ((*name).to_owned(), Some(word[2..].to_owned())),
        None => (word.to_owned(), None),
    }
}

fn set_url(given: &mut Given, url: &str) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    given.tls = scheme == "https";
    given.target = rest.find('/').map_or("/", |i| &rest[i..]).into();
}

/// The road, one line a scheme.
fn picture(args: &Args, given: &Given, exchange: &Exchange) -> String {
    let mut lines = vec![format!("request  {} {}  {}", shown(&given.method), shown(&given.target), credentials(given))];
    lines.push(format!("chain    {}", args.chain));
    match exchange.outcome() {
        Some(Ok(judgement)) => {
            let width = judgement.road.iter().map(|step| step.scheme.name.len()).max().unwrap_or(0);
            lines.extend(
                judgement
                    .road
                    .iter()
                    .map(|step| format!("  {:width$}  reads {:15} {}", step.scheme.name, step.reads, step.said)),
            );
        }
        Some(Err(error)) => lines.push(format!("  broken: {error}")),
        None => {}
    }
    let response = exchange.response();
    lines.push(format!("verdict  {} {}", paint(response.status), exchange.log_line()));
    if response.status >= 400 {
        lines.extend(response.headers.iter().map(|(name, value)| format!("         {name}: {value}")));
        lines.push(format!("         {}", response.body));
    }
    lines.join("\n")
}

/// Which credentials the request carries, never their value.
fn credentials(given: &Given) -> String {
    given.with_request(|request| match request.authorization() {
        None => "no Authorization".to_owned(),
        Some(header) => {
            let word = authorization::scheme(header).map(shown).unwrap_or_default();
            format!("Authorization: {} … ({} bytes)", word.chars().take(20).collect::<String>(), header.len())
        }
    })
}

fn shown(bytes: &[u8]) -> String {
    latin1(bytes).chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// Colour on a terminal only, and not when the user wants none (no-color.org).
fn paint(status: u16) -> String {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) || !std::io::stdout().is_terminal();
    match status {
        _ if plain => status.to_string(),
        200 => format!("\u{1b}[32m{status}\u{1b}[0m"),
        503 => format!("\u{1b}[35m{status}\u{1b}[0m"),
        _ => format!("\u{1b}[31m{status}\u{1b}[0m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curl_line_is_read_as_curl_reads_it() {
        let given =
            from_curl("curl -u alice:pw -XPUT 'https://h.test/a?b' -H'X-A: 1' --data=x -sS --cookie c=d").unwrap();
        assert_eq!((&given.method[..], &given.target[..], given.tls), (&b"PUT"[..], &b"/a?b"[..], true));
        let fields: Vec<_> = given.headers.iter().map(|(n, v)| (latin1(n), latin1(v))).collect();
        let expected = [("Authorization", "Basic YWxpY2U6cHc="), ("X-A", "1"), ("Cookie", "c=d")];
        assert_eq!(fields, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn a_head_without_request_line_is_refused() {
        assert!(from_head("").is_err());
    }
}
