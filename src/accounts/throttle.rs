//! The brake on guessing passwords: attempts are counted for the account and for the address of the
//! client, and refused beyond a limit until a window of time ends.
//!
//! An attempt is counted *before* the password is looked at, so that parallel ones cannot pass
//! together, and taken back when it was right; a crash in between leaves it counted. A success takes
//! back itself only: if it forgave the failures, too, everybody could guess on in the shadow of a
//! user who logs in all day (with Basic, at every request). A window starts with its first attempt and
//! does not move: refused attempts are not counted, so nobody is kept out longer by trying, and in
//! any stretch of time as long as a window at most twice the limit gets through.
//!
//! Only those who pass add rows, two at most, each at the price of a password hash, and each removes
//! up to eight whose window has ended. So there are never more rows than attempts passed within the
//! longer of the two windows, twice: for 100,000 random names from one address that is the limit of
//! the address; from 100,000 addresses it is 200,000 rows, some 30 MB, which the file keeps as free
//! pages afterwards.

use std::net::IpAddr;

use crate::codec::fold;
use crate::codec::rate::Rate;
use crate::error::Error;
use crate::store::Throttle;
use crate::store::tables::throttle::{Counter, Counters, Kind};

/// Whether an attempt may look at the password.
pub(crate) enum Admission<'a> {
    /// It may, and is counted.
    Admitted(Attempt<'a>),
    /// It may not, and is not counted.
    Refused {
        /// Seconds until the next one may (`Retry-After`), rounded up.
        retry_after_s: u32,
    },
}

/// An attempt under way. It failed unless it says otherwise, however it ends.
#[must_use]
pub(crate) struct Attempt<'a> {
    throttle: &'a Throttle,
    counted: Vec<Counter>,
}

/// Whose counters to clear.
pub(crate) enum Whose<'a> {
    Account(&'a str),
    Address(IpAddr),
    Everybody,
}

impl Throttle {
    /// Counts an attempt to log in, or refuses it. `account` is the name as it was typed, whether or
    /// not there is such a user; without an address only the account is counted. Must be asked
    /// before the password is looked at. An error is no admission.
    pub(crate) fn admit(&self, account: &str, address: Option<IpAddr>, now_us: i64) -> Result<Admission<'_>, Error> {
        let mut keys = vec![(Kind::Account, self.account_key(account))];
        keys.extend(address.map(|address| (Kind::Address, fold::network(address))));
        self.change(|counters| self.count(counters, keys, now_us)).map_err(named)
    }

    /// The counters whose window has not ended, each with whether it refuses now.
    pub(crate) fn list(&self, now_us: i64) -> Result<Vec<(Counter, bool)>, Error> {
        if !self.is_there() {
            return Ok(Vec::new());
        }
        let with_refusal = |counter: Counter| {
            let refuses = self.refuses(&counter);
            (counter, refuses)
        };
        Ok(self.all(now_us).map_err(named)?.into_iter().map(with_refusal).collect())
    }

    /// Forgets attempts; how many counters there were.
    pub(crate) fn clear(&self, whose: &Whose<'_>) -> Result<usize, Error> {
        if !self.is_there() {
            return Ok(0);
        }
        let cleared = self.change(|counters| match whose {
            Whose::Account(name) => counters.delete(Kind::Account, &self.account_key(name)),
            Whose::Address(address) => counters.delete(Kind::Address, &fold::network(*address)),
            Whose::Everybody => counters.delete_all(),
        });
        cleared.map_err(named)
    }

    fn count(&self, counters: &Counters<'_>, keys: Vec<(Kind, String)>, now_us: i64) -> Result<Admission<'_>, Error> {
        let found = keys.into_iter().map(|(kind, key)| self.current(counters, kind, key, now_us));
        let mut counted = found.collect::<Result<Vec<_>, _>>()?;
        let refusing = counted.iter().filter(|counter| self.refuses(counter));
        if let Some(until_us) = refusing.map(|counter| counter.until_us).max() {
            return Ok(Admission::Refused { retry_after_s: seconds_until(until_us, now_us) });
        }
        for counter in &mut counted {
            counter.count = counter.count.saturating_add(1);
            counters.put(counter)?;
        }
        counters.sweep(now_us)?;
        Ok(Admission::Admitted(Attempt { throttle: self, counted }))
    }

    /// The counter of a key, a new one if none counts now.
    fn current(&self, counters: &Counters<'_>, kind: Kind, key: String, now_us: i64) -> Result<Counter, Error> {
        let rate = self.rate(kind);
        let found = counters.find(kind, &key)?.filter(|counter| is_of_now(counter, rate, now_us));
        let until_us = now_us.saturating_add(rate.window_us);
        Ok(found.unwrap_or(Counter { kind, key, count: 0, until_us }))
    }

    fn refuses(&self, counter: &Counter) -> bool {
        counter.count >= self.rate(counter.kind).most
    }

    fn rate(&self, kind: Kind) -> Rate {
        match kind {
            Kind::Account => self.account,
            Kind::Address => self.address,
        }
    }

    /// A digest, because users type passwords where the name belongs, and because who reads the file
    /// need not learn who has an account.
    fn account_key(&self, name: &str) -> String {
        self.names.long(fold::folded(name).as_bytes())
    }
}

