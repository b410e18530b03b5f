//! `authchain from-django`, there and back: what real Django makes under some settings is accepted under the
//! configuration made of them, and what Django refuses is refused. More of it in tests/command.rs.

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::python;
use tempfile::TempDir;

/// A Django project with a migrated database and the user anna.
struct Project(TempDir);

impl Project {
    fn new(settings: &str) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        fs::write(project.path("settings.py"), format!("{SETTINGS}{settings}\n")).unwrap();
        fs::write(project.path("urls.py"), "urlpatterns = []\n").unwrap();
        project.python(
            "from django.core.management import call_command\n\
             from django.contrib.auth.models import User\n\
             call_command('migrate', verbosity=0)\n\
             User.objects.create_user('anna', password='pw')\n",
        );
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn add(&self, settings: &str) {
        let text = fs::read_to_string(self.path("settings.py")).unwrap();
        fs::write(self.path("settings.py"), format!("{text}{settings}\n")).unwrap();
    }

    /// What code prints that runs in the project.
    fn python(&self, code: &str) -> String {
        let mut command = Command::new(python());
        command.args(["-W", "ignore", "-c", &format!("import django\ndjango.setup()\n{code}")]);
        command.env("DJANGO_SETTINGS_MODULE", "settings").current_dir(self.0.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// The cookies of a browser after a login, and the CSRF token of a form.
    fn login(&self) -> (Value, String) {
        let said = self.python(
            "import json\n\
             from django.conf import settings\n\
             from django.contrib.auth import login\n\
             from django.contrib.auth.models import User\n\
             from django.contrib.sessions.middleware import SessionMiddleware\n\
             from django.http import HttpResponse\n\
             from django.middleware.csrf import CsrfViewMiddleware, get_token\n\
             from django.test import RequestFactory\n\
             tokens = []\n\
             def view(request):\n\
             \x20   login(request, User.objects.get(username='anna'), settings.AUTHENTICATION_BACKENDS[0])\n\
             \x20   tokens.append(get_token(request))\n\
             \x20   return HttpResponse()\n\
             request = RequestFactory().get('/', headers={'host': 'example.com'})\n\
             answer = SessionMiddleware(CsrfViewMiddleware(view))(request)\n\
             print(json.dumps([{name: m.value for name, m in answer.cookies.items()}, tokens[0]]))",
        );
        let said: Value = serde_json::from_str(&said).unwrap();
        (said[0].clone(), said[1].as_str().unwrap().to_owned())
    }

    fn print(&self, more: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
        command.args(["from-django", "settings", "--python", python().to_str().unwrap(), "--path"]).arg(self.0.path());
        let output = command.args(more).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Makes the configuration, which `check` accepts.
    fn configure(&self) -> String {
        let config = self.print(&["--print-secret"]);
        fs::write(self.path("authchain.toml"), &config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
        let output = command.arg("check").arg("--config").arg(self.path("authchain.toml")).output().unwrap();
        assert!(output.status.success(), "{output:?}\n{config}");
        config
    }

    /// What we say to a request.
    fn asks(&self, line: &Value) -> Value {
        use std::io::Write;
        let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
        command.args(["explain", "--batch", "--config"]).arg(self.path("authchain.toml"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(line.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The user of a request to the chain, else the text of the refusal, or "anonymous".
    fn said(&self, line: &Value) -> String {
        let mut line = line.clone();
        line["chain"] = "default".into();
        let answer = &self.asks(&line)["verdict"];
        ["user", "detail", "outcome"].iter().find_map(|name| answer[*name].as_str()).unwrap().to_owned()
    }

    /// Somebody logged in by Django is let in by us, with the CSRF token and not without.
    fn sessions_go_over(&self, header: &str) {
        let (cookies, token) = self.login();
        let config = self.configure();
        assert!(config.contains("schemes = [\"session\"]"), "{config}");
        let get = json!({ "method": "GET", "cookies": cookies, "headers": [["Host", "example.com"]] });
        assert_eq!(self.said(&get), "anna", "{config}");
        let mut post = get;
        post["method"] = "POST".into();
        assert!(self.said(&post).starts_with("CSRF Failed: "), "{config}");
        post["headers"] = json!([["Host", "example.com"], [header, token]]);
        assert_eq!(self.said(&post), "anna", "{config}");
    }
}

const SETTINGS: &str = "\
SECRET_KEY = 'present-key-0123456789-0123456789-0123456789-01234'
INSTALLED_APPS = ['django.contrib.auth', 'django.contrib.contenttypes', 'django.contrib.sessions', 'rest_framework',
                  'rest_framework.authtoken']
MIDDLEWARE = ['django.contrib.sessions.middleware.SessionMiddleware', 'django.middleware.csrf.CsrfViewMiddleware',
              'django.contrib.auth.middleware.AuthenticationMiddleware']
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'db.sqlite3'}}
ALLOWED_HOSTS = ['example.com']
ROOT_URLCONF = 'urls'
USE_TZ = True
REST_FRAMEWORK = {'DEFAULT_AUTHENTICATION_CLASSES': ['rest_framework.authentication.SessionAuthentication']}
";

const DRF: &str = "rest_framework.authentication.";

/// The lines at the top and of tables, without those that every configuration has.
fn lines(config: &str) -> Vec<&str> {
    let usual = ["#", "database = ", "secret_key = ", "use_tz = true", "password_hashers = ", "anonymous = "];
    config.lines().filter(|line| !line.is_empty() && !usual.iter().any(|usual| line.starts_with(usual))).collect()
}

// ---------------------------------------------------------------- sessions

#[test]
fn plain_sessions_need_no_options() {
    let project = Project::new("");
    project.sessions_go_over("X-CSRFToken");
    assert_eq!(
        lines(&project.configure()),
        [
            "authentication_backends = [\"ModelBackend\"]",
            "allowed_hosts = [\"example.com\"]",
            "[chains.default]",
            "schemes = [\"session\"]",
        ]
    );
}

#[test]
fn sessions_and_csrf_under_other_names_go_over() {
    let project = Project::new(
        "SESSION_COOKIE_NAME = 'sid'\nSESSION_COOKIE_AGE = 3600\nSESSION_COOKIE_DOMAIN = '.example.com'\n\
         SESSION_COOKIE_PATH = '/app'\nSESSION_COOKIE_SECURE = True\nSESSION_COOKIE_HTTPONLY = False\n\
         SESSION_COOKIE_SAMESITE = 'Strict'\nSESSION_SAVE_EVERY_REQUEST = True\n\
         SESSION_EXPIRE_AT_BROWSER_CLOSE = True\n\
         CSRF_COOKIE_NAME = 'xsrf'\nCSRF_COOKIE_AGE = None\nCSRF_COOKIE_DOMAIN = '.example.com'\n\
         CSRF_COOKIE_PATH = '/app'\n\
         CSRF_COOKIE_SECURE = True\nCSRF_COOKIE_HTTPONLY = True\nCSRF_COOKIE_SAMESITE = False\n\
         CSRF_HEADER_NAME = 'HTTP_X_XSRF_TOKEN'\nCSRF_TRUSTED_ORIGINS = ['https://*.example.com']",
    );
    project.sessions_go_over("X-XSRF-TOKEN");
    let config = project.configure();
    for line in [
        "session_cookie_name = \"sid\"",
        "session_cookie_age = 3600",
        "session_cookie_domain = \".example.com\"",
        "session_cookie_path = \"/app\"",
        "session_cookie_secure = true",
        "session_cookie_httponly = false",
        "session_cookie_samesite = \"Strict\"",
        "session_save_every_request = true",
        "session_expire_at_browser_close = true",
        "csrf_cookie_name = \"xsrf\"",
        "csrf_cookie_age = 0",
        "csrf_cookie_domain = \".example.com\"",
        "csrf_cookie_path = \"/app\"",
        "csrf_cookie_secure = true",
        "csrf_cookie_httponly = true",
        "csrf_cookie_samesite = \"\"",
        "csrf_header_name = \"HTTP_X_XSRF_TOKEN\"",
        "csrf_trusted_origins = [\"https://*.example.com\"]",
    ] {
        assert!(lines(&config).contains(&line), "{line}:\n{config}");
    }
    // A session that is saved at every request is given back as Django would.
    let (cookies, _) = project.login();
    let answer = project.asks(&json!({ "chain": "default", "cookies": cookies, "headers": [["Host", "example.com"]] }));
    let cookie = answer["verdict"]["set_cookie"][0].as_str().unwrap();
    for part in ["sid=", "Domain=.example.com", "Path=/app", "SameSite=Strict", "Secure"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
}

#[test]
fn every_engine_that_can_be_read_goes_over() {
    for (settings, line) in [
        ("SESSION_ENGINE = 'django.contrib.sessions.backends.cached_db'", "session_engine = \"cached_db\""),
        ("SESSION_ENGINE = 'django.contrib.sessions.backends.signed_cookies'", "session_engine = \"signed_cookies\""),
        (
            "import os\nSESSION_ENGINE = 'django.contrib.sessions.backends.file'\nSESSION_FILE_PATH = 'kept'\n\
             os.makedirs('kept', exist_ok=True)",
            "session_engine = \"file\"",
        ),
        ("CSRF_USE_SESSIONS = True", "csrf_use_sessions = true"),
    ] {
        let project = Project::new(settings);
        project.sessions_go_over("X-CSRFToken");
        assert!(lines(&project.configure()).contains(&line), "{settings}");
    }
    let files = Project::new("SESSION_ENGINE = 'django.contrib.sessions.backends.file'");
    let expected = format!("session_file_path = {:?}", std::env::temp_dir());
    assert!(lines(&files.configure()).contains(&&*expected));
}

#[test]
fn sessions_that_cannot_be_read_are_left_out_with_the_reason() {
    for (settings, reason) in [
        (
            "SESSION_ENGINE = 'django.contrib.sessions.backends.cache'",
            "# session_engine = \"cache\"  # refused: its sessions are pickles",
        ),
        ("SESSION_ENGINE = 'own.engine'", "# SESSION_ENGINE: own.engine is left out"),
        ("SESSION_SERIALIZER = 'own.Pickle'", "is left out: authchain reads sessions in JSON only, not of own.Pickle"),
        (
            "MIDDLEWARE = MIDDLEWARE[:1]",
            "is left out: MIDDLEWARE has no django.contrib.auth.middleware.AuthenticationMiddleware",
        ),
        ("INSTALLED_APPS.remove('django.contrib.sessions')", "is left out: django.contrib.sessions is not installed"),
        (
            "class Router:\n    def db_for_read(self, model, **_):\n\
             \x20       return 'other' if model.__name__ == 'Session' else None\n\
             DATABASE_ROUTERS = [Router()]\n\
             DATABASES['other'] = {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'other'}",
            "is left out: the sessions are in another database than the users",
        ),
    ] {
        let project = Project::new("");
        project.add(settings);
        project.add(&format!("REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] += ['{DRF}BasicAuthentication']"));
        let config = project.configure();
        assert!(config.contains(reason) && config.contains("schemes = [\"basic\"]"), "{settings}:\n{config}");
        assert!(config.contains("# rest_framework.authentication.SessionAuthentication is left out"), "{config}");
    }
}

#[test]
fn a_session_class_with_changes_is_left_out() {
    let project = Project::new("REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] = ['own.Exempt', 'own.Plain']");
    let own = "from rest_framework.authentication import SessionAuthentication\n\
               class Exempt(SessionAuthentication):\n    def enforce_csrf(self, request): pass\n\
               class Plain(SessionAuthentication):\n    pass\n";
    fs::write(project.path("own.py"), own).unwrap();
    let config = project.configure();
    assert!(config.contains("# own.Exempt is left out") && config.contains("schemes = [\"session\"]"), "{config}");
}

// ---------------------------------------------------------------- keys, hosts, backends

#[test]
fn sessions_signed_with_a_former_key_go_over() {
    let project = Project::new("");
    let (cookies, _) = project.login();
    project.add("SECRET_KEY_FALLBACKS = [SECRET_KEY]\nSECRET_KEY = 'new'\nSECRET_KEY_FALLBACKS.append(b'older')");
    let config = project.configure();
    assert!(config.contains("secret_key = \"new\"\nsecret_key_fallbacks = [\"present-key-"), "{config}");
    let line = json!({ "cookies": cookies, "headers": [["Host", "example.com"]] });
    assert_eq!(project.said(&line), "anna");
    project.add("SECRET_KEY_FALLBACKS = ['older']");
    project.configure();
    assert_eq!(project.said(&line), "anonymous");
}

#[test]
fn former_keys_go_where_the_present_one_goes() {
    let project = Project::new("SECRET_KEY_FALLBACKS = ['geheim-1', 'geheim-2']");
    let config = project.print(&[]);
    assert!(!config.contains("geheim"));
    let [one, two] = [1, 2].map(|number| format!("{{ env = \"AUTHCHAIN_SECRET_KEY_FALLBACK_{number}\" }}"));
    assert!(config.contains(&format!("secret_key_fallbacks = [{one}, {two}]")), "{config}");
    let file = project.path("key");
    let config = project.print(&["--secret-file", file.to_str().unwrap()]);
    assert!(!config.contains("geheim") && config.contains(&format!("{{ file = \"{}_FALLBACK_2\" }}", file.display())));
    assert_eq!(fs::read_to_string(project.path("key_FALLBACK_1")).unwrap(), "geheim-1\n");
    assert_eq!(fs::read_to_string(project.path("key_FALLBACK_2")).unwrap(), "geheim-2\n");
    fs::write(project.path("authchain.toml"), config).unwrap();
    let (cookies, _) = project.login();
    assert_eq!(project.said(&json!({ "cookies": cookies, "headers": [["Host", "example.com"]] })), "anna");
}

#[test]
fn hosts_and_proxies_are_read() {
    let project = Project::new(
        "ALLOWED_HOSTS = []\nDEBUG = True\nUSE_X_FORWARDED_HOST = True\nUSE_X_FORWARDED_PORT = True\n\
         SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')",
    );
    let config = project.configure();
    for line in [
        "allowed_hosts = [\".localhost\", \"127.0.0.1\", \"[::1]\"]",
        "# trusted_proxies = [\"127.0.0.1\", \"::1\"]",
        "use_x_forwarded_host = true",
        "use_x_forwarded_port = true",
        "secure_proxy_ssl_header = [\"HTTP_X_FORWARDED_PROTO\", \"https\"]",
    ] {
        assert!(config.lines().any(|have| have == line), "{line}:\n{config}");
    }
    project.add("ALLOWED_HOSTS = ['*']");
    assert!(!project.configure().contains("allowed_hosts"));
}

#[test]
fn backends_of_one_s_own_count_where_they_believe_as_django_s_do() {
    let own = "from django.contrib.auth.backends import ModelBackend\n\
               class Mail(ModelBackend):\n    def authenticate(self, request, **_): pass\n\
               class Strict(ModelBackend):\n    def get_user(self, id): pass\n";
    let project = Project::new("");
    fs::write(project.path("own.py"), own).unwrap();
    project.add("AUTHENTICATION_BACKENDS = ['own.Mail', 'own.Strict']");
    let (cookies, _) = project.login();
    let config = project.configure();
    assert!(config.contains("\nauthentication_backends = [\"own.Mail\"]\n"), "{config}");
    assert!(config.contains("# AUTHENTICATION_BACKENDS: own.Strict is left out"), "{config}");
    let line = json!({ "cookies": cookies, "headers": [["Host", "example.com"]] });
    assert_eq!(project.said(&line), "anna");
    project.add("AUTHENTICATION_BACKENDS.reverse()");
    let (cookies, _) = project.login(); // of a backend that would find nobody
    let line = json!({ "cookies": cookies, "headers": [["Host", "example.com"]] });
    assert_eq!(project.said(&line), "anonymous");
}

#[test]
fn remote_users_are_read() {
    let remote = format!("REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] = ['{DRF}RemoteUserAuthentication']\n");
    let environ = json!({ "environ": { "REMOTE_USER": "ben" } });
    let nobody = "anonymous";
    let project =
        Project::new(&format!("{remote}AUTHENTICATION_BACKENDS = ['django.contrib.auth.backends.RemoteUserBackend']"));
    project.configure();
    assert_eq!(project.said(&environ), "ben");
    // Of a backend that makes no users, and of a header.
    let own = "from django.contrib.auth.backends import RemoteUserBackend\n\
               from rest_framework.authentication import RemoteUserAuthentication\n\
               class Known(RemoteUserBackend):\n    create_unknown_user = False\n\
               class Header(RemoteUserAuthentication):\n    header = 'HTTP_X_USER'\n";
    fs::write(project.path("own.py"), own).unwrap();
    project.add("AUTHENTICATION_BACKENDS = ['own.Known']");
    let config = project.configure();
    assert!(config.contains("[schemes.remote_user]\ncreate_unknown_user = false\n"), "{config}");
    assert_eq!(project.said(&environ), nobody);
    assert_eq!(project.said(&json!({ "environ": { "REMOTE_USER": "anna" } })), "anna");
    project.add("REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] = ['own.Header']");
    let config = project.configure();
    assert!(config.contains("header = \"HTTP_X_USER\""), "{config}");
    // Without a backend for them Django finds nobody.
    project.add(&format!(
        "AUTHENTICATION_BACKENDS = ['django.contrib.auth.backends.ModelBackend']\n{remote}\
         REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] += ['{DRF}TokenAuthentication']"
    ));
    let config = project.configure();
    assert!(config.contains("left out: AUTHENTICATION_BACKENDS has no RemoteUserBackend"), "{config}");
    assert!(config.contains("schemes = [\"token\"]"), "{config}");
}

// ---------------------------------------------------------------- endpoints

#[test]
fn the_place_where_tokens_are_given_is_found() {
    let project =
        Project::new(&format!("REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] = ['{DRF}TokenAuthentication']"));
    let urls = "from django.urls import include, path, re_path\n\
                from rest_framework.authtoken.views import ObtainAuthToken, obtain_auth_token\n\
                class Own(ObtainAuthToken):\n    pass\n\
                inner = [path('token/', obtain_auth_token), path('own/', Own.as_view())]\n\
                urlpatterns = [path('api/<int:version>/', include(inner)), path('api/', include(inner)),\n\
                \x20              re_path(r'^old-token$', obtain_auth_token),\n\
                \x20              re_path(r'^(a|b)/$', obtain_auth_token)]\n";
    fs::write(project.path("urls.py"), urls).unwrap();
    let config = project.configure();
    let endpoints = "[endpoints.obtain_auth_token]\npath = \"/api/token/\"\nchain = \"default\"\n\n\
                     [endpoints.obtain_auth_token_2]\npath = \"/old-token\"\ntype = \"obtain_auth_token\"\n\
                     chain = \"default\"\n";
    assert!(config.ends_with(endpoints), "{config}");
    let post = |path: &str| {
        let body = json!({ "username": "anna", "password": "pw" }).to_string();
        let headers = json!([["Content-Type", "application/json"]]);
        let line = json!({ "path": path, "method": "POST", "headers": headers, "body": body, "persist": true });
        project.asks(&line)["endpoint"]["body"]["token"].as_str().unwrap().to_owned()
    };
    let token = post("/api/token/");
    let theirs = "from rest_framework.authtoken.models import Token\nprint(Token.objects.get().key)";
    assert_eq!((post("/old-token"), project.python(theirs)), (token.clone(), token));
    // Patterns that cannot be loaded are no reason to fail.
    fs::write(project.path("urls.py"), "nonsense").unwrap();
    assert!(project.configure().contains("# The URL patterns were not looked at: NameError"));
}

/// What a model refuses by code, the table does not show.
#[test]
fn rules_of_models_that_the_table_does_not_show_are_not_passed_over() {
    let models = |user: &str, token: &str| {
        let project = Project::new("");
        fs::create_dir(project.path("people")).unwrap();
        fs::write(project.path("people/__init__.py"), "").unwrap();
        let head = "from django.contrib.auth.models import AbstractUser, UserManager\n\
                    from django.db import models\n\
                    from rest_framework.authtoken.models import Token as Base\n\
                    from rest_framework.authentication import TokenAuthentication\n";
        fs::write(project.path("people/models.py"), format!("{head}{user}\n{token}\n")).unwrap();
        project.add("INSTALLED_APPS = list(dict.fromkeys([*INSTALLED_APPS, 'rest_framework', 'rest_framework.authtoken', 'people']))");
        project.add("AUTH_USER_MODEL = 'people.Person'");
        project
    };
    let plain = "class Person(AbstractUser):\n    pass";
    let hidden = "class Live(UserManager):\n    def get_queryset(self):\n        return super().get_queryset().exclude(first_name='gone')\n\
                  class Person(AbstractUser):\n    objects = Live()";
    let own_check = "class Person(AbstractUser):\n    def check_password(self, raw):\n        return False";
    let own_name = "class Other(UserManager):\n    def get_by_natural_key(self, name):\n        return self.get(username__iexact=name)\n\
                    class Person(AbstractUser):\n    objects = Other()";
    let own_hash = "class Person(AbstractUser):\n    def get_session_auth_hash(self):\n        return 'x'";
    let classes = "REST_FRAMEWORK = {'DEFAULT_AUTHENTICATION_CLASSES': ['rest_framework.authentication.' + name for name in \
                   ('BasicAuthentication', 'TokenAuthentication', 'SessionAuthentication')]}";
    for (user, schemes, said) in [
        (plain, "\"basic\", \"token\", \"session\"", ""),
        (own_check, "\"token\", \"session\"", "people.models.Person has a check_password of its own"),
        (own_name, "\"token\", \"session\"", "finds names by a rule of its own"),
        (own_hash, "\"basic\", \"token\"", "people.models.Person has a get_session_auth_hash of its own"),
    ] {
        let project = models(user, "");
        project.add(classes);
        let printed = project.print(&["--secret-file", project.path("sk").to_str().unwrap()]);
        assert!(printed.contains(&format!("schemes = [{schemes}]")) && printed.contains(said), "{user}: {printed}");
    }
    let project = models(hidden, "");
    let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
    command.args(["from-django", "settings", "--python", python().to_str().unwrap(), "--path"]).arg(project.0.path());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("has a get_queryset of its own"), "{output:?}");
    let token = "class Valid(models.Manager):\n    def get_queryset(self):\n        return super().get_queryset().filter(user__is_active=True)\n\
                 class Key(Base):\n    class Meta:\n        proxy = True\n    objects = Valid()\n\
                 class KeyAuthentication(TokenAuthentication):\n    model = Key";
    let project = models(plain, token);
    project.add(
        "REST_FRAMEWORK = {'DEFAULT_AUTHENTICATION_CLASSES': ['people.models.KeyAuthentication', \
                 'rest_framework.authentication.BasicAuthentication']}",
    );
    let printed = project.print(&["--secret-file", project.path("sk").to_str().unwrap()]);
    assert!(
        printed.contains("schemes = [\"basic\"]") && printed.contains("KeyAuthentication is left out"),
        "{printed}"
    );
}

#[test]
fn knox_goes_over_with_its_settings_and_its_views() {
    let project = Project::new(&format!(
        "INSTALLED_APPS += ['knox']\n\
         TIME_ZONE = 'Asia/Kolkata'\n\
         from datetime import timedelta\n\
         REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] = ['{DRF}BasicAuthentication', 'knox.auth.TokenAuthentication']\n\
         REST_KNOX = {{'AUTH_HEADER_PREFIX': 'Knox', 'TOKEN_TTL': timedelta(minutes=5), 'TOKEN_PREFIX': 'svc_',\n\
         \x20   'SECURE_HASH_ALGORITHM': 'hashlib.sha3_256', 'TOKEN_LIMIT_PER_USER': 2, 'AUTO_REFRESH': True,\n\
         \x20   'USER_SERIALIZER': 'knox.serializers.UserSerializer'}}"
    ));
    fs::write(
        project.path("urls.py"),
        "from django.urls import include, path\nurlpatterns = [path('auth/', include('knox.urls'))]\n",
    )
    .unwrap();
    let config = project.configure();
    let scheme = "[schemes.knox]\nauth_header_prefix = \"Knox\"\nsecure_hash_algorithm = \"hashlib.sha3_256\"\n\
                  token_prefix = \"svc_\"\ntoken_ttl = 300\ntoken_limit_per_user = 2\nauto_refresh = true\n";
    assert!(config.contains(scheme) && config.contains("schemes = [\"basic\", \"knox\"]"), "{config}");
    let theirs = project.python(
        "from django.contrib.auth.models import User\n\
         from knox.models import AuthToken\n\
         print(AuthToken.objects.create(User.objects.get())[1])",
    );
    let ask = |token: &str| json!({ "headers": [["Authorization", format!("Knox {token}")]] });
    assert_eq!(project.said(&ask(&theirs)), "anna");
    let post = |path: &str, credential: &str| {
        let line =
            json!({ "path": path, "method": "POST", "headers": [["Authorization", credential]], "persist": true });
        project.asks(&line)["endpoint"].clone()
    };
    let answer = post("/auth/login/", "Basic YW5uYTpwdw==");
    assert_eq!((&answer["status"], &answer["body"]["user"]), (&200.into(), &json!({ "username": "anna" })), "{answer}");
    assert!(answer["body"]["expiry"].as_str().unwrap().ends_with("+05:30"), "{answer}");
    assert_eq!(post("/auth/login/", "Basic YW5uYTpwdw==")["status"], 403);
    let ours = answer["body"]["token"].as_str().unwrap();
    let theirs_say = |token: &str| {
        project.python(&format!(
            "from knox.auth import TokenAuthentication\n\
             print(TokenAuthentication().authenticate_credentials(b'{token}')[0])"
        ))
    };
    assert_eq!(theirs_say(ours), "anna");
    assert_eq!(post("/auth/logout/", &format!("Knox {ours}"))["status"], 204);
    assert_eq!(post("/auth/logoutall/", &format!("Knox {theirs}"))["status"], 204);
    assert_eq!(project.said(&ask(&theirs)), "Invalid token.");
}

#[test]
fn simplejwt_goes_over_with_its_settings_and_its_views() {
    let project = Project::new(&format!(
        "INSTALLED_APPS += ['rest_framework_simplejwt', 'rest_framework_simplejwt.token_blacklist']\n\
         from datetime import timedelta\n\
         REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] = ['{DRF}BasicAuthentication', 'rest_framework_simplejwt.authentication.JWTAuthentication']\n\
         SIMPLE_JWT = {{'AUTH_HEADER_TYPES': ('JWT', 'Bearer'), 'ACCESS_TOKEN_LIFETIME': timedelta(minutes=1), 'ALGORITHM': 'HS512',\n\
         \x20   'SIGNING_KEY': 'another secret than SECRET_KEY, and longer', 'AUDIENCE': 'api', 'ISSUER': 'here', 'LEEWAY': 1.5,\n\
         \x20   'ROTATE_REFRESH_TOKENS': True, 'USER_ID_FIELD': 'username', 'UPDATE_LAST_LOGIN': True,\n\
         \x20   'AUTH_TOKEN_CLASSES': ('rest_framework_simplejwt.tokens.AccessToken', 'rest_framework_simplejwt.tokens.SlidingToken')}}"
    ));
    fs::write(
        project.path("urls.py"),
        "from django.urls import path\nfrom rest_framework_simplejwt import views\n\
         urlpatterns = [path('token', views.token_obtain_pair), path('token/new', views.token_refresh)]\n",
    )
    .unwrap();
    let config = project.configure();
    let scheme = "[schemes.jwt]\naccess_token_lifetime = 60\nrotate_refresh_tokens = true\nalgorithm = \"HS512\"\naudience = [\"api\"]\n\
                  issuer = \"here\"\nleeway = 2\nauth_header_types = [\"JWT\", \"Bearer\"]\nuser_id_field = \"username\"\n\
                  auth_token_classes = [\"AccessToken\", \"SlidingToken\"]\nblacklist_after_rotation = false\n";
    assert!(config.contains(scheme) && config.contains("schemes = [\"basic\", \"jwt\"]"), "{config}");
    assert!(config.contains("[endpoints.jwt_obtain_pair]\npath = \"/token\"\nupdate_last_login = true\n"), "{config}");
    let theirs = project.python(
        "from django.contrib.auth.models import User\n\
         from rest_framework_simplejwt.tokens import AccessToken\n\
         print(AccessToken.for_user(User.objects.get()))",
    );
    let ask = |token: &str| json!({ "headers": [["Authorization", format!("JWT {token}")]] });
    assert_eq!(project.said(&ask(&theirs)), "anna");
    let line = json!({
        "path": "/token", "method": "POST", "headers": [["Content-Type", "application/json"]], "persist": true,
        "body": "{\"username\": \"anna\", \"password\": \"pw\"}",
    });
    let answer = project.asks(&line)["endpoint"].clone();
    let ours = answer["body"]["access"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let said = project.python(&format!(
        "from rest_framework_simplejwt.authentication import JWTAuthentication\n\
         scheme = JWTAuthentication()\n\
         print(scheme.get_user(scheme.get_validated_token(b'{ours}')))"
    ));
    assert_eq!(said, "anna");
}

/// Settings of a project with the schemes `basic` and `jwt`.
fn simplejwt(settings: &str) -> String {
    format!(
        "INSTALLED_APPS += ['rest_framework_simplejwt']\n\
         REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] = ['rest_framework.authentication.BasicAuthentication', \
         'rest_framework_simplejwt.authentication.JWTAuthentication']\n\
         SIMPLE_JWT = {settings}"
    )
}

#[test]
fn simplejwt_is_left_out_where_it_cannot_be_imitated() {
    for settings in
        ["{'JSON_ENCODER': 'json.JSONEncoder'}", "{'ALGORITHM': 'RS256', 'JWK_URL': 'http://issuer.example/jwks'}"]
    {
        let config = Project::new(&simplejwt(settings)).configure();
        let is_left_out = config.contains("JWTAuthentication is left out");
        assert!(config.contains("schemes = [\"basic\"]") && is_left_out, "{settings}: {config}");
    }
}

#[test]
fn the_keys_of_simplejwt_are_those_that_it_looks_at() {
    let url = "'JWK_URL': 'https://issuer.example/jwks', 'VERIFYING_KEY': 'another'";
    let config = Project::new(&simplejwt(&format!("{{'ALGORITHM': 'RS256', {url}}}"))).configure();
    assert!(config.contains("algorithm = \"RS256\"\njwk_url = \"https://issuer.example/jwks\"\n"), "{config}");
    assert!(config.contains("schemes = [\"basic\", \"jwt\"]") && !config.contains("verifying_key"), "{config}");
    let config = Project::new(&simplejwt(&format!("{{{url}}}"))).configure();
    assert!(config.contains("schemes = [\"basic\", \"jwt\"]"), "{config}");
    assert!(!config.contains("jwk_url") && !config.contains("verifying_key"), "{config}");
}

#[test]
fn durin_goes_over_with_its_settings_its_rules_and_its_views() {
    let project = Project::new(&format!(
        "INSTALLED_APPS += ['durin']\n\
         from datetime import timedelta\n\
         REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] = ['durin.auth.TokenAuthentication', '{DRF}BasicAuthentication']\n\
         REST_FRAMEWORK['DEFAULT_PERMISSION_CLASSES'] = ['rest_framework.permissions.IsAuthenticated', 'rules.Ours']\n\
         REST_FRAMEWORK['DEFAULT_THROTTLE_CLASSES'] = ['durin.throttling.UserClientRateThrottle']\n\
         REST_FRAMEWORK['DEFAULT_THROTTLE_RATES'] = {{'user_per_client': '5/d'}}\n\
         REST_DURIN = {{'AUTH_HEADER_PREFIX': 'Durin', 'DEFAULT_TOKEN_TTL': timedelta(minutes=5),\n\
         \x20   'USER_SERIALIZER': 'durin.serializers.UserSerializer', 'API_ACCESS_CLIENT_NAME': 'api'}}"
    ));
    fs::write(
        project.path("rules.py"),
        "from durin.permissions import AllowSpecificClients\n\
         class Ours(AllowSpecificClients):\n    allowed_clients_name = ('web', 'api')\n",
    )
    .unwrap();
    fs::write(
        project.path("urls.py"),
        "from django.urls import include, path\nurlpatterns = [path('auth/', include('durin.urls'))]\n",
    )
    .unwrap();
    let config = project.configure();
    let scheme = "[schemes.durin]\nauth_header_prefix = \"Durin\"\ndefault_token_ttl = 300\n\
                  allow_clients = [\"web\", \"api\"]\nuser_per_client = \"5/d\"\n";
    assert!(config.contains(scheme) && config.contains("schemes = [\"durin\", \"basic\"]"), "{config}");
    assert!(!config.contains("is not looked at"), "{config}");
    let create = |client: &str| {
        project.python(&format!(
            "from django.contrib.auth.models import User\n\
             from durin.models import AuthToken, Client\n\
             print(AuthToken.objects.create(User.objects.get(), Client.objects.create(name='{client}')))"
        ))
    };
    let (theirs, other) = (create("web"), create("other"));
    let ask = |token: &str| json!({ "headers": [["Authorization", format!("Durin {token}")]], "persist": true });
    assert_eq!(project.said(&ask(&theirs)), "anna");
    assert_eq!(project.said(&ask(&other)), "You do not have permission to perform this action.");
    create("api");
    let send = |method: &str, path: &str, token: &str, body: &str| {
        let mut headers = vec![json!(["Content-Type", "application/json"])];
        headers.extend(Some(json!(["Authorization", format!("Durin {token}")])).filter(|_| !token.is_empty()));
        let line = json!({ "path": path, "method": method, "headers": headers, "body": body, "persist": true });
        project.asks(&line)["endpoint"].clone()
    };
    let login = json!({ "username": "anna", "password": "pw", "client": "web" }).to_string();
    let answer = send("POST", "/auth/login/", "", &login);
    assert_eq!((&answer["status"], &answer["body"]["user"]), (&200.into(), &json!({ "username": "anna" })), "{answer}");
    assert_eq!(answer["body"]["token"], theirs);
    assert_eq!(send("POST", "/auth/refresh/", &theirs, "")["status"], 200);
    let sessions = send("GET", "/auth/sessions/", &theirs, "");
    assert_eq!(sessions["body"].as_array().unwrap().len(), 3, "{sessions}");
    assert_eq!(send("GET", "/auth/apiaccess/", &theirs, "")["body"]["client"], "api");
    let own = send("DELETE", "/auth/sessions//1", &theirs, "");
    assert!(own["body"][0].as_str().unwrap().ends_with("Use /auth/logout/ instead."), "{own}");
    assert_eq!(send("POST", "/auth/refresh/", &theirs, "")["status"], 429, "five a day");
    assert_eq!(send("POST", "/auth/logout/", &theirs, "")["status"], 204, "a token can always be given back");
}

#[test]
fn knox_is_left_out_where_it_cannot_be_imitated() {
    let project = Project::new(&format!(
        "INSTALLED_APPS += ['knox']\n\
         REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] = ['{DRF}TokenAuthentication', 'knox.auth.TokenAuthentication']\n\
         REST_KNOX = {{'SECURE_HASH_ALGORITHM': 'hashlib.md5'}}"
    ));
    let config = project.configure();
    assert!(
        config.contains("schemes = [\"token\"]") && config.contains("# knox.auth.TokenAuthentication is left out"),
        "{config}"
    );
}
