//! Requests under a rate: DRF's `SimpleRateThrottle`, whose window slides with every request.
//!
//! The requests that were let through are numbered, and of each key only the last N are kept where N may
//! pass. So the question is about one row, whatever N is: has the N-th last one left the window? Its
//! answer, and the time to wait, are DRF's, who keeps them as a list in Django's cache. A request that is
//! refused is not counted.

use crate::codec::rate::Rate;
use crate::error::Error;
use crate::store::Requests;
use crate::store::tables::requests::Kept;

impl Requests {
    /// Counts a request of a key, or says for how many seconds it is refused.
    pub(crate) fn admit(&self, key: &str, rate: Rate, now_us: i64) -> Result<Result<(), u32>, Error> {
        if rate.most == 0 {
            return Ok(Err(seconds(rate.window_us)));
        }
        self.change(|kept| {
            let last = kept.last(key)?;
            if let Some(seconds) = wait(kept, key, last, rate, now_us)? {
                return Ok(Err(seconds));
            }
            kept.add(key, last + 1, now_us, now_us.saturating_add(rate.window_us))?;
            kept.forget(key, last + 1 - i64::from(rate.most))?;
            kept.sweep(now_us)?;
            Ok(Ok(()))
        })
    }

    /// What a request would be told, which is not counted: no file is made for it.
    pub(crate) fn look(&self, key: &str, rate: Rate, now_us: i64) -> Result<Result<(), u32>, Error> {
        if rate.most == 0 {
            return Ok(Err(seconds(rate.window_us)));
        }
        if !self.is_there() {
            return Ok(Ok(()));
        }
        Ok(self.read(|kept| wait(kept, key, kept.last(key)?, rate, now_us))?.map_or(Ok(()), Err))
    }
}

/// For how many seconds the next request of a key is refused after number `last`.
fn wait(kept: &Kept<'_>, key: &str, last: i64, rate: Rate, now_us: i64) -> Result<Option<u32>, Error> {
    let until = |at_us: i64| at_us.saturating_add(rate.window_us);
    let oldest = kept.at(key, last - i64::from(rate.most) + 1)?;
    // One from the future was counted under another clock, which must not keep anybody out.
    let oldest = oldest.filter(|at| *at <= until(now_us) && until(*at) > now_us);
    Ok(oldest.map(|oldest| seconds(until(oldest).saturating_sub(now_us))))
}

/// Rounded up (DRF's `Throttled`).
fn seconds(us: i64) -> u32 {
    u32::try_from(u64::try_from(us).unwrap_or(0).div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::*;
    use crate::store::tables::requests::SCHEMA;
    use crate::store::{Makes, Settings};

    const START: i64 = 1_700_000_000_000_000;
    const SECOND: i64 = 1_000_000;

    fn requests(dir: &tempfile::TempDir) -> Requests {
        let path = dir.path().join("requests");
        let timeout = Duration::from_secs(60);
        Requests::new(Settings { path, timeout, mmap_size: 0, makes: Makes::File(SCHEMA) })
    }

    #[test]
    fn the_window_slides_with_every_request() {
        let dir = tempfile::tempdir().unwrap();
        let (requests, rate) = (requests(&dir), Rate::of_drf("2/m").unwrap());
        let ask = |key: &str, seconds: i64| requests.admit(key, rate, START + seconds * SECOND).unwrap();
        assert_eq!((ask("a", 0), ask("a", 40)), (Ok(()), Ok(())));
        assert_eq!((ask("a", 41), ask("b", 41), ask("a", 59)), (Err(19), Ok(()), Err(1)));
        assert_eq!((ask("a", 60), ask("a", 61), ask("a", 100)), (Ok(()), Err(39), Ok(())));
    }

    #[test]
    fn of_each_key_as_many_rows_are_kept_as_may_pass() {
        let dir = tempfile::tempdir().unwrap();
        let requests = requests(&dir);
        for i in 0..500 {
            let rate = Rate::of_drf(if i % 2 == 0 { "3/s" } else { "5/s" }).unwrap();
            requests.admit("one", rate, START + i * SECOND).unwrap().unwrap();
            requests.admit(&format!("key {i}"), rate, START + i * SECOND).unwrap().unwrap();
        }
        let rows: i64 = Connection::open(dir.path().join("requests"))
            .unwrap()
            .query_row("SELECT count(*) FROM authchain_requests", [], |row| row.get(0))
            .unwrap();
        assert!(rows <= 12, "{rows}");
    }

    #[test]
    fn a_clock_that_ran_ahead_keeps_nobody_out() {
        let dir = tempfile::tempdir().unwrap();
        let (requests, rate) = (requests(&dir), Rate::of_drf("1/m").unwrap());
        assert_eq!(requests.admit("a", rate, START + 86_400 * SECOND).unwrap(), Ok(()));
        assert_eq!(requests.admit("a", rate, START).unwrap(), Ok(()));
        assert_eq!(requests.admit("a", rate, START).unwrap(), Err(60));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// DRF's own way: a list of the moments within the window.
        #[test]
        fn the_answer_is_that_of_a_list(most in 0..5_usize, pauses in prop::collection::vec(0..20_000_000_i64, 1..60)) {
            let dir = tempfile::tempdir().unwrap();
            let (requests, rate) = (requests(&dir), Rate::of_drf(&format!("{most}/min")).unwrap());
            let (mut list, mut now) = (VecDeque::new(), START);
            for pause in pauses {
                now += pause;
                while list.back().is_some_and(|at| *at <= now - 60 * SECOND) {
                    list.pop_back();
                }
                let expected = if list.len() >= most {
                    let left = list.back().map_or(60 * SECOND, |oldest| 60 * SECOND - (now - oldest));
                    Err(u32::try_from(left.cast_unsigned().div_ceil(1_000_000)).unwrap())
                } else {
                    list.push_front(now);
                    Ok(())
                };
                prop_assert_eq!(requests.admit("key", rate, now).unwrap(), expected);
            }
        }
    }
}
