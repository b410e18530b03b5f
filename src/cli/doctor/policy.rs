//! What the configuration allows that it had better not, and what it says in vain.

use super::{BASIC, Patient, REMOTE_USER, SESSION, Said, TOKEN, ok, warning};
use crate::config::serve::Listen;

/// The brake on guessing passwords.
pub(super) fn throttle(patient: &Patient<'_>) -> Vec<Said> {
    if !patient.has_passwords() {
        return vec![];
    }
    if patient.config.throttle.is_some() {
        return vec![ok("failed logins are counted")];
    }
    let remedy = match patient.config.exact {
        true => "leave exact mode, in which nothing is counted",
        false => "take `enabled = false` out of [throttle]",
    };
    vec![warning("passwords can be guessed without end: failed logins are not counted", remedy)]
}

/// Chains that nobody asks by default, schemes that no chain asks.
pub(super) fn chains(patient: &Patient<'_>) -> Vec<Said> {
    let mut said = Vec::new();
    let chains = &patient.config.chains;
    if !chains.iter().any(|(name, _)| name == "default") {
        let text = "there is no chain `default`, which hosts ask that name none";
        said.push(warning(text, "write [chains.default], or name a chain in every host"));
    }
    let asked: Vec<_> = chains.iter().flat_map(|(_, chain)| chain.schemes()).map(|scheme| &scheme.name).collect();
    for scheme in patient.survey.schemes.iter().filter(|scheme| !scheme.is_item) {
        let given = patient.survey.endpoints.iter().any(|endpoint| endpoint.scheme() == Some(&scheme.name));
        if !given && !asked.contains(&&scheme.name) {
            let text = format!("no chain asks the scheme {}", scheme.name);
            said.push(warning(text, format!("name it in `schemes` of a chain, or take [schemes.{}] out", scheme.name)));
        }
    }
    if said.is_empty() { vec![ok("every scheme is asked")] } else { said }
}

/// With every host allowed, whoever writes the Host header chooses the origin that CSRF checks believe.
pub(super) fn hosts(patient: &Patient<'_>) -> Vec<Said> {
    let hosts = patient.survey.top.list("allowed_hosts");
    if !patient.has_sessions() || !hosts.iter().any(|host| host == "*") {
        return vec![ok(if hosts.is_empty() { "none".to_owned() } else { hosts.join(", ") })];
    }
    vec![warning(
        "sessions are accepted under any host name",
        "list the names of this site in `allowed_hosts`, as in Django's ALLOWED_HOSTS",
    )]
}

/// Headers that are never believed, or from everybody.
pub(super) fn proxies(patient: &Patient<'_>) -> Vec<Said> {
    let top = &patient.survey.top;
    let proxies = top.list("trusted_proxies");
    if let Some(everybody) = proxies.iter().find(|network| network.ends_with("/0")) {
        let text = format!("{everybody} is everybody: anybody can forge an address, a host and a user");
        return vec![warning(text, "list the addresses of the proxies only in `trusted_proxies`")];
    }
    if !proxies.is_empty() {
        return vec![ok(proxies.join(", "))];
    }
    let mut vain: Vec<_> =
        ["use_x_forwarded_host", "use_x_forwarded_port"].into_iter().filter(|name| top.is(name)).collect();
    vain.extend(Some("secure_proxy_ssl_header").filter(|name| !top.list(name).is_empty()));
    let by_header = |scheme: &crate::config::survey::Written| {
        scheme.text("header").is_some_and(|header| header.starts_with("HTTP_"))
    };
    vain.extend(
        Some("header of remote_user")
            .filter(|_| patient.asks(REMOTE_USER) && patient.survey.schemes.iter().any(by_header)),
    );
    if vain.is_empty() {
        return vec![ok("none")];
    }
    let text = format!("nobody is believed, so this is in vain: {}", vain.join(", "));
    vec![warning(text, "list the addresses of the proxies in `trusted_proxies`")]
}

/// Credentials that whoever hears them can use.
pub(super) fn tls(patient: &Patient<'_>) -> Vec<Said> {
    let can_be_overheard = |chain: &crate::chain::Chain| {
        !chain.requires_tls() && chain.schemes().any(|scheme| [BASIC, TOKEN].contains(&scheme.class))
    };
    let mut said = Vec::new();
    let chains = patient.config.chains.iter().filter(|(_, chain)| can_be_overheard(chain));
    let chains: Vec<_> = chains.map(|(name, _)| name.as_str()).collect();
    if !chains.is_empty() {
        let text = format!("passwords and tokens are also taken in clear text: {}", chains.join(", "));
        said.push(warning(text, format!("set `require_tls = true` in [chains.{}]", chains.join("] and [chains."))));
    }
    let open = patient.config.endpoints.iter().filter(|route| !route.requires_tls());
    let open: Vec<_> = open.map(|route| route.name.as_str()).collect();
    if !open.is_empty() {
        let text = format!("passwords are also taken in clear text by endpoints: {}", open.join(", "));
        let remedy =
            format!("set `chain` to one with `require_tls = true` in [endpoints.{}]", open.join("] and [endpoints."));
        said.push(warning(text, remedy));
    }
    if said.is_empty() { vec![ok("nothing takes passwords or tokens in clear text")] } else { said }
}

/// Whose word `authchain serve` takes, and who can reach it.
pub(super) fn serve(patient: &Patient<'_>) -> Vec<Said> {
    let serve = &patient.config.serve;
    let mut said = Vec::new();
    if let Some(everybody) = serve.trusts_everybody() {
        let text = format!("{everybody} is everybody: anybody can say that a POST was a GET, and from where");
        said.push(warning(text, "list the addresses of the proxies only in `trusted` of [serve]"));
    }
    if let Listen::Address(address) = &serve.listen
        && !address.ip().is_loopback()
    {
        let text = format!("`authchain serve` listens on {address}, without encryption");
        said.push(warning(text, "listen on 127.0.0.1 or on a Unix socket: `listen` of [serve]"));
    }
    said
}

/// Cookies that also go over clear HTTP.
pub(super) fn cookies(patient: &Patient<'_>) -> Vec<Said> {
    let top = &patient.survey.top;
    if !patient.has_sessions() {
        return vec![];
    }
    let mut said = Vec::new();
    for name in ["session", "csrf"].into_iter().filter(|name| *name == "session" || !top.is("csrf_use_sessions")) {
        if top.is(&format!("{name}_cookie_secure")) {
            continue;
        }
        let text = match top.text(&format!("{name}_cookie_samesite")) {
            "None" => format!("browsers drop the {name} cookie: SameSite=None needs Secure"),
            _ => format!("the {name} cookie is also sent over clear HTTP"),
        };
        let remedy = format!("set `{name}_cookie_secure = true`, and Django's {}_COOKIE_SECURE", name.to_uppercase());
        said.push(warning(text, remedy));
    }
    if !top.is("session_cookie_httponly") {
        let text = "scripts of the page can read the session cookie";
        said.push(warning(text, "take `session_cookie_httponly = false` out, and Django's SESSION_COOKIE_HTTPONLY"));
    }
    if patient.asks(SESSION) && top.integer("session_cookie_age") == 0 {
        said.push(warning("a session ends as soon as it is made", "set `session_cookie_age`"));
    }
    if said.is_empty() { vec![ok("sent over TLS only")] } else { said }
}
