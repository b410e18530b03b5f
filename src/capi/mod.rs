//! The C ABI: include/authchain.h is made from this folder, in this order. All `unsafe` of the
//! crate but libc's stands here; every function guards against panics and checks its pointers, and
//! nothing else happens in this room.
//!
//! Comments on items without a leading underscore are the C reference: they are written for C
//! programmers.

#![allow(non_camel_case_types)]
// The header is the contract: what a caller must do stands in its preamble and at each function.
#![allow(clippy::missing_safety_doc)]

mod input;
mod output;

pub mod status;

pub mod library;

pub mod report;

pub mod context;

pub mod metrics;

pub mod request;

pub mod response;

pub mod edits;

pub mod assertion;

pub mod user;

pub mod claims;

pub mod token;

pub mod account;

pub mod session;

pub mod signing;

pub mod scheme;

pub mod settings;

pub mod plugin;

use std::panic::{AssertUnwindSafe, catch_unwind};

use status::auth_status;

/// Runs `f`; a panic becomes `AUTH_EPANIC`, and the host goes on.
fn guard(f: impl FnOnce() -> auth_status) -> auth_status {
    guard_or(auth_status::AUTH_EPANIC, f)
}

/// Runs `f`; a panic becomes `otherwise`.
fn guard_or<R>(otherwise: R, f: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(|| {
        #[cfg(feature = "panic-switch")]
        status::panic_if_told();
        f()
    }))
    .unwrap_or(otherwise)
}
