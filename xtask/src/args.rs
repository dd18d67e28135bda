//! The command line, taken apart by hand: a crate for four options would cost
//! more time to compile than it saves.

use std::env;

/// What is left of the command line.
pub(crate) struct Args(Vec<String>);

impl Args {
    /// The arguments of this process, `--name=value` split in two.
    pub(crate) fn from_env() -> Result<Self, String> {
        let mut words = Vec::new();
        for word in env::args_os().skip(1) {
            let word = word
                .into_string()
                .map_err(|word| format!("not text: {}", word.to_string_lossy()))?;
            match word.split_once('=') {
                Some((name, value)) if name.starts_with("--") => {
                    words.extend([name.to_owned(), value.to_owned()]);
                }
                _ => words.push(word),
            }
        }
        Ok(Self(words))
    }

    /// Takes the first word.
    pub(crate) fn command(&mut self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }

    /// Takes an option without a value.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|word| word != name);
        self.0.len() < before
    }

    /// Takes an option with a word.
    pub(crate) fn word(&mut self, name: &str) -> Result<Option<String>, String> {
        let Some(at) = self.0.iter().position(|word| word == name) else {
            return Ok(None);
        };
        self.0.remove(at);
        if at == self.0.len() {
            return Err(format!("{name} needs a value"));
        }
        Ok(Some(self.0.remove(at)))
    }

    /// Takes an option with a number.
    pub(crate) fn number(&mut self, name: &str) -> Result<Option<u64>, String> {
        let Some(word) = self.word(name)? else {
            return Ok(None);
        };
        word.parse()
            .map(Some)
            .map_err(|_| format!("{name} needs a number, not {word:?}"))
    }

    /// Takes the words that are left, none of which may be an option.
    pub(crate) fn rest(self) -> Result<Vec<String>, String> {
        match self.0.iter().find(|word| word.starts_with('-')) {
            Some(option) => Err(format!("there is no option {option:?} here")),
            None => Ok(self.0),
        }
    }

    /// Takes all that is left, for a program that reads it itself.
    pub(crate) fn all(self) -> Vec<String> {
        self.0
    }

    /// Makes sure that nothing is left.
    pub(crate) fn finish(self) -> Result<(), String> {
        match self.0.first() {
            Some(word) => Err(format!("what is {word:?}? See cargo xtask help")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn args(words: &str) -> Args {
        Args(words.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn options_are_taken_in_any_order() {
        let mut args = args("simulate --mutants --seeds 7 --seed 3");
        assert_eq!(args.command().as_deref(), Some("simulate"));
        assert_eq!(args.number("--seed").unwrap(), Some(3));
        assert_eq!(args.number("--seeds").unwrap(), Some(7));
        assert!(args.flag("--mutants"));
        assert!(!args.flag("--mutants"));
        assert_eq!(args.finish(), Ok(()));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert!(args("--seeds").number("--seeds").unwrap_err().contains("--seeds"));
        assert!(args("--seeds ten").number("--seeds").unwrap_err().contains("ten"));
        assert!(args("--quick").finish().unwrap_err().contains("--quick"));
        assert!(args("fmt --fix").rest().unwrap_err().contains("--fix"));
        assert_eq!(args("fmt test").rest().unwrap(), ["fmt", "test"]);
    }
}
