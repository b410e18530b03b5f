//! `authchain from-django`: a configuration from a Django project's own settings. The project's
//! Python reads them (from_django/*.py); here its answer is checked and printed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::made::Made;
use super::output::{self, Failure, Outcome};
use crate::codec::password::HASHERS;
use crate::config::{Config, Origin};
use crate::sys::file::reason;

/// Which project, and what becomes of its secret.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The settings, as in DJANGO_SETTINGS_MODULE
    #[arg(value_name = "SETTINGS_MODULE")]
    settings: String,
    /// The project's Python
    #[arg(long, default_value = "python3", value_name = "PYTHON")]
    python: OsString,
    /// The project's folder, where manage.py is
    #[arg(long, default_value = ".", value_name = "DIR")]
    path: PathBuf,
    /// Write SECRET_KEY into this new file, for its owner only, and refer to it; SECRET_KEY_FALLBACKS into
    /// FILE_FALLBACK_1 and so on, simplejwt's SIGNING_KEY into FILE_SIGNING_KEY if it is another one
    #[arg(long, value_name = "FILE", conflicts_with = "print_secret")]
    secret_file: Option<PathBuf>,
    /// Print SECRET_KEY itself; otherwise the configuration takes it from $AUTHCHAIN_SECRET_KEY, and
    /// SECRET_KEY_FALLBACKS from $AUTHCHAIN_SECRET_KEY_FALLBACK_1 and so on
    #[arg(long)]
    print_secret: bool,
}

/// Asks, checks, prints.
pub(super) fn run(args: &Args) -> Outcome {
    let secret_file = args.secret_file.as_deref().map(absolute).transpose()?;
    let question = json!({
        "settings": args.settings,
        "path": text(&args.path)?,
        "secret_file": secret_file.as_deref().map(text).transpose()?,
        "print_secret": args.print_secret,
        "hashers": hashers(),
    });
    let answer = ask(args, &question)?;
    let config = Zeroizing::new(answer["config"].as_str().unwrap_or_default().to_owned());
    let signing_key = &answer["signing_key"];
    let (form, own) =
        (signing_key["form"].as_str().unwrap_or_default(), signing_key["key"].as_str().unwrap_or_default());
    match form {
        "" => check(&config)?,
        // The secret is where hosts will find it: here it stands in for that.
        form => check(&Zeroizing::new(config.replace(form, &Value::from(own).to_string())))?,
    }
    let mut made = Made::default();
    let secrets = answer["secrets"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (number, secret) in secrets.iter().filter_map(Value::as_str).enumerate() {
        let Some(path) = &secret_file else { break };
        if secret.ends_with(['\n', '\r']) {
            return Err("SECRET_KEY ends with a line break, which a file cannot hold (use --print-secret)".into());
        }
        made.file(&numbered(path, number), 0o600, &Zeroizing::new(format!("{secret}\n")))?;
    }
    if let (Some(path), false) = (&secret_file, form.is_empty()) {
        let path = PathBuf::from(format!("{}_SIGNING_KEY", path.display()));
        made.file(&path, 0o600, &Zeroizing::new(format!("{}\n", own.trim_end_matches(['\n', '\r']))))?;
    }
    output::print(config.trim_end())?;
    made.keep();
    Ok(())
}

/// Runs the script. Its answer comes through a pipe, so a secret in it is seen by nobody else.
fn ask(args: &Args, question: &Value) -> Result<Value, Failure> {
    let python = args.python.to_string_lossy();
    let run = Command::new(&args.python)
        .args(["-c", SCRIPT, &question.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("cannot run {python}: {} (--python names the project's Python)", reason(&e)))?;
    let answer = Zeroizing::new(run.stdout);
    let answer: Value = serde_json::from_slice(&answer)
        .map_err(|_| format!("{python} gave no answer: {} (--python names the project's Python)", run.status))?;
    match answer["error"].as_str() {
        Some(error) => Err(format!("{}: {error}", args.settings).into()),
        None => Ok(answer),
    }
}

/// Whether `authchain check` would accept it. The secret is another file's or the environment's.
fn check(config: &str) -> Outcome {
    let elsewhere = [("secret_key", Value::from("checked elsewhere")), ("secret_key_fallbacks", json!([]))];
    let overrides = elsewhere.map(|(name, value)| (name.to_owned(), value)).into();
    let origin = Origin { text: Some(config.to_owned()), overrides, ..Origin::default() };
    let Err(report) = Config::load(&origin) else { return Ok(()) };
    // The key only: a value may be the secret.
    let line = config.lines().nth((report.line as usize).saturating_sub(1)).unwrap_or_default();
    let key = line.split(" = ").next().unwrap_or_default();
    Err(format!("the settings cannot be configured here: `{key}`: {} ({})", report.text, report.remedy).into())
}

/// The hashers and their costs: `{"pbkdf2_sha256": {"iterations": 1000000}, …}`. The script prints
/// what differs from them. Ceilings are not Django's.
fn hashers() -> Value {
    let costs = |def: &crate::codec::password::HasherDef| -> Value {
        let costs = def.options.iter().filter(|option| !option.name.starts_with("max_"));
        costs.map(|option| (option.name.to_owned(), Value::from(option.default))).collect()
    };
    HASHERS.iter().map(|def| (def.name.to_owned(), costs(def))).collect()
}

/// The file of a secret: the present one's, or that of a fallback, as the script names it.
fn numbered(path: &Path, number: usize) -> PathBuf {
    if number == 0 { path.to_owned() } else { format!("{}_FALLBACK_{number}", path.display()).into() }
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|e| format!("{}: {}", path.display(), reason(&e)).into())
}

fn text(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| format!("{}: a path here must be UTF-8", path.display()).into())
}

/// One script for `python -c`, which needs no file: the modules of the Python package, the last of which begins.
const SCRIPT: &str = concat!(
    include_str!("from_django/writing.py"),
    include_str!("from_django/of_django.py"),
    include_str!("from_django/of_knox.py"),
    include_str!("from_django/of_simplejwt.py"),
    include_str!("from_django/of_durin.py"),
    include_str!("from_django/of_drf.py"),
    include_str!("from_django/__init__.py"),
);
