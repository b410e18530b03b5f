//! Sessions in files, as Django's `file` engine keeps them: one file a session, named by the
//! cookie's name and the key, holding the signed payload.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use crate::error::Error;

/// A folder of sessions.
#[derive(Debug, Clone)]
pub(crate) struct SessionFiles {
    /// Django's SESSION_FILE_PATH.
    pub folder: PathBuf,
    /// Django's SESSION_COOKIE_NAME.
    pub prefix: String,
}

/// The content of a file.
pub(crate) struct SessionFile {
    /// The signed payload.
    pub data: String,
    /// When it was last written, in Unix microseconds.
    pub modified_us: i64,
}

impl SessionFiles {
    /// The session of a key; `None` when there is none, or the key could name another file.
    pub(crate) fn read(&self, key: &str) -> Result<Option<SessionFile>, Error> {
        let Some(path) = self.path(key) else { return Ok(None) };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(&e)),
        };
        let modified = file.metadata().and_then(|meta| meta.modified()).map_err(|e| failed(&e))?;
        let mut data = String::new();
        match file.take(LARGEST).read_to_string(&mut data) {
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::InvalidData => data.clear(), // no signature is valid
            Err(e) => return Err(failed(&e)),
        }
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Some(SessionFile { data, modified_us: i64::try_from(since.as_micros()).unwrap_or(i64::MAX) }))
    }

    /// Makes a file. False: the key is taken.
    pub(crate) fn create(&self, key: &str, data: &str) -> Result<bool, Error> {
        let Some(path) = self.path(key) else { return Err(Error::Invalid("the key of a session")) };
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => file.write_all(data.as_bytes()).map(|()| true).map_err(|e| failed(&e)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(e) => Err(failed(&e)),
        }
    }

    /// Replaces a file as a whole: who reads meanwhile sees the old one or the new one. False:
    /// there is none.
    pub(crate) fn replace(&self, key: &str, data: &str, random: &str) -> Result<bool, Error> {
        let Some(path) = self.path(key) else { return Ok(false) };
        if !path.exists() {
            return Ok(false);
        }
        let aside = self.folder.join(format!("{}{random}.new", self.prefix));
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside).map_err(|e| failed(&e))?;
        let written = file.write_all(data.as_bytes()).and_then(|()| fs::rename(&aside, &path));
        if let Err(e) = written {
            let _ = fs::remove_file(&aside); // the first error is the one to report
            return Err(failed(&e));
        }
        Ok(true)
    }

    /// Removes a file. False: there is none.
    pub(crate) fn delete(&self, key: &str) -> Result<bool, Error> {
        let Some(path) = self.path(key) else { return Ok(false) };
        match fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(failed(&e)),
        }
    }

    /// The keys of all files.
    pub(crate) fn keys(&self) -> Result<Vec<String>, Error> {
        let mut keys = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(|e| failed(&e))? {
            let name = entry.map_err(|e| failed(&e))?.file_name();
            let key = name.to_str().and_then(|name| name.strip_prefix(&self.prefix));
            keys.extend(key.filter(|key| self.path(key).is_some()).map(str::to_owned));
        }
        Ok(keys)
    }

    /// Only characters that Django's keys have, so that none leads out of the folder.
    fn path(&self, key: &str) -> Option<PathBuf> {
        let fits =
            (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        fits.then(|| self.folder.join(format!("{}{key}", self.prefix)))
    }
}

fn failed(error: &io::Error) -> Error {
    Error::Store(format!("session files: {}", crate::sys::file::reason(error)))
}

const LARGEST: u64 = 1 << 20;
/// Django's keys have 32; a longer name than this is none of a file.
const LONGEST_KEY: usize = 128;
