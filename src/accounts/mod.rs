//! What is done with users and their credentials, for whoever asks: schemes, the C ABI, the
//! command. No HTTP here.

pub(crate) mod assertion;
pub(crate) mod durin;
pub(crate) mod jwt;
pub(crate) mod knox;
pub(crate) mod passwords;
pub(crate) mod requests;
pub(crate) mod secret;
pub(crate) mod sessions;
pub(crate) mod signing;
pub(crate) mod throttle;
pub(crate) mod tokens;
pub(crate) mod users;

#[cfg(feature = "cli")]
use crate::error::Error;

/// Removes rows by as many as one transaction may take, until there are none; how many there were.
#[cfg(feature = "cli")]
fn in_parts(mut remove: impl FnMut(u32) -> Result<usize, Error>) -> Result<usize, Error> {
    let mut all = 0;
    loop {
        let removed = remove(PURGED_AT_ONCE)?;
        all += removed;
        if removed == 0 {
            return Ok(all);
        }
    }
}

#[cfg(feature = "cli")]
const PURGED_AT_ONCE: u32 = 1000;
