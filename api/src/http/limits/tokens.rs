//! Counting tokens on the raw text, before a parser sees it: a flood costs one pass over its bytes.

use super::super::error::{Code, Refusal};
use super::Limits;

/// Refuses a text with too many tokens or too deep a nesting. Malformed text passes: the parser words that better.
pub fn check(text: &str, limits: &Limits) -> Result<(), Refusal> {
    let bytes = text.as_bytes();
    let (mut at, mut tokens, mut nesting) = (0, 0_usize, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at = end_of(bytes, at, |byte| byte != b'\n' && byte != b'\r');
                continue;
            }
            b'"' => at = end_of_string(bytes, at),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                at = end_of(bytes, at, |byte| byte == b'_' || byte.is_ascii_alphanumeric());
            }
            b'-' | b'0'..=b'9' => {
                at = end_of(bytes, at + 1, |byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
            }
            b'.' if bytes[at..].starts_with(b"...") => at += 3,
            b'{' | b'[' | b'(' => {
                nesting += 1;
                at += 1;
            }
            b'}' | b']' | b')' => {
                nesting = nesting.saturating_sub(1);
                at += 1;
            }
            _ => at += 1,
        }
        tokens += 1;
        if tokens > limits.tokens {
            return Err(Refusal::new(
                Code::TooComplex,
                format!("the document has more than {} tokens", limits.tokens),
            ));
        }
        if nesting > limits.nesting {
            return Err(Refusal::new(
                Code::TooComplex,
                format!("the document is nested more than {} deep", limits.nesting),
            ));
        }
    }
    Ok(())
}

fn end_of(bytes: &[u8], from: usize, belongs: impl Fn(u8) -> bool) -> usize {
    bytes
        .iter()
        .skip(from)
        .position(|&byte| !belongs(byte))
        .map_or(bytes.len(), |length| from + length)
}

fn end_of_string(bytes: &[u8], from: usize) -> usize {
    if bytes[from..].starts_with(b"\"\"\"") {
        let mut at = from + 3;
        while at < bytes.len() {
            if bytes[at..].starts_with(b"\\\"\"\"") {
                at += 4;
            } else if bytes[at..].starts_with(b"\"\"\"") {
                return at + 3;
            } else {
                at += 1;
            }
        }
        return at;
    }
    let mut at = from + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            b'\n' | b'\r' => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens_of(text: &str) -> usize {
        let fits = |tokens| {
            check(
                text,
                &Limits {
                    tokens,
                    nesting: usize::MAX,
                    ..Limits::default()
                },
            )
            .is_ok()
        };
        (0..=text.len()).find(|&tokens| fits(tokens)).unwrap()
    }

    #[test]
    fn tokens_are_counted_as_the_grammar_has_them() {
        for (text, tokens) in [
            ("", 0),
            ("{ a }", 3),
            (
                "query Q($a: Int = -1.5e+3) { a(x: $a) ... on B @skip(if: true) { b } }",
                32,
            ),
            ("# comment { { {\n{a}", 3),
            (r#"{ a(b: "x \" { y") }"#, 8),
            ("{ a(b: \"\"\"x \\\"\"\" \" {{{ \"\"\") }", 8),
            ("{a,,,,,b}", 4),
        ] {
            assert_eq!(tokens_of(text), tokens, "{text}");
        }
    }

    #[test]
    fn a_flood_of_brackets_never_reaches_the_parser() {
        let text = format!("{{ a(b: {}1{}) }}", "[".repeat(1000), "]".repeat(1000));
        assert_eq!(check(&text, &Limits::default()).unwrap_err().code, Code::TooComplex);
    }

    proptest! {
        #[test]
        fn any_text_is_counted_without_a_panic(text in ".*") {
            let _ = check(&text, &Limits::default());
        }
    }
}
