//! Running cargo: from the workspace's root, with the toolchain that runs us.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::Outcome;

/// How this run calls cargo.
pub(crate) struct Cargo {
    program: OsString,
    root: PathBuf,
    ci: bool,
}

impl Cargo {
    /// Finds the workspace and whether this is CI: there, everything is shown
    /// and the lock file is taken as it is.
    pub(crate) fn from_env() -> Result<Self, String> {
        // Cargo sets it when it runs us; the fallback is for a copied binary.
        let root = match env::var_os("CARGO_MANIFEST_DIR") {
            Some(xtask) => PathBuf::from(xtask).parent().map(Path::to_path_buf),
            None => env::current_dir().ok(),
        };
        let root = root
            .filter(|root| root.join("Cargo.lock").is_file())
            .ok_or("run me as `cargo xtask` inside the workspace")?;
        Ok(Self {
            program: env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
            root,
            ci: env::var("CI").is_ok_and(|ci| !matches!(ci.as_str(), "" | "0" | "false")),
        })
    }

    /// Whether this is CI, where what can't run is a failure.
    pub(crate) fn is_ci(&self) -> bool {
        self.ci
    }

    /// A file of the workspace.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Prints the heading of what comes next.
    pub(crate) fn heading(&self, text: &str) {
        println!("\n== {text}");
    }

    /// Runs cargo and shows what it says. `words` are its arguments, parted by
    /// spaces, and `after` what goes to the program it runs.
    pub(crate) fn run(&self, words: &str, after: &[String], envs: &[(&str, &str)]) -> Outcome {
        let (mut command, shown) = self.command(words, after, envs);
        let status = command
            .status()
            .map_err(|error| format!("can't start {shown}: {error}"))?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("{shown} failed ({status})"))
        }
    }

    /// Runs cargo and keeps what it says.
    pub(crate) fn output(
        &self,
        words: &str,
        after: &[String],
        envs: &[(&str, &str)],
    ) -> Result<Output, String> {
        let (mut command, shown) = self.command(words, after, envs);
        command
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("can't start {shown}: {error}"))
    }

    /// Builds, shows what cargo says meanwhile, and gives the files that it left
    /// of the target `name`.
    pub(crate) fn artifacts(
        &self,
        words: &str,
        after: &[String],
        name: &str,
    ) -> Result<Vec<PathBuf>, String> {
        self.artifacts_with(words, after, name, &[])
    }

    /// The same with more in the environment.
    pub(crate) fn artifacts_with(
        &self,
        words: &str,
        after: &[String],
        name: &str,
        envs: &[(&str, &str)],
    ) -> Result<Vec<PathBuf>, String> {
        let words = format!("{words} --message-format=json-render-diagnostics");
        let (mut command, shown) = self.command(&words, after, envs);
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("can't start {shown}: {error}"))?;
        if !output.status.success() {
            return Err(format!("{shown} failed ({})", output.status));
        }
        let files = files(&String::from_utf8_lossy(&output.stdout), name);
        if files.is_empty() {
            return Err(format!("{shown} left no file of {name}"));
        }
        Ok(files)
    }

    /// Makes sure that a subcommand is installed.
    pub(crate) fn require(&self, subcommand: &str, component: &str) -> Outcome {
        let output = self.output(&format!("{subcommand} --version"), &[], &[])?;
        if output.status.success() {
            Ok(())
        } else {
            Err(format!(
                "`cargo {subcommand}` is missing; install it with `rustup component add {component}`"
            ))
        }
    }

    fn command(&self, words: &str, after: &[String], envs: &[(&str, &str)]) -> (Command, String) {
        let mut words: Vec<&str> = words.split(' ').collect();
        // These know neither option.
        if !["fmt", "deny", "--version"]
            .iter()
            .any(|word| words.contains(word))
        {
            words.insert(1, if self.ci { "--locked" } else { "--quiet" });
        }
        let mut command = Command::new(&self.program);
        command.current_dir(&self.root).args(&words);
        forget_own_package(&mut command);
        if !after.is_empty() {
            command.arg("--").args(after);
        }
        let mut shown = String::new();
        for (name, value) in envs {
            command.env(name, value);
            if !value.is_empty() {
                shown.push_str(&format!("{name}={value:?} "));
            }
        }
        shown.push_str(&format!("cargo {}", words.join(" ")));
        if !after.is_empty() {
            shown.push_str(&format!(" -- {}", after.join(" ")));
        }
        if self.ci && !words.contains(&"--version") {
            println!("$ {shown}");
        }
        (command, shown)
    }
}

/// Takes from a command what cargo told us about xtask. Build scripts that watch it
/// (ring's) would run again in every cargo that is not called from here.
pub(crate) fn forget_own_package(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
}

/// The files that cargo's messages name for a target. The messages are JSON, one
/// a line, of which only two lists of strings are needed.
pub(crate) fn files(messages: &str, name: &str) -> Vec<PathBuf> {
    let of_target = format!("\"name\":\"{name}\"");
    messages
        .lines()
        .filter(|line| line.starts_with("{\"reason\":\"compiler-artifact\"") && line.contains(&of_target))
        .filter_map(|line| line.split_once("\"filenames\":["))
        .filter_map(|(_, list)| list.split_once(']'))
        .flat_map(|(list, _)| list.split(','))
        .map(|text| PathBuf::from(text.trim_matches('"').replace("\\\\", "\\")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::files;

    #[test]
    fn files_are_those_of_the_target() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"other"},"filenames":["/t/libother.rlib"]}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"a"},"filenames":["/t/liba.so","C:\\t\\a.dll"]}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        let found = files(messages, "a");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].to_str(), Some("/t/liba.so"));
        assert_eq!(found[1].to_str(), Some(r"C:\t\a.dll"));
    }
}
