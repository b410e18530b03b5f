//! What a host changes in a request before it passes it on, so that an application behind it can
//! believe what the headers say about the user.

use crate::request::Request;
use crate::verdict::Identity;

/// One change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    /// Take away every header of this name, of whatever bytes it is.
    Remove(Vec<u8>),
    /// Add this header.
    Add(&'static str, String),
}

/// The name of the user.
const USER: &str = "X-Auth-User";
/// The key of the user.
const USER_ID: &str = "X-Auth-User-Id";
/// The scheme that found the user.
const SCHEME: &str = "X-Auth-Scheme";

/// The changes for a verdict: first whatever could be taken for the identity goes, in every spelling,
/// whatever the verdict is; then the identity comes. `also` are names of headers that say who it is
/// besides ours.
pub(crate) fn edits(request: &Request<'_>, identity: Option<&Identity>, also: &[String]) -> Vec<Edit> {
    let guarded: Vec<_> = [USER, USER_ID, SCHEME].into_iter().chain(also.iter().map(String::as_str)).collect();
    let mut edits: Vec<_> = guarded.iter().map(|name| Edit::Remove(name.as_bytes().to_vec())).collect();
    request.headers().each(|header| {
        let is_other_spelling = guarded.iter().any(|name| same(header.name, name.as_bytes()));
        let name = || Edit::Remove(header.name.to_vec());
        let is_known = |edit: &Edit| matches!(edit, Edit::Remove(name) if name.eq_ignore_ascii_case(header.name));
        if is_other_spelling && !edits.iter().any(is_known) {
            edits.push(name());
        }
    });
    if let Some(identity) = identity {
        edits.push(Edit::Add(USER, visible(identity.user.name())));
        edits.push(Edit::Add(USER_ID, visible(&identity.user.id.to_string())));
        if let Some(by) = &identity.found_by {
            edits.push(Edit::Add(SCHEME, visible(&by.name)));
        }
    }
    edits
}

/// Whether two names are one to a server that makes variables of headers: WSGI takes `-` for `_`, and
/// CGI programs of Apache every byte that is no letter or digit.
fn same(a: &[u8], b: &[u8]) -> bool {
    let folded = |byte: &u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'_' };
    a.len() == b.len() && a.iter().map(folded).eq(b.iter().map(folded))
}

/// A text as a header's value: what is not visible ASCII, and `%`, percent-encoded as in a URL.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'!'..=b'~' if byte != b'%' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::vouched;
    use crate::request::{Header, Headers};
    use crate::store::User;
    use crate::verdict::{Auth, active};

    fn removed(names: &[&str]) -> Vec<String> {
        let list: Vec<_> = names.iter().map(|name| Header { name: name.as_bytes(), value: b"root" }).collect();
        let edits = edits(&Request::new(Headers::List(&list)), None, &["X-Remote-User".to_owned()]);
        edits
            .into_iter()
            .filter_map(|edit| {
                if let Edit::Remove(name) = edit { Some(String::from_utf8_lossy(&name).into_owned()) } else { None }
            })
            .collect()
    }

    #[test]
    fn every_spelling_of_an_identity_header_is_taken_away() {
        let usual = removed(&["Host", "X-Auth", "X-Auth-Users", "XAuthUser"]);
        assert_eq!(usual, ["X-Auth-User", "X-Auth-User-Id", "X-Auth-Scheme", "X-Remote-User"]);
        for forged in ["X_Auth_User", "x-auth_user", "X.Auth.User", "X_REMOTE_USER", "x_auth-user_id", "X~Auth-Scheme"]
        {
            assert_eq!(removed(&[forged, forged]).get(4..), Some(&[forged.to_owned()][..]), "{forged}");
        }
        assert_eq!(removed(&["x-AUTH-user"]).len(), 4, "a case is no other name");
    }

    #[test]
    fn the_identity_is_added_and_cannot_start_a_new_line() {
        let user = User::foreign("7", "J\u{f6}rg 100%\r\nX-Auth-User: root").unwrap();
        let Ok(user) = active(user) else { panic!("inactive") };
        let identity = Identity::new(user, vouched(), Auth::None);
        let edits = edits(&Request::new(Headers::Block(b"")), Some(&identity), &[]);
        let value = "J%C3%B6rg%20100%25%0D%0AX-Auth-User:%20root".to_owned();
        assert_eq!(edits[3..], [Edit::Add(USER, value), Edit::Add(USER_ID, "7".to_owned())]);
    }
}
