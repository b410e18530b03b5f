//! What a scheme may use, passed down by reference: nothing here is global, so a test can set
//! every part of it.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::codec::datetime;
use crate::codec::password::Hashers;
use crate::error::Error;
use crate::site::Site;
use crate::store::{Db, Requests, Throttle, TokensTable, UsersTable};
use crate::sys::clock;
use crate::sys::turns::{Turn, Turns};

/// What becomes of a rate that the requests of a user are under.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rates {
    /// It holds, and the request counts.
    Counted,
    /// It holds, and nothing is written.
    Looked,
    /// It does not hold.
    Off,
}

/// The surroundings of one call.
#[derive(Clone, Copy)]
pub(crate) struct Ctx<'a> {
    pub db: &'a Db,
    pub users: &'a UsersTable,
    pub hashers: &'a Hashers,
    /// Whose turn it is to compute a hash that takes much memory.
    pub turns: &'a Turns,
    /// How long to wait for one.
    pub patience: Duration,
    /// The zone of the datetimes in the database: UTC with Django's USE_TZ.
    pub zone: &'a TimeZone,
    /// Unix time in microseconds that the caller wants it to be; 0 is the clock, which is read only
    /// by who needs it.
    pub at_us: i64,
    /// What is believed of a request.
    pub site: &'a Site,
    /// Whether a login replaces a hash that is not of the preferred kind.
    pub rehash: bool,
    /// Answer as the peers do where we are stricter.
    pub exact: bool,
    /// The brake on guessing passwords; none when it is off.
    pub throttle: Option<&'a Throttle>,
    /// The requests that are under a rate.
    pub requests: &'a Requests,
    /// Whether that rate holds.
    pub rates: Rates,
    /// The tables of which every new user gets a token.
    pub auto_tokens: &'a [Arc<TokensTable>],
    /// Whether inactive users may log in (Django's `AllowAllUsersModelBackend`).
    pub inactive_may_try: bool,
}

impl Ctx<'_> {
    /// The moment of the call in Unix microseconds.
    pub(crate) fn now_us(&self) -> i64 {
        if self.at_us == 0 { clock::now_us() } else { self.at_us }
    }

    /// The same in whole seconds.
    pub(crate) fn now_s(&self) -> i64 {
        self.now_us().div_euclid(1_000_000)
    }

    /// The moment of the call as a clock in the zone of the database shows it.
    pub(crate) fn now_civil(&self) -> Result<DateTime, Error> {
        datetime::civil(self.now_us(), self.zone).map_err(|_| Error::Invalid("a time beyond the year 9999"))
    }

    /// The Unix time, in seconds, of a time of the database.
    pub(crate) fn unix_s(&self, at: DateTime) -> Option<i64> {
        self.zone.to_timestamp(at).ok().map(|moment| moment.as_second())
    }

    /// The moment of the call as Django writes it.
    pub(crate) fn now_text(&self) -> Result<String, Error> {
        self.now_civil().map(datetime::written)
    }

    /// Waits until a hash like `encoded` may be computed, or one of the preferred kind: those that take much
    /// memory have to wait, so that together they take no more than the host has.
    pub(crate) fn turn_to_hash(&self, encoded: Option<&str>) -> Result<Option<Turn<'_>>, Error> {
        if !self.hashers.is_memory_hard(encoded) {
            return Ok(None);
        }
        self.turns.take(self.patience).map(Some).ok_or(Error::Busy)
    }
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}
