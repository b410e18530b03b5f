//! What the doctor says of applications behind Apache. The real one reads each configuration.

use std::fs;

use crate::place::Place;

/// A folder with a configuration that the real Apache takes: an application at / of one virtual host.
pub struct Apache(tempfile::TempDir);

impl Apache {
    pub fn new(everywhere: &str, in_host: &str) -> Self {
        let apache = Self(tempfile::tempdir().unwrap());
        let modules = ["mpm_event", "authn_core", "authz_core", "authn_file", "auth_basic", "authz_user", "wsgi"];
        let load = |name: &&str| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n");
        let main = format!(
            "ServerRoot {dir:?}\nDefaultRuntimeDir {dir:?}\nServerName test\nListen 127.0.0.1:1\nErrorLog log\n\
             {}{everywhere}\n\
             <IfDefine !Never>\n  IncludeOptional sites/*.conf\n</IfDefine>\n",
            modules.iter().map(load).collect::<String>(),
            dir = apache.0.path(),
        );
        apache.write("apache2.conf", &main);
        let site = "<VirtualHost *:1>\n  wsgiscriptalias / \\\n    \"/srv/my site/wsgi.py\"\n";
        apache.write("sites/site.conf", &format!("{site}{in_host}\n</VirtualHost>\n"));
        apache
    }

    pub fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What the doctor says of each place of the application.
    fn said(&self) -> Vec<(String, String)> {
        let place = Place::new();
        let points = place.findings(&["--apache", self.path()]);
        let of_apache = points.into_iter().filter(|point| point.point == "apache");
        of_apache.map(|point| (point.state, point.text)).collect()
    }
}

/// Apache has not loaded the module here, and skips what the doctor reads all the same.
fn by_authchain(path: &str, more: &str) -> String {
    format!("<Location {path}>\n<IfModule authchain_module>\nAuthType authchain\n{more}\n</IfModule>\n</Location>")
}

#[test]
fn of_each_application_behind_apache_is_said_what_it_knows_a_user_by() {
    let demand = by_authchain("/", "AuthChain api\nRequire authchain-authenticated");
    let basic = "<Location />\nAuthType Basic\nAuthName x\nAuthUserFile /dev/null\nRequire valid-user\n</Location>";
    let folder = "<Directory \"/srv/my site\">\nWSGIPassAuthorization On\n</Directory>";
    let on = "WSGIPassAuthorization On";
    for (everywhere, in_host, state, said) in [
        ("", "", "warning", "gets neither Authorization nor a user"),
        (on, "", "ok", "gets Authorization and decides by itself"),
        ("", folder, "ok", "gets Authorization and decides by itself"),
        (on, "WSGIPassAuthorization Off", "warning", "gets neither Authorization nor a user"),
        ("", &demand, "ok", "gets the user whom the chain api finds, as REMOTE_USER; Authorization stays with Apache"),
        (on, &demand, "ok", "gets the user whom the chain api finds, as REMOTE_USER, and Authorization as well"),
        ("", basic, "warning", "gets the user of AuthType Basic and never sees Authorization: no token reaches it"),
        ("", &by_authchain("/", "Require all granted"), "warning", "nobody is asked"),
        (on, &demand.replace("Require", "AuthChainStripCredentials On\nRequire"), "ok", "stays with Apache"),
    ] {
        let apache = Apache::new(everywhere, in_host);
        let [(found, text)] = &apache.said()[..] else { panic!("{in_host}: {:?}", apache.said()) };
        assert_eq!(found, state, "{everywhere} {in_host}: {text}");
        assert!(text.ends_with(said), "{everywhere} {in_host}: {text}");
        assert!(text.contains("sites/site.conf:2: the application at / of <VirtualHost *:1> "), "{text}");
    }
}

#[test]
fn a_part_of_an_application_is_told_apart() {
    let in_host = format!("WSGIPassAuthorization On\n{}", by_authchain("/api", "Require authchain-user alice"));
    let said = Apache::new("", &in_host).said();
    let texts: Vec<_> =
        said.iter().map(|(state, text)| (state.as_str(), text.split("application at ").nth(1).unwrap())).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[0].1.starts_with("/ of") && texts[0].1.ends_with("decides by itself"), "{texts:?}");
    assert!(texts[1].1.starts_with("/api of") && texts[1].1.contains("the chain default"), "{texts:?}");
}

#[test]
fn the_remedies_for_an_application_are_what_it_lacks() {
    let place = Place::new();
    let sick = Apache::new("", "");
    let ill = place.point("apache", &["--apache", sick.path()]);
    let directive = ill.remedy.split('`').nth(1).unwrap().to_owned();
    assert_eq!(Apache::new("", &directive).said()[0].0, "ok");
}

#[test]
fn a_configuration_that_apache_does_not_take_is_no_answer() {
    let apache = Apache::new("NoSuchDirective", "");
    let said = apache.said();
    assert!(said.len() == 1 && said[0].0 == "warning", "{said:?}");
    assert!(said[0].1.contains("Apache does not take") && said[0].1.contains("NoSuchDirective"), "{said:?}");
}
