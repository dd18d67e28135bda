//! A small reader of Rust source: enough to list the paths that a file names.
//!
//! It knows comments, strings, `use` groups and inline test modules, and nothing
//! else of the language. What macros make is not seen.

/// A path as it stands in the source, groups taken apart: `a::{b, c::d}` names
/// `a::b` and `a::c::d`.
#[derive(Debug, PartialEq)]
pub(crate) struct Named {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Colons,
    Sign(char),
}

/// Every path of the source, those of one word too, but for `#[cfg(test)] mod … { … }`.
pub(crate) fn paths_of(source: &str) -> Vec<Named> {
    let tokens = without_tests(tokens(&without_text(source)));
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if matches!(tokens[at].0, Token::Word(_)) {
            at = read_path(&tokens, at, &[], &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Reads one path, or group of paths, beginning at `at`; returns where it ends.
fn read_path(tokens: &[(Token, usize)], mut at: usize, prefix: &[String], found: &mut Vec<Named>) -> usize {
    let mut path = prefix.to_vec();
    let line = tokens.get(at).map_or(0, |(_, line)| *line);
    while let Some((token, _)) = tokens.get(at) {
        match token {
            Token::Word(word) => {
                path.push(word.clone());
                at += 1;
            }
            Token::Sign('*') => {
                at += 1;
                break;
            }
            Token::Sign('{') => return read_group(tokens, at + 1, &path, found),
            _ => break,
        }
        if tokens.get(at).is_some_and(|(token, _)| *token == Token::Colons) {
            at += 1;
        } else {
            break;
        }
    }
    found.push(Named { path, line });
    at
}

/// Reads the inside of `prefix::{ … }`, after the brace.
fn read_group(tokens: &[(Token, usize)], mut at: usize, prefix: &[String], found: &mut Vec<Named>) -> usize {
    loop {
        match tokens.get(at).map(|(token, _)| token) {
            None => return at,
            Some(Token::Sign('}')) => return at + 1,
            Some(Token::Sign(',')) => at += 1,
            // A new name is not a path.
            Some(Token::Word(word)) if word == "as" => at += 2,
            Some(_) => {
                let end = read_path(tokens, at, prefix, found);
                at = end.max(at + 1);
            }
        }
    }
}

/// Blanks comments, strings and characters, and keeps the lines where they are.
fn without_text(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match (chars[at], chars.get(at + 1)) {
            ('/', Some('/')) => end_of_line(&chars, at),
            ('/', Some('*')) => end_of_comment(&chars, at),
            ('r', Some('"' | '#')) if !follows_word(&chars, at, 'b') => end_of_raw(&chars, at),
            ('"', _) => end_of_quoted(&chars, at, '"'),
            // A lifetime has no closing quote two or more characters on.
            ('\'', Some('\\')) => end_of_quoted(&chars, at, '\''),
            ('\'', Some(_)) if chars.get(at + 2) == Some(&'\'') => at + 3,
            _ => at,
        };
        if end == at {
            out.push(chars[at]);
            at += 1;
            continue;
        }
        // A string stays a token of its own, so that what it parts stays parted.
        out.push(' ');
        let end = end.min(chars.len());
        out.extend(chars[at..end].iter().filter(|c| **c == '\n'));
        at = end;
    }
    out
}

fn end_of_line(chars: &[char], at: usize) -> usize {
    chars[at..]
        .iter()
        .position(|c| *c == '\n')
        .map_or(chars.len(), |length| at + length)
}

fn end_of_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}

fn end_of_quoted(chars: &[char], start: usize, quote: char) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The end of `r"…"` or `r#"…"#`; `start` itself for a raw identifier.
fn end_of_raw(chars: &[char], start: usize) -> usize {
    let hashes = chars[start + 1..].iter().take_while(|c| **c == '#').count();
    let open = start + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return start;
    }
    let mut at = open + 1;
    while at < chars.len() {
        let closing = chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count();
        if chars[at] == '"' && closing == hashes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    at
}

/// Whether `at` continues a word (other than the prefix `except`), as the `r` of `for`.
fn follows_word(chars: &[char], at: usize, except: char) -> bool {
    at.checked_sub(1)
        .is_some_and(|before| is_word(chars[before]) && chars[before] != except)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn tokens(text: &str) -> Vec<(Token, usize)> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            _ if c.is_whitespace() => {}
            ':' if chars.next_if_eq(&':').is_some() => found.push((Token::Colons, line)),
            _ if is_word(c) => {
                let mut word = c.to_string();
                while let Some(next) = chars.next_if(|c| is_word(*c)) {
                    word.push(next);
                }
                found.push((Token::Word(word), line));
            }
            _ => found.push((Token::Sign(c), line)),
        }
    }
    found
}

/// Takes out `#[cfg(test)]` and the module after it.
fn without_tests(tokens: Vec<(Token, usize)>) -> Vec<(Token, usize)> {
    let word = |text: &str| Token::Word(text.to_owned());
    let sign = Token::Sign;
    let start = [
        sign('#'),
        sign('['),
        word("cfg"),
        sign('('),
        word("test"),
        sign(')'),
        sign(']'),
        word("mod"),
    ];
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let here = tokens[at..].iter().map(|(token, _)| token);
        if !(tokens.len() - at >= start.len() && here.zip(&start).all(|(token, start)| token == start)) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += start.len();
        let mut depth = 0;
        while let Some((token, _)) = tokens.get(at) {
            at += 1;
            match token {
                Token::Sign('{') => depth += 1,
                Token::Sign('}') => depth -= 1,
                Token::Sign(';') if depth == 0 => break,
                _ => continue,
            }
            if depth == 0 {
                break;
            }
        }
    }
    kept
}
