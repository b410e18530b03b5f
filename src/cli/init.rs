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
    /// Give every new user a token at once; without a way, explain the two there are for users whom Django makes
    #[arg(long, value_name = "WAY", num_args = 0..=1, require_equals = true, default_missing_value = "explain")]
    auto_token: Option<Way>,
    /// Whose tokens to ask for besides passwords; their tables are made as their own migrations do
    #[arg(long, value_name = "KIND", default_value = "token")]
    tokens: Kind,
}

/// The schemes with tokens.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Django REST framework's: one a user, which does not end
    Token,
    /// django-rest-knox's: many a user, which end
    Knox,
    /// simplejwt's: signed, with a refresh token and a blacklist
    Jwt,
    /// django-rest-durin's: one a user and client
    Durin,
}

impl Kind {
    /// The name of the scheme, what makes its tables, and its part of the configuration.
    fn parts(self) -> (&'static str, Option<&'static str>, &'static str) {
        match self {
            Self::Token => ("token", None, ""),
            Self::Knox => ("knox", Some(schema::KNOX), KNOX),
            Self::Jwt => ("jwt", Some(schema::JWT), JWT),
            Self::Durin => ("durin", Some(schema::DURIN), DURIN),
        }
    }
}

/// How users whom Django makes come by their tokens. Those whom we make get them from `auto_create`.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Way {
    /// Say what there is to choose
    Explain,
    /// Install a trigger of the database
    Trigger,
    /// Print the code of a receiver of Django's signal
    Receiver,
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
    let (scheme, tables, endpoints) = args.tokens.parts();
    let trigger = (args.auto_token == Some(Way::Trigger)).then_some(schema::TOKEN_TRIGGER);
    for script in tables.into_iter().chain(trigger) {
        schema::add(&file("db.sqlite3"), script)?;
    }
    let auto_create = if args.auto_token.is_some() { AUTO_CREATE } else { "" };
    let config = CONFIG.replace("\"token\"", &format!("{scheme:?}"));
    made.file(&file("authchain.toml"), 0o644, &format!("{config}{endpoints}{auto_create}"))?;
    Config::load(&Origin { path: Some(file("authchain.toml")), ..Origin::default() })?;
    made.keep();
    said(&args.dir)?;
    if args.tokens == Kind::Durin {
        output::print("Tokens of durin are those of a client: `authchain client create NAME` makes one.")?;
    }
    match args.auto_token {
        None => Ok(()),
        Some(Way::Explain) => output::print(EXPLAINED.trim_end()),
        Some(Way::Trigger) => output::print("A trigger of the database gives every new user a token."),
        Some(Way::Receiver) => {
            output::print(&format!("For one of your Django applications:\n\n{}", RECEIVER.trim_end()))
        }
    }
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

const KNOX: &str = r#"
# POST to /api/auth/login/ with a password (`basic`) for a token.
[endpoints.knox_login]
chain = "default"

# POST to /api/auth/logout/ takes it back, to /api/auth/logoutall/ all of the user.
[endpoints.knox_logout]
chain = "default"

[endpoints.knox_logoutall]
chain = "default"
"#;

const JWT: &str = r#"
[schemes.jwt]
rotate_refresh_tokens = true                # each refresh token is good for once

# POST username and password to /api/token/ for two tokens, and `refresh` to /api/token/refresh/ for new ones.
[endpoints.jwt_obtain_pair]

[endpoints.jwt_refresh]

# POST `refresh` to /api/token/blacklist/ to log out.
[endpoints.jwt_blacklist]
"#;

const DURIN: &str = r#"
# POST username, password and client to /api/auth/login/ for a token.
[endpoints.durin_login]

# POST to /api/auth/logout/ takes it back.
[endpoints.durin_logout]
chain = "default"
"#;

const AUTO_CREATE: &str = r#"
# Every user whom authchain makes gets a token at once.
[schemes.token]
auto_create = true
"#;

const EXPLAINED: &str = "
Users whom authchain makes get a token at once (`auto_create`). Those whom Django makes get one by either of:
  --auto-token=trigger   The database gives it: to whoever is added, by bulk_create and by SQL, too. A migration of
                         Django's that builds the table of users anew drops the trigger, and loading a dump that
                         holds tokens collides with it.
  --auto-token=receiver  Django gives it, by code that you add to an application; not by bulk_create or by SQL.
Both are in docs/tokens.md, for a database that is there already. `authchain doctor` counts who has none.
";

/// What the guide does "by using signals", in code of ours: a dump brings its own tokens, and a
/// token that is there already is no error. Also in docs/tokens.md.
const RECEIVER: &str = "\
# In a module that Django loads: models.py of an application that stands in INSTALLED_APPS.
from django.conf import settings
from django.db.models.signals import post_save


def give_token(instance, created, raw, using, **_):
    from rest_framework.authtoken.models import Token

    if created and not raw:  # loaddata brings the tokens of its dump
        Token.objects.using(using).get_or_create(user=instance)


post_save.connect(give_token, sender=settings.AUTH_USER_MODEL, dispatch_uid='give_token')
";
