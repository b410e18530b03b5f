//! Python's non-strict base64 (`binascii.a2b_base64` of Python 3.11 with `strict_mode=False`),
//! which is what `BasicAuthentication` decodes with. Every library decoder is stricter, and a
//! stricter one would refuse clients that DRF lets in.

use super::Malformed;

/// Decodes as Python does: bytes outside the alphabet are skipped, a `=` before the third symbol
/// of a group of four is skipped, and decoding stops at the `=` that completes a group.
///
/// # Errors
/// [`Malformed`] when symbols are left over without their padding.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let mut in_group = 0_u8;
    let mut pads = 0_u8;
    let mut rest = 0_u8;
    for &byte in text {
        if byte == b'=' {
            pads += u8::from(in_group >= 2 && pads < 4);
            if in_group >= 2 && in_group + pads >= 4 {
                return Ok(out);
            }
            continue;
        }
        let Some(bits) = symbol(byte) else { continue };
        pads = 0;
        match in_group {
            0 => rest = bits,
            1 => {
                out.push(rest << 2 | bits >> 4);
                rest = bits & 0x0f;
            }
            2 => {
                out.push(rest << 4 | bits >> 2);
                rest = bits & 0x03;
            }
            _ => out.push(rest << 6 | bits),
        }
        in_group = (in_group + 1) % 4;
    }
    if in_group == 0 { Ok(out) } else { Err(Malformed) }
}

/// The six bits of a symbol of RFC 4648 §4.
fn symbol(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use proptest::prelude::*;

    #[test]
    fn decodes_as_python_does() {
        let al = Ok(b"al".to_vec());
        for (text, expected) in [
            ("YWw=", al.clone()),
            ("YWw==", al.clone()),
            ("=YWw=", al.clone()),
            ("YW=w=", al.clone()),
            ("YW-w_=", al.clone()),
            ("YWw=YWw=", al),
            ("YWw", Err(Malformed)),
            ("Y", Err(Malformed)),
            ("Y=", Err(Malformed)),
            ("YW=", Err(Malformed)),
            ("====", Ok(vec![])),
            ("", Ok(vec![])),
            ("!\u{e9}", Ok(vec![])),
        ] {
            assert_eq!(decode(text.as_bytes()), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_a_strict_decoder_accepts_is_decoded_alike(bytes: Vec<u8>) {
            let text = ::base64::engine::general_purpose::STANDARD.encode(&bytes);
            prop_assert_eq!(decode(text.as_bytes()), Ok(bytes));
        }

        #[test]
        fn decode_never_panics(text: Vec<u8>) {
            let _ = decode(&text);
        }
    }
}
