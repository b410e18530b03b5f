//! The configurations of docs/serve.md in a real nginx, in front of a file.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use super::process::{Reply, Served, connect, request};
use super::support::{Site, basic, root};
use super::{ALICE, ENDPOINTS, SECRET, SESSION, cookies};

/// nginx as the document configures it; killed when dropped.
struct Nginx {
    child: Child,
    place: String,
}

impl Nginx {
    fn in_front_of(served: &Served, site: &Site, chain: &str) -> Self {
        let document = fs::read_to_string(root().join("docs/serve.md")).unwrap();
        let mut blocks = document.split("```nginx\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let (server, described) = (blocks.next().unwrap(), blocks.next().unwrap());
        let folder = site.folder.path().join(format!("nginx-{chain}"));
        fs::create_dir_all(folder.join("files")).unwrap();
        fs::write(folder.join("files/page"), "the page\n").unwrap();
        fs::write(folder.join("described.conf"), described).unwrap();
        let place = free_place();
        let server = server
            .replace("127.0.0.1:8765", &served.place)
            .replace("listen 80;", &format!("listen {place};"))
            .replace("/auth/default", &format!("/auth/{chain}"))
            .replace("/srv/files", folder.join("files").to_str().unwrap())
            .replace("proxy_set_header X-Auth-User $auth_user;", "add_header X-User $auth_user;");
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {};\n", folder.join(kind).display()))
            .concat();
        let config = format!(
            "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr crit;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{server}}}\n"
        );
        fs::write(folder.join("nginx.conf"), config).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&folder).args(["-e", "stderr", "-c", "nginx.conf"]).stdin(Stdio::null());
        let mut child = command.spawn().expect("nginx is missing: run scripts/setup");
        while TcpStream::connect(&place).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "nginx does not start");
        }
        Self { child, place }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut connection = connect(&self.place).unwrap();
        connection.write(&request(method, path, &[headers, &[("Connection", "close")]].concat(), ""));
        connection.read(method != "HEAD").unwrap()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago: nginx cannot say which one it took.
fn free_place() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn nginx_lets_in_whom_the_chain_knows_and_hands_on_the_challenge() {
    let site = Site::of_vectors("drf");
    let served = Served::start(&site, "", "");
    let nginx = Nginx::in_front_of(&served, &site, "default");
    let reply = nginx.send("GET", "/page", &[("Authorization", ALICE)]);
    assert_eq!((reply.status, reply.body.as_str(), reply.header("x-user")), (200, "the page\n", Some("alice")));
    assert_eq!(nginx.send("GET", "/page", &[("Authorization", &basic("alice", "wonderland-1"))]).status, 200);
    for headers in [&[("Authorization", "Token wrong")][..], &[("X-Auth-User", "alice")], &[]] {
        let reply = nginx.send("GET", "/page", headers);
        assert_eq!((reply.status, reply.header("www-authenticate")), (401, Some("Basic realm=\"api\"")));
        assert!(!reply.body.contains("the page"));
    }
    assert_eq!(nginx.send("GET", "/healthz", &[]).status, 401, "it is no path of nginx's");
    assert_eq!(nginx.send("GET", "/authchain", &[("Authorization", ALICE)]).status, 404);
}

#[test]
fn nginx_says_the_method_whatever_the_client_says() {
    let site = Site::of_vectors("drf");
    let served = Served::start(&site, &format!("{SESSION}{ENDPOINTS}"), "");
    let nginx = Nginx::in_front_of(&served, &site, "site");
    let cookies = cookies(&site);
    let browser = ("Cookie", cookies.as_str());
    assert_eq!(nginx.send("GET", "/page", &[browser]).header("x-user"), Some("alice"));
    for forged in ["X-Original-Method", "X-Forwarded-Method", "X-Request-Method"] {
        assert_eq!(nginx.send("POST", "/page", &[browser, (forged, "GET")]).status, 403, "{forged}");
        assert_eq!(nginx.send("GET", "/page", &[browser, (forged, "POST")]).status, 200, "{forged}");
    }
    // nginx has no POST for files: it was let through.
    assert_eq!(nginx.send("POST", "/page", &[browser, ("X-CSRFToken", SECRET)]).status, 405);
    // Origin is compared with the host that the client named.
    let origin = |origin| nginx.send("POST", "/page", &[browser, ("X-CSRFToken", SECRET), ("Origin", origin)]).status;
    assert_eq!((origin("http://testserver"), origin("http://evil.example")), (405, 403));
    let login = nginx.send("GET", "/accounts/login/", &[("Accept", "text/html"), ("X-Original-URI", "/elsewhere")]);
    assert!(login.status == 200 && login.body.contains("csrfmiddlewaretoken"), "{login:?}");
}

#[test]
fn an_expired_session_loses_its_cookie_through_nginx() {
    let site = Site::of_vectors("drf");
    let served = Served::start(&site, &format!("{SESSION}anonymous = \"allow\"\n"), "");
    let nginx = Nginx::in_front_of(&served, &site, "site");
    let cookies = cookies(&site);
    site.other().execute("UPDATE auth_user SET password = 'other' WHERE username = 'alice'", []).unwrap();
    let reply = nginx.send("GET", "/page", &[("Cookie", &cookies)]);
    assert_eq!((reply.status, reply.header("x-user"), reply.cookie("sessionid")), (200, None, Some("\"\"")));
}
