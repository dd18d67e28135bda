//! How long the command takes from its start to its end.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::measure::{in_turns, millis};
use crate::report::{Budget, Row};
use crate::{Bench, Outcome};

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    let binary =
        std::env::current_exe()?.with_file_name(format!("blowing-off{}", std::env::consts::EXE_SUFFIX));
    let folder = bench.file("cli");
    std::fs::create_dir_all(&folder)?;
    let url = bench.hubs.url(300)?;
    let command = |program: &PathBuf, words: &[&str]| -> Outcome {
        let status = Command::new(program)
            .args(words)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("{} {words:?} failed ({status})", program.display()).into()),
        }
    };
    command(
        &binary,
        &["connect", "--server-url", &url, "--auth-token", "token"],
    )?;
    command(&binary, &["sync"])?;
    for (word, most) in [("--version", 10.0), ("status", 20.0)] {
        let nothing = PathBuf::from("true");
        let (ours, theirs) = in_turns(
            bench.pick(31, 5),
            |_| millis(|| command(&binary, &[word])),
            |_| millis(|| command(&nothing, &[])),
        )?;
        bench.report.add(Row {
            what: format!("blowing-off {word}"),
            value: Some(ours),
            unit: "ms",
            baseline: Some(theirs),
            baseline_is: "the command `true`".into(),
            budget: Budget::AtMost(most),
        });
    }
    Ok(())
}