impl Attempt<'_> {
    /// The password was right, or was not looked at: the attempt does not count. After an error it does.
    pub(crate) fn take_back(self) -> Result<(), Error> {
        let Self { throttle, counted } = self;
        let take_back = |counters: &Counters<'_>| counted.iter().try_for_each(|counter| counters.take_back(counter));
        throttle.change(take_back).map_err(named)
    }
}

/// Whether a counter still counts. One that ends beyond two windows was made under another clock or
/// another configuration; without this a clock that once ran ahead would keep people out for years.
/// Two and not one, because `now` of threads and processes is not in the order of their turns.
fn is_of_now(counter: &Counter, rate: Rate, now_us: i64) -> bool {
    let latest = now_us.saturating_add(rate.window_us.saturating_mul(2));
    (now_us.saturating_add(1)..=latest).contains(&counter.until_us)
}

fn seconds_until(until_us: i64, now_us: i64) -> u32 {
    let left_us = u64::try_from(until_us.saturating_sub(now_us)).unwrap_or(0);
    u32::try_from(left_us.div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

/// So that nobody looks for the fault in the database.
fn named(error: Error) -> Error {
    match error {
        Error::Store(text) => Error::Store(format!("throttle: {text}")),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::sync::Barrier;
    use std::time::{Duration, Instant};

    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::*;
    use crate::codec::digest::DigestKey;
    use crate::store::tables::throttle::SCHEMA;
    use crate::store::{Makes, Settings};

    const START: i64 = 1_700_000_000_000_000;
    const SECOND: i64 = 1_000_000;
    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));

    fn made(path: &Path, makes: Makes, rates: [&str; 2]) -> Throttle {
        let [account, address] = rates.map(|rate| Rate::parse(rate).unwrap());
        let store = Settings { path: path.to_owned(), timeout: Duration::from_secs(60), mmap_size: 0, makes };
        let names = DigestKey::labelled(b"secret", b"accounts");
        Throttle::new(store, account, address, names)
    }

    /// Five at an account, fifty from an address, within 300 seconds.
    struct Site {
        dir: tempfile::TempDir,
        throttle: Throttle,
    }

    impl Site {
        fn new() -> Self {
            Self::with(["5/5m", "50/5m"])
        }

        fn with(rates: [&str; 2]) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let throttle = made(&dir.path().join("throttle"), Makes::File(SCHEMA), rates);
            Self { dir, throttle }
        }

        fn path(&self) -> PathBuf {
            self.dir.path().join("throttle")
        }

        /// A wrong password. `Err`: refused for so many seconds.
        fn fails(&self, name: &str, address: Option<IpAddr>, now_us: i64) -> Result<(), u32> {
            match self.throttle.admit(name, address, now_us).unwrap() {
                Admission::Admitted(_) => Ok(()),
                Admission::Refused { retry_after_s } => Err(retry_after_s),
            }
        }

        /// The right password.
        fn succeeds(&self, name: &str, address: Option<IpAddr>, now_us: i64) -> Result<(), u32> {
            match self.throttle.admit(name, address, now_us).unwrap() {
                Admission::Admitted(attempt) => {
                    attempt.take_back().unwrap();
                    Ok(())
                }
                Admission::Refused { retry_after_s } => Err(retry_after_s),
            }
        }

        fn counts(&self, now_us: i64) -> Vec<(&'static str, u32)> {
            let counters = self.throttle.list(now_us).unwrap();
            counters.iter().map(|(counter, _)| (counter.kind.name(), counter.count)).collect()
        }

        fn rows(&self) -> i64 {
            let other = Connection::open(self.path()).unwrap();
            other.query_row("SELECT count(*) FROM authchain_throttle", [], |row| row.get(0)).unwrap()
        }
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn after_five_wrong_passwords_the_right_one_is_refused_until_the_window_ends() {
        let site = Site::new();
        for i in 0..5 {
            assert_eq!(site.fails("alice", HERE, START + i * SECOND), Ok(()));
        }
        assert_eq!(site.succeeds("alice", HERE, START + 5 * SECOND), Err(295));
        assert_eq!(site.succeeds("bob", HERE, START + 5 * SECOND), Ok(()), "another account goes on");
        // Rounded up to the last microsecond, and refused attempts have not moved the end.
        assert_eq!(site.succeeds("alice", HERE, START + 5 * SECOND + 1), Err(295));
        assert_eq!(site.succeeds("alice", HERE, START + 299 * SECOND), Err(1));
        assert_eq!(site.succeeds("alice", HERE, START + 300 * SECOND - 1), Err(1));
        assert_eq!(site.succeeds("alice", HERE, START + 300 * SECOND), Ok(()));
        assert_eq!(site.fails("alice", HERE, START + 300 * SECOND), Ok(()));
    }

    #[test]
    fn an_address_may_not_try_many_names() {
        let site = Site::new();
        for i in 0..50 {
            assert_eq!(site.fails(&format!("user{i}"), HERE, START + i), Ok(()));
        }
        assert_eq!(site.fails("alice", HERE, START + 50), Err(300));
        assert_eq!(site.fails("alice", ip("192.0.2.2"), START + 50), Ok(()), "another address goes on");
        assert_eq!(site.fails("alice", None, START + 50), Ok(()), "without an address there is nothing to count");
        assert_eq!(site.counts(START + 51).iter().find(|(_, count)| *count > 2), Some(&("address", 50)));
    }

    #[test]
    fn who_is_refused_waits_for_the_later_of_both() {
        let site = Site::with(["2/10s", "3/100s"]);
        for _ in 0..2 {
            assert_eq!(site.fails("alice", HERE, START), Ok(()));
        }
        assert_eq!(site.fails("alice", HERE, START), Err(10));
        assert_eq!(site.fails("bob", HERE, START), Ok(()));
        assert_eq!(site.fails("alice", HERE, START), Err(100));
        assert_eq!(site.fails("carol", HERE, START + 20 * SECOND), Err(80));
    }

    #[test]
    fn a_success_takes_back_itself_and_no_failure() {
        let site = Site::new();
        for i in 0..100 {
            assert_eq!(site.succeeds("alice", HERE, START + i), Ok(()));
        }
        assert_eq!(site.rows(), 0, "a success leaves nothing behind");
        for i in 0..5 {
            assert_eq!(site.fails("alice", HERE, START + 200 + i), Ok(()));
            if i < 4 {
                assert_eq!(site.succeeds("alice", HERE, START + 200 + i), Ok(()));
            }
        }
        assert_eq!(site.succeeds("alice", HERE, START + 300), Err(300));
        assert_eq!(site.counts(START + 300), [("account", 5), ("address", 5)]);
    }

    #[test]
    fn a_success_takes_nothing_from_the_window_after_its_own() {
        let site = Site::new();
        let Admission::Admitted(slow) = site.throttle.admit("alice", HERE, START).unwrap() else { panic!() };
        let later = START + 300 * SECOND;
        assert_eq!(site.fails("alice", HERE, later), Ok(()));
        slow.take_back().unwrap();
        assert_eq!(site.counts(later), [("account", 1), ("address", 1)]);
        let Admission::Admitted(cleared) = site.throttle.admit("bob", None, later).unwrap() else { panic!() };
        site.throttle.clear(&Whose::Everybody).unwrap();
        cleared.take_back().unwrap();
        assert_eq!(site.counts(later), []);
    }

    #[test]
    fn threads_cannot_pass_together() {
        for round in 0..20 {
            let site = Site::with(["5/5m", "1000/5m"]);
            assert_eq!(site.fails("bob", None, START), Ok(()));
            let together = Barrier::new(8);
            let attempts = || {
                together.wait();
                (0..20).filter(|_| site.fails("alice", HERE, START).is_ok()).count()
            };
            let admitted: usize = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(attempts)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).sum()
            });
            assert_eq!(admitted, 5, "{round}");
            let counts = site.counts(START);
            assert!(counts.len() == 3 && counts.contains(&("account", 5)) && counts.contains(&("address", 5)));
        }
    }

    #[test]
    fn threads_that_succeed_leave_nothing_behind() {
        let site = Site::with(["8/5m", "8/5m"]);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..20).for_each(|_| assert_eq!(site.succeeds("alice", HERE, START), Ok(()))));
            }
        });
        assert_eq!(site.rows(), 0);
    }

    /// One of the processes of the test below, which names the file and the one to write to.
    #[test]
    #[ignore = "run by processes_cannot_pass_together"]
    fn a_process_of_its_own() {
        let variable = |name: &str| PathBuf::from(std::env::var_os(name).unwrap());
        let throttle = made(&variable("THROTTLE_FILE"), Makes::File(SCHEMA), ["5/5m", "50/5m"]);
        let admit = || throttle.admit("alice", HERE, START).unwrap();
        let admitted = (0..20).filter(|_| matches!(admit(), Admission::Admitted(_))).count();
        fs::write(variable("THROTTLE_SAID"), admitted.to_string()).unwrap();
    }

    #[test]
    fn processes_cannot_pass_together() {
        let site = Site::new();
        let said = |i: usize| site.dir.path().join(format!("said{i}"));
        let start = |i| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "accounts::throttle::tests::a_process_of_its_own", "--ignored"])
                .env("THROTTLE_FILE", site.path())
                .env("THROTTLE_SAID", said(i))
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        };
        let children: Vec<_> = (0..4).map(start).collect();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        let admitted = |i| fs::read_to_string(said(i)).unwrap().parse::<u32>().unwrap();
        assert_eq!((0..4).map(admitted).sum::<u32>(), 5);
        assert_eq!(site.succeeds("alice", HERE, START), Err(300));
    }

    #[test]
    fn two_connections_that_make_a_file_at_once_both_work() {
        for _ in 0..20 {
            let dir = tempfile::tempdir().unwrap();
            let open = || made(&dir.path().join("t"), Makes::File(SCHEMA), ["5/5m", "50/5m"]);
            let throttles = [open(), open(), open(), open()];
            let together = Barrier::new(4);
            let admitted: usize = std::thread::scope(|scope| {
                let admit = |throttle: &Throttle| {
                    together.wait();
                    throttle.admit("alice", HERE, START).map(|a| is_admitted(&a))
                };
                let threads: Vec<_> = throttles.iter().map(|t| scope.spawn(move || admit(t))).collect();
                threads.into_iter().map(|thread| usize::from(thread.join().unwrap().unwrap())).sum()
            });
            assert_eq!(admitted, 4);
        }
    }

    fn is_admitted(admission: &Admission<'_>) -> bool {
        matches!(admission, Admission::Admitted(_))
    }

    #[test]
    fn the_file_is_made_for_its_owner_only_in_a_folder_that_is_there() {
        let site = Site::new();
        assert!(site.throttle.list(START).unwrap().is_empty());
        assert_eq!(site.throttle.clear(&Whose::Everybody).unwrap(), 0);
        assert!(!site.path().exists(), "looking makes no file");
        assert_eq!(site.fails("alice", HERE, START), Ok(()));
        for name in ["throttle", "throttle-wal", "throttle-shm"] {
            let mode = fs::metadata(site.dir.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        let nowhere = made(&site.dir.path().join("no/throttle"), Makes::File(SCHEMA), ["5/5m", "50/5m"]);
        let said = nowhere.admit("alice", HERE, START).err().unwrap().to_string();
        assert!(said.contains("throttle: ") && said.contains("no/throttle: cannot be made: No such"), "{said}");
    }

    #[test]
    fn no_name_stands_in_the_file() {
        let site = Site::new();
        assert_eq!(site.fails("Secret-Name", ip("2001:db8:1:2:3:4:5:6"), START), Ok(()));
        for name in ["throttle", "throttle-wal"] {
            let bytes = fs::read(site.dir.path().join(name)).unwrap();
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            assert!(!text.contains("secret-name"), "{name}");
        }
        let keys: Vec<_> = site.throttle.list(START).unwrap().into_iter().map(|(counter, _)| counter.key).collect();
        assert!(keys[0].len() == 32 && keys[1] == "2001:db8:1:2::/64", "{keys:?}");
    }

    #[test]
    fn a_store_that_is_down_is_an_error_and_never_an_admission() {
        let said = |throttle: &Throttle| match throttle.admit("alice", HERE, START) {
            Err(Error::Store(text)) => text,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("admitted or refused"),
        };
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            fs::write(dir.path().join(name), bytes).unwrap();
            made(&dir.path().join(name), Makes::File(SCHEMA), ["5/5m", "50/5m"])
        };
        assert!(said(&file("corrupt", &[b'x'; 4096])).contains("not a database"));
        // A form of the file that this SQLite may read and not write (byte 18, "file format write version").
        let site = Site::new();
        assert_eq!(site.fails("alice", HERE, START), Ok(()));
        drop(site.throttle);
        let mut bytes = fs::read(site.dir.path().join("throttle")).unwrap();
        bytes[18] = 3;
        assert!(said(&file("read-only", &bytes)).contains("readonly"));
        fs::create_dir(dir.path().join("folder")).unwrap();
        assert!(said(&made(&dir.path().join("folder"), Makes::File(SCHEMA), ["5/5m", "50/5m"])).contains("unable"));
        let database = made(&dir.path().join("missing"), Makes::Tables(SCHEMA), ["5/5m", "50/5m"]);
        assert!(said(&database).contains("unable"));
        assert!(!dir.path().join("missing").exists(), "a database is never made");
    }

    /// One that does not wait for locks.
    fn impatient(path: &Path) -> Throttle {
        let rate = Rate::parse("5/5m").unwrap();
        let (path, makes) = (path.to_owned(), Makes::File(SCHEMA));
        let store = Settings { path, timeout: Duration::ZERO, mmap_size: 0, makes };
        Throttle::new(store, rate, rate, DigestKey::labelled(b"secret", b"accounts"))
    }

    #[test]
    fn a_file_that_another_reads_while_its_journal_should_change_is_read_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("throttle");
        let other = Connection::open(&path).unwrap();
        other.execute_batch(SCHEMA).unwrap();
        other.execute_batch("BEGIN; SELECT count(*) FROM authchain_throttle").unwrap();
        assert!(impatient(&path).list(START).unwrap().is_empty());
    }

    #[test]
    fn a_locked_store_is_an_error_for_the_attempt_and_for_its_success() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("throttle");
        let throttle = impatient(&path);
        let Admission::Admitted(attempt) = throttle.admit("alice", HERE, START).unwrap() else { panic!() };
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let is_locked = |error: Error| error.to_string().contains("throttle: database is locked");
        assert!(is_locked(throttle.admit("bob", None, START).err().unwrap()));
        assert!(is_locked(attempt.take_back().unwrap_err()));
        other.execute_batch("ROLLBACK").unwrap();
        let counts: Vec<_> = throttle.list(START).unwrap().iter().map(|(counter, _)| counter.count).collect();
        assert_eq!(counts, [1, 1], "it stays counted");
    }

    #[test]
    fn a_row_of_another_form_is_an_error() {
        let site = Site::new();
        assert_eq!(site.fails("alice", HERE, START), Ok(()));
        let other = Connection::open(site.path()).unwrap();
        for damage in ["count = -1", "count = 'x'", "count = 1e300", "until = 'x'", "until = 0.5"] {
            other.execute_batch(&format!("UPDATE authchain_throttle SET {damage}")).unwrap();
            assert!(site.throttle.admit("alice", HERE, START).is_err(), "{damage}");
            other
                .execute_batch(&format!("UPDATE authchain_throttle SET count = 1, until = {}", START + SECOND))
                .unwrap();
        }
        other.execute_batch("DROP TABLE authchain_throttle").unwrap();
        assert!(site.throttle.admit("alice", HERE, START).is_err());
    }

    #[test]
    fn a_file_that_was_taken_away_is_made_anew_by_the_next_connection() {
        let site = Site::new();
        assert_eq!(site.fails("alice", HERE, START), Ok(()));
        fs::remove_file(site.path()).unwrap();
        let again = made(&site.path(), Makes::File(SCHEMA), ["5/5m", "50/5m"]);
        assert!(is_admitted(&again.admit("alice", HERE, START).unwrap()));
        assert!(site.path().exists());
    }

    #[test]
    fn in_the_database_there_is_one_table_more_and_nothing_else_changes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let django = Connection::open(&path).unwrap();
        django.execute_batch("CREATE TABLE auth_user (id integer)").unwrap();
        let throttle = made(&path, Makes::Tables(SCHEMA), ["1/5m", "50/5m"]);
        assert!(is_admitted(&throttle.admit("alice", HERE, START).unwrap()));
        assert!(!is_admitted(&throttle.admit("alice", HERE, START).unwrap()));
        // A connection shows the mode that it found when it last read.
        let mode: String =
            Connection::open(&path).unwrap().query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "delete");
        let tables = "SELECT group_concat(name) FROM sqlite_master WHERE type = 'table'";
        let tables: String = django.query_row(tables, [], |row| row.get(0)).unwrap();
        assert_eq!(tables, "auth_user,authchain_throttle");
    }

    #[test]
    fn an_ipv6_network_of_64_bits_is_one_address() {
        let site = Site::with(["5/5m", "1/5m"]);
        assert_eq!(site.fails("a", ip("2001:db8::1"), START), Ok(()));
        assert_eq!(site.fails("b", ip("2001:db8::ffff:0:0:2"), START), Err(300));
        assert_eq!(site.fails("b", ip("2001:db8:0:1::1"), START), Ok(()));
    }

    #[test]
    fn spellings_of_a_name_share_a_counter() {
        let site = Site::with(["1/5m", "50/5m"]);
        for (first, others) in [
            ("alice", &["ALICE", "Alice", "\u{ff21}lice", "\u{24d0}lice"][..]),
            ("j\u{f6}rg", &["jo\u{308}rg", "J\u{d6}RG", "JO\u{308}RG"]),
            ("stra\u{df}e", &["STRASSE", "strasse", "stra\u{1e9e}e"]),
            ("\u{3c3}\u{3bf}\u{3c6}\u{3cc}\u{3c2}", &["\u{3a3}\u{39f}\u{3a6}\u{38c}\u{3a3}"]),
            ("", &[]),
        ] {
            assert_eq!(site.fails(first, None, START), Ok(()), "{first}");
            for other in others {
                assert_eq!(site.fails(other, None, START), Err(300), "{other}");
            }
        }
        for different in ["alic", "alice ", "alice\0", "jorg"] {
            assert_eq!(site.fails(different, None, START), Ok(()), "{different:?}");
        }
    }

    #[test]
    fn clearing_forgets_whose_it_is_told_to() {
        let site = Site::with(["1/5m", "2/5m"]);
        let fail = |name: &str| site.fails(name, HERE, START);
        assert_eq!((fail("alice"), fail("alice"), fail("bob")), (Ok(()), Err(300), Ok(())));
        assert_eq!(site.throttle.clear(&Whose::Account("nobody")).unwrap(), 0);
        assert_eq!(site.throttle.clear(&Whose::Account("ALICE")).unwrap(), 1);
        assert_eq!(fail("alice"), Err(300), "the address is still refused");
        assert_eq!(site.throttle.clear(&Whose::Address(HERE.unwrap())).unwrap(), 1);
        assert_eq!((fail("alice"), fail("bob")), (Ok(()), Err(300)));
        assert_eq!(site.throttle.clear(&Whose::Everybody).unwrap(), 3);
        assert_eq!((fail("alice"), fail("bob")), (Ok(()), Ok(())));
    }

    #[test]
    fn the_list_says_who_is_refused_and_leaves_out_what_is_past() {
        let site = Site::with(["2/10s", "3/100s"]);
        for name in ["alice", "alice", "bob"] {
            assert_eq!(site.fails(name, HERE, START), Ok(()));
        }
        let refuses = |now_us| -> Vec<_> {
            let counters = site.throttle.list(now_us).unwrap();
            counters.into_iter().map(|(c, refuses)| (c.kind.name(), c.count, refuses)).collect()
        };
        let mut now = refuses(START);
        now.sort_unstable();
        assert_eq!(now, [("account", 1, false), ("account", 2, true), ("address", 3, true)]);
        assert_eq!(refuses(START + 10 * SECOND), [("address", 3, true)]);
        assert_eq!(refuses(START + 100 * SECOND), []);
    }

    #[test]
    fn rows_do_not_grow_beyond_a_window() {
        let site = Site::with(["5/5m", "1/5m"]);
        let spray = |from: i64, n: i64| {
            for i in from..from + n {
                let address = IpAddr::V4(std::net::Ipv4Addr::from(u32::try_from(i).unwrap()));
                assert_eq!(site.fails(&format!("user{i}"), Some(address), START + i * SECOND), Ok(()));
            }
        };
        spray(0, 2000); // one a second: 300 seconds hold 300 names and 300 addresses
        assert!((600..=610).contains(&site.rows()), "{}", site.rows());
        spray(10_000, 75); // long after; each takes eight of the old along
        assert!((150..=160).contains(&site.rows()), "{}", site.rows());
    }

    #[test]
    fn a_clock_that_ran_ahead_keeps_nobody_out() {
        let site = Site::new();
        for _ in 0..5 {
            assert_eq!(site.fails("alice", HERE, START + 86_400 * SECOND), Ok(()));
        }
        assert_eq!(site.fails("alice", HERE, START), Ok(()));
        // A little ahead is another thread or process, and counts.
        for _ in 0..4 {
            assert_eq!(site.fails("alice", HERE, START - SECOND), Ok(()));
        }
        assert_eq!(site.fails("alice", HERE, START - SECOND), Err(301));
        for extreme in [i64::MIN, -1, 0, i64::MAX] {
            assert!(site.throttle.admit("bob", HERE, extreme).is_ok(), "{extreme}");
        }
    }

    /// `cargo test --release --lib time_of_an_attempt -- --ignored --nocapture`
    #[test]
    #[ignore = "measures"]
    #[allow(clippy::print_stdout)]
    fn time_of_an_attempt() {
        let site = Site::with(["1000000/5m", "1000000/5m"]);
        let time = |what: &str, f: &dyn Fn(i64)| {
            f(0);
            let start = Instant::now();
            (1..=5000).for_each(f);
            println!("{what}: {:.1} µs", start.elapsed().as_secs_f64() * 1e6 / 5000.0);
        };
        time("admit and success", &|i| assert_eq!(site.succeeds("alice", HERE, START + i), Ok(())));
        time("admit, one name", &|i| assert_eq!(site.fails("alice", HERE, START + i), Ok(())));
        time("admit, random names", &|i| assert_eq!(site.fails(&format!("user{i}"), HERE, START + i), Ok(())));
        let strict = Site::with(["1/5m", "1/5m"]);
        assert_eq!(strict.fails("alice", HERE, START), Ok(()));
        time("refusal", &|i| assert!(strict.fails("alice", HERE, START + i).is_err()));
        let many = Instant::now();
        for i in 0..100_000_u32 {
            let address = Some(IpAddr::V4(std::net::Ipv4Addr::from(i)));
            assert_eq!(site.fails(&format!("name{i}"), address, START), Ok(()));
        }
        println!(
            "100,000 names and addresses: {:?}, {} bytes",
            many.elapsed(),
            fs::metadata(site.path()).unwrap().len()
        );
        time("admit and success then", &|i| assert_eq!(site.succeeds("alice", HERE, START + i), Ok(())));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Both halves of the promise, whatever the order of failures, successes and pauses.
        #[test]
        fn at_most_twice_the_limit_fails_within_a_window_and_nobody_is_refused_without_failures(
            steps in prop::collection::vec((0..3_usize, 0..4_i64, any::<bool>()), 1..60)
        ) {
            let site = Site::with(["3/10s", "1000/1s"]);
            let mut failures: HashMap<usize, Vec<i64>> = HashMap::new();
            let mut now = START;
            for (who, pause, right) in steps {
                now += pause * SECOND;
                let mine = failures.entry(who).or_default();
                let recent = mine.iter().filter(|at| **at > now - 10 * SECOND).count();
                let name = format!("user{who}");
                match if right { site.succeeds(&name, HERE, now) } else { site.fails(&name, HERE, now) } {
                    Ok(()) if right => {}
                    Ok(()) => mine.push(now),
                    Err(wait) => prop_assert!(recent >= 3 && (1..=10).contains(&wait), "{recent} {wait}"),
                }
                let recent = mine.iter().filter(|at| **at > now - 10 * SECOND).count();
                prop_assert!(recent <= 6, "{recent}");
            }
        }
    }
}
