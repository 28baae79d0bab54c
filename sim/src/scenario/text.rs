//! The text of bytes in a line: as they are, but for what would not come back.
//!
//! A backslash is `\\`; a line break `\n`, a carriage return `\r`, a tab `\t`; any other byte that is no printable text
//! `\xNN`. In a [`word`] a blank is `\s`, and no bytes at all are `\0`; at the [`rest`] of a line it is so at both ends.

use std::fmt::Write;

/// Bytes as one word.
pub(super) fn word(bytes: &[u8]) -> String {
    if bytes.is_empty() { "\\0".to_string() } else { escape(bytes, |_| true) }
}

/// Bytes as the rest of a line.
pub(super) fn rest(bytes: &[u8]) -> String {
    let last = bytes.len().saturating_sub(1);
    escape(bytes, |place| place == 0 || place == last)
}

/// Escapes; blanks at these places, too.
fn escape(bytes: &[u8], blank_at: impl Fn(usize) -> bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut place = 0;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                ' ' if blank_at(place) => text.push_str("\\s"),
                c if c != ' ' && (c.is_control() || c.is_whitespace()) => {
                    c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| hex(&mut text, byte));
                }
                c => text.push(c),
            }
            place += c.len_utf8();
        }
        for byte in chunk.invalid() {
            hex(&mut text, *byte);
            place += 1;
        }
    }
    text
}

fn hex(text: &mut String, byte: u8) {
    write!(text, "\\x{byte:02x}").expect("text grows");
}

/// The bytes that [`word`] or [`rest`] wrote; `None`: nothing that they write.
pub(super) fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('\\');
    bytes.extend_from_slice(parts.next()?.as_bytes());
    while let Some(part) = parts.next() {
        // A backslash of its own parts the text twice: what is between is empty.
        let Some(kind) = part.chars().next() else {
            bytes.push(b'\\');
            bytes.extend_from_slice(parts.next()?.as_bytes());
            continue;
        };
        let mut after = &part[kind.len_utf8()..];
        match kind {
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            's' => bytes.push(b' '),
            '0' => {}
            'x' => {
                bytes.push(u8::from_str_radix(after.get(..2)?, 16).ok()?);
                after = after.get(2..)?;
            }
            _ => return None,
        }
        bytes.extend_from_slice(after.as_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_print_so_that_they_come_back() {
        for bytes in [
            &b""[..],
            b" ",
            b"\\",
            b"\\\\n",
            b"  two  words ",
            b"a\nb\r\n\tc",
            b"\xff\xfe\x00x",
            "\u{85}é\u{2028}\u{a0}".as_bytes(),
            br#"{"KillProcess":"a:b:c"}"#,
        ] {
            for text in [word(bytes), rest(bytes)] {
                assert_eq!(unescape(&text).as_deref(), Some(bytes), "{text}");
                assert_eq!(text.trim(), text);
                assert_eq!(text.lines().count(), usize::from(!text.is_empty()));
            }
            assert_eq!(word(bytes).split_whitespace().count(), 1);
        }
        assert_eq!(rest(br#"tell a {"b":1} "#), r#"tell a {"b":1}\s"#);
    }

    #[test]
    fn what_is_no_such_text_is_refused() {
        for text in ["\\", "a\\", "\\q", "\\x1", "\\xzz", "\\xé", "\\é"] {
            assert_eq!(unescape(text), None, "{text}");
        }
    }
}
