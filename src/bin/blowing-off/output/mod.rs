//! Printing: JSON, tables, single records, notes and errors.
//!
//! What goes where is decided once, in [`Out`]: results to stdout, everything
//! else to stderr; tables and colours only for people at a terminal. What the
//! columns of a kind are is in `columns`; the drawing is in `table`.

pub(crate) mod columns;
pub(crate) mod log;
pub(crate) mod progress;
mod table;
pub(crate) mod text;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::failure::{Exit, Failure, Outcome};

/// How this run prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Out {
    json: bool,
    terminal: bool,
    colour: bool,
    error_terminal: bool,
    error_colour: bool,
}

impl Out {
    /// Looks at what stdout and stderr are.
    pub(crate) fn new(json: bool) -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let colour = !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let terminal = io::stdout().is_terminal();
        let error_terminal = io::stderr().is_terminal();
        Self {
            json,
            terminal,
            colour: colour && terminal,
            error_terminal,
            error_colour: colour && error_terminal,
        }
    }

    /// Whether the output is for programs.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether lists are tables for people.
    pub(crate) fn is_table(&self) -> bool {
        self.terminal && !self.json
    }

    /// Whether a person sees stderr as it comes.
    pub(crate) fn shows_progress(&self) -> bool {
        self.error_terminal && !self.json
    }

    /// A value as JSON: laid out for eyes on a terminal, one line elsewhere.
    pub(crate) fn json(&self, value: &impl Serialize) -> Outcome {
        let text = if self.terminal {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        };
        self.line(&text.map_err(|error| internal(&error))?)
    }

    /// A value as JSON on one line, for streams.
    pub(crate) fn json_line(&self, value: &impl Serialize) -> Outcome {
        self.line(&serde_json::to_string(value).map_err(|error| internal(&error))?)
    }

    /// One line on stdout, seen at once.
    pub(crate) fn line(&self, text: &str) -> Outcome {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.write_all(b"\n")?;
        stdout.flush()?;
        Ok(())
    }

    /// A list: a table on a terminal, tab-separated lines elsewhere.
    pub(crate) fn table(&self, header: &[&str], rows: &[Vec<String>]) -> Outcome {
        if !self.terminal {
            return self.fields(rows);
        }
        if rows.is_empty() {
            return self.note("nothing to list");
        }
        self.line(&table::draw(header, rows, self.colour))
    }

    /// One thing: names and values.
    pub(crate) fn pairs(&self, pairs: &[(String, String)]) -> Outcome {
        let rows: Vec<Vec<String>> = pairs
            .iter()
            .map(|(name, value)| vec![name.clone(), value.clone()])
            .collect();
        if !self.terminal {
            return self.fields(&rows);
        }
        self.line(&table::draw_pairs(&rows, self.colour))
    }

    fn fields(&self, rows: &[Vec<String>]) -> Outcome {
        if rows.is_empty() {
            return Ok(());
        }
        let lines: Vec<String> = rows
            .iter()
            .map(|row| {
                row.iter()
                    .map(|cell| text::clean(cell))
                    .collect::<Vec<_>>()
                    .join("\t")
            })
            .collect();
        self.line(&lines.join("\n"))
    }

    /// A word to people, on stderr; programs don't get it.
    pub(crate) fn note(&self, text: &str) -> Outcome {
        if !self.json {
            // A note that nobody can read is no reason to fail.
            let _ = writeln!(io::stderr(), "{}", text::clean(text));
        }
        Ok(())
    }

    /// Why the run ends badly, on stderr.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.exit == Exit::Quiet {
            return;
        }
        let text = if self.json {
            failure.to_json().to_string()
        } else {
            let message = text::clean(&failure.message);
            let hint = text::clean(&failure.hint);
            match self.error_colour {
                true => format!("\u{1b}[1;31merror:\u{1b}[0m {message}\n\u{1b}[1mhint:\u{1b}[0m {hint}"),
                false => format!("error: {message}\nhint: {hint}"),
            }
        };
        // There is nowhere left to complain to.
        let _ = writeln!(io::stderr(), "{text}");
    }
}

fn internal(error: &serde_json::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        "internal",
        format!("the result can't be written as JSON: {error}"),
        "please report this",
    )
}
