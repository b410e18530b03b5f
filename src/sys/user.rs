//! Users of the machine: who runs this, and starting a command as somebody else.

use std::ffi::{CStr, CString, c_char};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;

use libc::{gid_t, uid_t};

/// A user with the groups of its rights.
pub(crate) struct Account {
    pub name: String,
    /// The name of the primary group.
    pub group: String,
    uid: uid_t,
    gid: gid_t,
    groups: Vec<gid_t>,
}

impl Account {
    /// The user of a name; `None` when the machine knows none.
    pub(crate) fn named(name: &str) -> io::Result<Option<Self>> {
        let Ok(name) = CString::new(name) else { return Ok(None) };
        // SAFETY: `name` ends with a NUL; the other arguments are those of `look_up`.
        look_up(|entry, buffer, size, found| unsafe { libc::getpwnam_r(name.as_ptr(), entry, buffer, size, found) })
    }

    /// The user whose rights this process has; the numbers stand for names that the machine does not know.
    pub(crate) fn effective() -> io::Result<Self> {
        // SAFETY: both always succeed.
        let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
        // SAFETY: the arguments are those of `look_up`.
        let known = look_up(|entry, buffer, size, found| unsafe { libc::getpwuid_r(uid, entry, buffer, size, found) })?;
        let nameless = || Self { name: uid.to_string(), group: group_name(gid), uid, gid, groups: vec![gid] };
        Ok(known.unwrap_or_else(nameless))
    }

    /// Whether this process has the rights of this user.
    pub(crate) fn is_effective(&self) -> bool {
        // SAFETY: always succeeds.
        self.uid == unsafe { libc::geteuid() }
    }

    /// Whether what belongs to this number is the user's.
    pub(crate) fn owns(&self, uid: u32) -> bool {
        self.uid == uid
    }

    /// Makes a command start with the rights of this user; only root may.
    pub(crate) fn run(&self, command: &mut Command) {
        let (uid, gid, groups) = (self.uid, self.gid, self.groups.clone());
        let become_it = move || {
            // The groups while it is still root; std's own `uid` would drop them all.
            // SAFETY: a list and its length; system calls only, which a child may make after a fork.
            let done = unsafe {
                libc::setgroups(groups.len(), groups.as_ptr()) == 0 && libc::setgid(gid) == 0 && libc::setuid(uid) == 0
            };
            if done { Ok(()) } else { Err(io::Error::last_os_error()) }
        };
        // SAFETY: see above; nothing is allocated but by an error, which ends the child.
        unsafe { command.pre_exec(become_it) };
    }
}

/// Whether this process has the rights of root.
pub(crate) fn is_root() -> bool {
    // SAFETY: always succeeds.
    unsafe { libc::geteuid() == 0 }
}

/// Calls one of `getpw*_r` with a buffer that is large enough.
fn look_up(
    mut ask: impl FnMut(*mut libc::passwd, *mut c_char, usize, *mut *mut libc::passwd) -> i32,
) -> io::Result<Option<Account>> {
    let mut buffer: Vec<c_char> = vec![0; 1024];
    loop {
        let mut entry = MaybeUninit::<libc::passwd>::uninit();
        let mut found = ptr::null_mut();
        match ask(entry.as_mut_ptr(), buffer.as_mut_ptr(), buffer.len(), &raw mut found) {
            0 if found.is_null() => return Ok(None),
            0 => {
                // SAFETY: the call filled `entry`, whose name ends with a NUL within `buffer`.
                let (entry, name) = unsafe { (&*found, CStr::from_ptr((*found).pw_name)) };
                return Ok(Some(account(name, entry.pw_uid, entry.pw_gid)));
            }
            libc::ERANGE if buffer.len() < LARGEST => buffer.resize(buffer.len() * 4, 0),
            libc::ENOENT | libc::ESRCH => return Ok(None), // as some name services say it
            code => return Err(io::Error::from_raw_os_error(code)),
        }
    }
}

fn account(name: &CStr, uid: uid_t, gid: gid_t) -> Account {
    let mut groups: Vec<gid_t> = vec![0; 1024];
    let mut count = 1024;
    // SAFETY: a name that ends with a NUL, and a list with its length.
    if unsafe { libc::getgrouplist(name.as_ptr(), gid, groups.as_mut_ptr(), &raw mut count) } < 0 {
        count = 0; // more than anybody has
    }
    groups.truncate(usize::try_from(count).unwrap_or(0));
    Account { name: name.to_string_lossy().into_owned(), group: group_name(gid), uid, gid, groups }
}

/// The group's name, else its number, which `chgrp` takes as well.
fn group_name(gid: gid_t) -> String {
    let mut buffer: Vec<c_char> = vec![0; LARGEST];
    let mut entry = MaybeUninit::<libc::group>::uninit();
    let mut found = ptr::null_mut();
    // SAFETY: a buffer with its length; `found` is NULL or points to the filled entry.
    unsafe {
        libc::getgrgid_r(gid, entry.as_mut_ptr(), buffer.as_mut_ptr(), buffer.len(), &raw mut found);
        if found.is_null() {
            return gid.to_string();
        }
        CStr::from_ptr((*found).gr_name).to_string_lossy().into_owned()
    }
}

const LARGEST: usize = 1 << 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name() {
        let root = Account::named("root").unwrap().unwrap();
        assert_eq!((root.name.as_str(), root.group.as_str(), root.uid), ("root", "root", 0));
        assert!(Account::named("no such user").unwrap().is_none());
        assert!(Account::named("ro\0ot").unwrap().is_none());
        let me = Account::effective().unwrap();
        assert!(me.is_effective() && !me.name.is_empty());
    }

    #[test]
    fn a_command_runs_with_the_rights_of_the_user() {
        let nobody = Account::named("nobody").unwrap().unwrap();
        let mut command = Command::new("id");
        command.args(["-u", "-n"]);
        nobody.run(&mut command);
        match command.output() {
            Ok(output) => assert!(is_root() && output.stdout == b"nobody\n", "{output:?}"),
            Err(e) => assert!(!is_root() && e.kind() == io::ErrorKind::PermissionDenied, "{e}"),
        }
    }
}
