//! zlib streams (RFC 1950) from one piece of memory into another.

use zlib_rs::{DeflateConfig, InflateConfig, ReturnCode, compress_bound, compress_slice, decompress_slice};

use super::Malformed;

/// Deflates with Python's default level. `None` only when memory is short.
pub(super) fn deflate(plain: &[u8]) -> Option<Vec<u8>> {
    let mut room = vec![0; compress_bound(plain.len())];
    let (deflated, code) = compress_slice(&mut room, plain, DeflateConfig::default());
    let length = deflated.len();
    room.truncate(length);
    (code == ReturnCode::Ok).then_some(room)
}

/// Inflates up to `most` bytes. What follows the stream is not looked at, as in Python's
/// `zlib.decompress` of a signed text (Django).
pub(super) fn inflate(deflated: &[u8], most: usize) -> Result<Vec<u8>, Malformed> {
    let mut size = (deflated.len() * 4).max(256).min(most);
    loop {
        let mut room = vec![0; size];
        let (plain, code) = decompress_slice(&mut room, deflated, InflateConfig::default());
        let length = plain.len();
        match code {
            ReturnCode::Ok => {
                room.truncate(length);
                return Ok(room);
            }
            ReturnCode::BufError if size < most => size = (size * 4).min(most),
            _ => return Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_deflated_comes_back_up_to_the_limit() {
        for length in [0, 1, 255, 256, 257, 100_000] {
            let plain: Vec<u8> = (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect();
            let deflated = deflate(&plain).unwrap();
            assert_eq!(inflate(&deflated, 100_000).as_deref(), Ok(&plain[..]), "{length}");
            assert_eq!(inflate(&deflated, length).as_deref(), Ok(&plain[..]), "{length}");
            assert!(length < 2 || inflate(&deflated, length - 1).is_err(), "{length}");
        }
    }

    #[test]
    fn a_stream_that_is_cut_off_or_changed_is_malformed() {
        let deflated = deflate(b"a session of a few hundred bytes, of a few hundred bytes").unwrap();
        for end in 0..deflated.len() {
            assert!(inflate(&deflated[..end], 1000).is_err(), "{end}");
        }
        let mut wrong = deflated.clone();
        *wrong.last_mut().unwrap() ^= 1; // the checksum
        assert!(inflate(&wrong, 1000).is_err());
        assert!(inflate(&[&deflated[..], b"rest"].concat(), 1000).is_ok());
    }
}
