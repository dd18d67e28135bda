//! Takes out of generated text what differs between machines, or what reviews
//! and diffs stumble over. Everything that is done to every generator's output is
//! here; Kotlin's goes through `kotlin` as well.
//!
//! UniFFI's output is a function of the library's API and the configuration:
//! it has no times, no paths and no hash order in it. What is left to do:
//!
//! - trailing whitespace, and empty lines in a row (the templates leave many);
//! - line ends: always `\n`, and exactly one at the end.

/// A source as it is committed.
pub(crate) fn source(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut blank = 0;
    for line in text.lines() {
        let line = line.trim_end();
        if line.is_empty() {
            blank += 1;
            // Two, since that is what Python's style puts between classes.
            if blank > 2 || clean.is_empty() {
                continue;
            }
        } else {
            blank = 0;
        }
        clean.push_str(line);
        clean.push('\n');
    }
    while clean.ends_with("\n\n") {
        clean.pop();
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::source;

    #[test]
    fn space_nobody_sees_goes() {
        assert_eq!(
            source("\n\na  \r\n\t\n\n\n\n  b\n\n\n"),
            "a\n\n\n  b\n",
            "and what is seen stays"
        );
        assert_eq!(source("a"), "a\n");
        assert_eq!(source(""), "");
    }
}
