//! Safe wrappers over libc: the only room besides `capi` that may say `unsafe`.

pub(crate) mod clock;
pub(crate) mod environment;
pub(crate) mod file;
pub(crate) mod fork;
pub(crate) mod latch;
pub(crate) mod plugin;
pub(crate) mod session;
#[cfg(feature = "cli")]
pub(crate) mod socket;
pub(crate) mod syslog;
#[cfg(feature = "cli")]
pub(crate) mod terminal;
pub(crate) mod thread;
pub(crate) mod turns;
#[cfg(feature = "cli")]
pub(crate) mod user;
