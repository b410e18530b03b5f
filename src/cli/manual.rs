//! `authchain completions` and `authchain man`: hidden, for those who make packages.

use std::path::PathBuf;

use super::output::{self, Outcome};
use crate::sys::file::reason;

/// For which shell.
#[derive(clap::Args)]
pub(super) struct Completions {
    /// The shell
    shell: clap_complete::Shell,
}

/// Where to.
#[derive(clap::Args)]
pub(super) struct Man {
    /// The folder, one page a subcommand; without one authchain(1) goes to standard output
    dir: Option<PathBuf>,
}

/// Prints the completions.
pub(super) fn completions(args: &Completions) -> Outcome {
    let mut made = Vec::new();
    clap_complete::generate(args.shell, &mut super::table(), "authchain", &mut made);
    output::print(String::from_utf8_lossy(&made).trim_end())
}

/// Prints or writes the manual.
pub(super) fn man(args: &Man) -> Outcome {
    if let Some(dir) = &args.dir {
        let written = clap_mangen::generate_to(super::table(), dir);
        return written.map_err(|e| format!("{}: {}", dir.display(), reason(&e)).into());
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(super::table()).render(&mut page).map_err(|e| e.to_string())?;
    output::print(String::from_utf8_lossy(&page).trim_end())
}
