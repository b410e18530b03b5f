//! `authchain init`: a database as Django makes it, a secret and a configuration, for those without
//! Django. A Django project can take over the database later.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::made::Made;
use super::output::{self, Outcome, visible};
use crate::accounts::secret::secret_key;
use crate::config::{Config, Origin};
use crate::store::tables::schema;

/// Where.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The folder, made if it is not there
    #[arg(default_value = ".")]
    dir: PathBuf,
}

/// Makes the three files, or none of them.
pub(super) fn run(args: &Args) -> Outcome {
    let file = |name: &str| args.dir.join(name);
    let mut made = Made::default();
    made.folder(&args.dir)?;
    // A journal of another database would be played into the new one.
    for name in ["db.sqlite3-wal", "db.sqlite3-shm", "db.sqlite3-journal"] {
        made.claim(&file(name))?;
    }
    made.file(&file("db.sqlite3"), 0o600, "")?;
    schema::create(&file("db.sqlite3"))?;
    made.file(&file("secret_key"), 0o600, &Zeroizing::new(format!("{}\n", &*secret_key()?)))?;
    made.file(&file("authchain.toml"), 0o644, CONFIG)?;
    Config::load(&Origin { path: Some(file("authchain.toml")), ..Origin::default() })?;
    made.keep();
    said(&args.dir)
}

fn said(dir: &Path) -> Outcome {
    let shown = |name: &str| visible(&dir.join(name).display().to_string());
    for name in ["db.sqlite3", "secret_key", "authchain.toml"] {
        output::print(&format!("made {}", shown(name)))?;
    }
    output::print(&format!("next: authchain --config {} user create NAME", shown("authchain.toml")))?;
    output::print("A host must be able to read all three, and to write the database and its folder.")
}

const CONFIG: &str = r#"# The configuration of authchain. `authchain check` says whether it is right.

database   = "sqlite:db.sqlite3"            # a relative path starts at the folder of this file
secret_key = { file = "secret_key" }        # Django's SECRET_KEY; keep it to yourself

# Schemes are asked in this order; the first that recognises its credentials decides.
[chains.default]
schemes   = ["basic", "token"]
anonymous = "refuse"                        # "allow": a request without credentials passes as nobody
"#;
