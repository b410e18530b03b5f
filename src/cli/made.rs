//! Files that a subcommand makes: all of them or none, and never over something that is there.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::output::Failure;
use crate::sys::file::reason;

/// What was made so far; removed when dropped, unless [`Made::keep`] was called.
#[derive(Default)]
pub(super) struct Made {
    files: Vec<PathBuf>,
    folder: Option<PathBuf>,
}

impl Made {
    /// Makes a folder that only its owner can write to, if there is none; its parent must be there.
    pub(super) fn folder(&mut self, path: &Path) -> Result<(), Failure> {
        match DirBuilder::new().mode(0o755).create(path) {
            Ok(()) => self.folder = Some(path.to_owned()),
            Err(_) if path.is_dir() => {}
            Err(e) => return Err(format!("{}: {}", path.display(), reason(&e)).into()),
        }
        Ok(())
    }

    /// Makes a file; one that is there, a link too, is an error.
    pub(super) fn file(&mut self, path: &Path, mode: u32, text: &str) -> Result<(), Failure> {
        let made = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
        let mut file = made.map_err(|e| match e.kind() {
            ErrorKind::AlreadyExists => exists(path),
            _ => format!("{}: {}", path.display(), reason(&e)),
        })?;
        self.files.push(path.to_owned());
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|e| format!("{}: {}", path.display(), reason(&e)))?;
        Ok(())
    }

    /// Claims the name of a file that somebody else will make and may remove.
    pub(super) fn claim(&mut self, path: &Path) -> Result<(), Failure> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(exists(path).into());
        }
        self.files.push(path.to_owned());
        Ok(())
    }

    /// All went well.
    pub(super) fn keep(mut self) {
        self.files.clear();
        self.folder = None;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // What cannot be removed stays; the error that brought us here is the one to report.
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir(folder);
        }
    }
}

fn exists(path: &Path) -> String {
    format!("{} exists already (nothing is overwritten: move it away, or choose another place)", path.display())
}
