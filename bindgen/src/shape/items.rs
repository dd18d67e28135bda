//! A source as its outermost declarations.

use anyhow::{Result, bail};

/// A declaration with the comments and attributes above it, or what is between two.
pub(crate) struct Item {
    pub(super) lines: Vec<String>,
    /// The line in which the declaration begins, for example `public struct House: Equatable {`.
    pub(super) head: usize,
}

impl Item {
    /// That line.
    pub(super) fn declaration(&self) -> &str {
        self.lines.get(self.head).map_or("", String::as_str)
    }

    /// The name that it declares as one of these: `struct`, `enum`, …
    pub(super) fn name(&self, word: &str) -> Option<&str> {
        let (_, after) = self.declaration().split_once(&format!("{word} "))?;
        let end = after.find(|c: char| !is_letter(c)).unwrap_or(after.len());
        Some(&after[..end])
    }
}

/// Whether identifiers may have it.
pub(super) fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Parts a source. Every item ends where the braces of its declaration close, or
/// with its line if it opens none.
pub(super) fn split(text: &str) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    let mut head = None;
    let mut depth = 0_i64;
    let mut comment = false;
    for line in text.lines() {
        let trimmed = line.trim_start();
        comment |= trimmed.starts_with("/**");
        let says = !comment && !trimmed.starts_with("//") && !trimmed.starts_with('#') && !trimmed.is_empty();
        // A documented argument is declared in the line that ends its comment.
        let code = if comment {
            trimmed.split_once("*/").map_or("", |(_, code)| code)
        } else {
            trimmed
        };
        comment &= !trimmed.contains("*/");
        let attribute = trimmed.starts_with('@');
        if says && !attribute && head.is_none() {
            head = Some(lines.len());
        }
        lines.push(line.to_owned());
        if !trimmed.starts_with("//") {
            for c in code.chars() {
                depth += i64::from(c == '{') - i64::from(c == '}');
            }
        }
        if depth < 0 {
            bail!("braces that close nothing: {line}");
        }
        // `public` may stand alone before `enum`.
        if depth == 0
            && trimmed != "public"
            && !trimmed.is_empty()
            && let Some(at) = head.take()
        {
            items.push(Item {
                lines: std::mem::take(&mut lines),
                head: at,
            });
        }
    }
    if depth != 0 {
        bail!("braces that do not close");
    }
    let head = lines.len();
    items.push(Item { lines, head });
    Ok(items)
}

/// The source again.
pub(super) fn join(items: &[Item]) -> String {
    let lines = items.iter().flat_map(|item| &item.lines);
    lines.fold(String::new(), |mut text, line| {
        text.push_str(line);
        text.push('\n');
        text
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_parted_and_joined_again() {
        let text = "\
import A
/**
 * What {braces} in comments are worth.
 */
public struct House: Equatable {
    init(
        /**
         * Its id.
         */id: String) { }
}

public
enum E: Error {
    case a
}
typealias X = Y
// the end
";
        let items = split(text).unwrap();
        let heads: Vec<&str> = items.iter().map(Item::declaration).collect();
        assert_eq!(
            heads,
            [
                "import A",
                "public struct House: Equatable {",
                "public",
                "typealias X = Y",
                ""
            ]
        );
        assert_eq!(items[1].name("struct"), Some("House"));
        assert_eq!(join(&items), text);
        assert!(split("}").is_err() && split("{").is_err());
    }
}
