//! Reading a password from the terminal without showing it.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsRawFd;

/// Asks on the controlling terminal; the echo is off while the line is typed.
pub(crate) fn read_password(prompt: &str) -> io::Result<String> {
    let mut tty = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    // Before the prompt: what is typed ahead would be shown, and then thrown away.
    let echo = Echo::off(tty.as_raw_fd())?;
    tty.write_all(prompt.as_bytes())?;
    tty.flush()?;
    let mut line = String::new();
    BufReader::new(&tty).read_line(&mut line)?;
    drop(echo);
    tty.write_all(b"\n")?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// Turns the echo on again when dropped.
struct Echo {
    fd: i32,
    before: libc::termios,
}

impl Echo {
    fn off(fd: i32) -> io::Result<Self> {
        // SAFETY: termios is plain data for which all-zero bytes are valid.
        let mut before: libc::termios = unsafe { std::mem::zeroed() };
        // SAFETY: an open descriptor and a writable termios.
        if unsafe { libc::tcgetattr(fd, &raw mut before) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let mut silent = before;
        silent.c_lflag &= !libc::ECHO;
        // SAFETY: an open descriptor and a valid termios.
        if unsafe { libc::tcsetattr(fd, libc::TCSAFLUSH, &raw const silent) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { fd, before })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // SAFETY: the descriptor outlives this value; a failure leaves nothing to do.
        unsafe { libc::tcsetattr(self.fd, libc::TCSAFLUSH, &raw const self.before) };
    }
}
