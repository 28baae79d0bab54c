//! A body as a person reads it: text in quotes, JSON as it is, with short forms for its long and dull parts.

use serde::de::IgnoredAny;

/// How many letters of a text are shown, and of JSON, whose names take room.
const TEXT_MAX: usize = 60;
const JSON_MAX: usize = 160;
/// JSON of more bytes is shown as text.
const READ_MAX: usize = 1 << 16;
/// Integers and hexadecimal numbers of more digits are names that a machine gave: their ends tell them apart.
const DIGITS_MAX: usize = 13;
const HEX_MAX: usize = 18;

/// A body on one line, cut if it is long.
pub(crate) fn body_text(bytes: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else { return format!("{} bytes", bytes.len()) };
    let is_json = text.starts_with(['{', '[']) && bytes.len() <= READ_MAX;
    if is_json && serde_json::from_str::<IgnoredAny>(text).is_ok() {
        let short = shortened(text);
        return match cut(&short, JSON_MAX) {
            Some(start) => format!("{start}… ({} bytes)", bytes.len()),
            None => short,
        };
    }
    match cut(text, TEXT_MAX) {
        Some(start) => format!("{start:?}… ({} bytes)", bytes.len()),
        None => format!("{text:?}"),
    }
}

/// The start of a text that is longer than `max` letters.
fn cut(text: &str, max: usize) -> Option<&str> {
    text.char_indices().nth(max).map(|(at, _)| &text[..at])
}

/// Valid JSON, part by part: a package id as Kinode writes it elsewhere, a key of bytes as text, and the ends of long
/// numbers. All else stays as it was sent.
fn shortened(json: &str) -> String {
    let (mut text, mut rest) = (String::new(), json);
    while let Some(next) = rest.chars().next() {
        let is_key = text.ends_with("\"key\":") || text.ends_with("\"Get\":");
        let after = if let Some((package, after)) = package_id(rest) {
            text += &package;
            after
        } else if let Some((key, after)) = text_of_bytes(rest).filter(|_| is_key) {
            text += &key;
            after
        } else if let Some((string, after)) = string(rest) {
            text += &short_hex(string).unwrap_or_else(|| string.to_string());
            after
        } else if next.is_ascii_digit() {
            let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
            text += &short_number(digits);
            after
        } else if next.is_control() {
            text.push(' ');
            &rest[1..]
        } else {
            text.push(next);
            &rest[next.len_utf8()..]
        };
        rest = after;
    }
    text
}

/// `{"package_name":"demo","publisher_node":"alice.os"}` is `"demo:alice.os"`.
fn package_id(json: &str) -> Option<(String, &str)> {
    let (package, rest) = string(json.strip_prefix("{\"package_name\":")?)?;
    let (publisher, rest) = string(rest.strip_prefix(",\"publisher_node\":")?)?;
    Some((format!("\"{}:{}\"", unquoted(package), unquoted(publisher)), rest.strip_prefix('}')?))
}

/// `[99,111]` is `b"co"`, if all of it can be printed.
fn text_of_bytes(json: &str) -> Option<(String, &str)> {
    let (list, rest) = json.strip_prefix('[')?.split_once(']')?;
    let bytes: Option<Vec<u8>> = list.split(',').map(|byte| byte.trim().parse().ok()).collect();
    let text = String::from_utf8(bytes?).ok()?;
    let printable = text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    printable.then(|| (format!("b{text:?}"), rest))
}

/// A string with its quotes, and what follows.
fn string(json: &str) -> Option<(&str, &str)> {
    let inner = json.strip_prefix('"')?;
    let mut escaped = false;
    let end = inner.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some(json.split_at(end + 2))
}

fn unquoted(string: &str) -> &str {
    &string[1..string.len() - 1]
}

fn short_number(digits: &str) -> String {
    let ends = digits.len().saturating_sub(4);
    if digits.len() > DIGITS_MAX { format!("…{}", &digits[ends..]) } else { digits.to_string() }
}

/// `"0x5fbd…aa3e"`, of a long hexadecimal number in quotes.
fn short_hex(string: &str) -> Option<String> {
    let digits = unquoted(string).strip_prefix("0x")?;
    let long = digits.len() > HEX_MAX && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    // A number that is mostly noughts says something: it is small.
    let digits = long.then(|| digits.trim_start_matches('0'))?;
    match digits.len() {
        0..=HEX_MAX => Some(format!("\"0x…{digits}\"")),
        length => Some(format!("\"0x{}…{}\"", &digits[..4], &digits[length - 4..])),
    }
}

#[cfg(test)]
mod tests {
    use super::body_text;

    fn of(text: &str) -> String {
        body_text(text.as_bytes())
    }

    #[test]
    fn text_is_quoted_and_cut() {
        assert_eq!(of("add \"1\""), r#""add \"1\"""#);
        assert_eq!(of(&"ü".repeat(61)), format!("\"{}\"… (122 bytes)", "ü".repeat(60)));
        assert_eq!(of("{no json"), "\"{no json\"");
        assert_eq!(of("\"Ok\""), r#""\"Ok\"""#, "a JSON string is not taken for the text in it");
        assert_eq!(body_text(&[0xff, 0xfe]), "2 bytes");
        assert_eq!(of(""), "\"\"");
    }

    #[test]
    fn json_says_what_is_asked_for_before_it_is_cut() {
        let asked = concat!(
            r#"{"package_id":{"package_name":"demo","publisher_node":"alice.os"},"db":"bank","action":{"Write":"#,
            r#"{"statement":"UPDATE accounts SET \"n\" = 1","tx_id":13385303381575882921}}}"#
        );
        let says = concat!(
            r#"{"package_id":"demo:alice.os","db":"bank","action":{"Write":"#,
            r#"{"statement":"UPDATE accounts SET \"n\" = 1","tx_id":…2921}}}"#
        );
        assert_eq!(of(asked), says);
        assert_eq!(of(r#"{"Set":{"key":[99,111,117]}}"#), r#"{"Set":{"key":b"cou"}}"#);
        assert_eq!(of(r#"{"Get":[0,1],"list":[99,111]}"#), r#"{"Get":[0,1],"list":[99,111]}"#);
        let long = format!("[\"{}\"]", "x".repeat(300));
        assert_eq!(of(&long), format!("[\"{}… (304 bytes)", "x".repeat(158)));
    }

    #[test]
    fn hexadecimal_digests_are_told_apart_by_their_ends() {
        let digest = format!("[\"0x5fbd{}aa3e\"]", "0".repeat(56));
        assert_eq!(of(&digest), "[\"0x5fbd…aa3e\"]");
        assert_eq!(of(&format!("[\"0x{}2a\"]", "0".repeat(62))), "[\"0x…2a\"]");
        assert_eq!(of("[\"0x2a\",-12.5e3]"), "[\"0x2a\",-12.5e3]");
    }

    #[test]
    fn json_stays_on_one_line() {
        assert_eq!(of("{\n\t\"a\": 1\r\n}"), "{  \"a\": 1  }");
    }
}
