//! authchain: PAM for HTTP. One chain of authentication schemes over a Django-compatible database.
//!
//! The C ABI in `capi` (include/authchain.h) is the product; the Rust API is for the command and
//! the tests. Rooms and what each may know: tests/layers.rs.

// What only the command uses.
#![cfg_attr(not(feature = "cli"), allow(dead_code))]

#[allow(unsafe_code)]
pub mod capi;
#[cfg(feature = "cli")]
pub mod cli;

pub mod codec;
pub mod error;
pub mod options;
pub mod request;

mod accounts;
mod body;
mod chain;
mod config;
mod context;
mod csrf;
mod ctx;
mod edits;
mod endpoints;
mod exchange;
mod keys;
mod live;
mod log;
mod route;
mod schemes;
mod site;
mod store;
#[allow(unsafe_code)]
mod sys;
mod targets;
mod verdict;

/// docs/config.md, for the test that compares it with the committed file.
#[doc(hidden)]
pub fn config_manual() -> String {
    config::manual::markdown()
}
