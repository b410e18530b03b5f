//! Gives the shared library its SONAME (0.2.5 is libauthchain.so.0.2, 3.1.4 is libauthchain.so.3)
//! and refuses to link it with a symbol missing, which would otherwise show at dlopen only.

use std::env::var;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let version = |part| var(format!("CARGO_PKG_VERSION_{part}")).unwrap_or_default();
    let (major, minor) = (version("MAJOR"), version("MINOR"));
    let number = if major == "0" { format!("0.{minor}") } else { major };
    if var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libauthchain.so.{number}");
        // A fuzzing build has the sanitizer's symbols in the program only.
        if var("CARGO_CFG_FUZZING").is_err() {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-z,defs");
        }
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
