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
