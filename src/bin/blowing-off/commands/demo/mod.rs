//! `demo`: a house that syncs, shown from nothing.
//!
//! A server process, two clients with databases of their own, and everything
//! that goes wrong in real life. `stage` is the server and the clients, `acts`
//! what happens, `ledger` keeps account of every edit, `report` prints.

mod acts;
mod ledger;
mod report;
mod stage;

use std::path::PathBuf;

use wildthing::seam::{RealSeam, Seam as _};

use crate::args::DemoArgs;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Out;

use ledger::Account;
use report::Report;
use stage::Stage;

pub(super) async fn run(args: DemoArgs, out: &Out) -> Outcome {
    let folder = Folder::make(args.keep)?;
    let mut report = Report::new(out);
    let mut stage = Stage::set(folder.path(), args.house.as_deref()).await?;
    let played = acts::play(&mut stage, &mut report).await;
    let struck = stage.strike().await;
    played?;
    let ending = struck?;
    let account = Account::of(&stage.ledger, &ending);
    report.ending(&ending, &account, folder.kept())?;
    if ending.agrees() && account.missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Failed,
        "demo",
        "the replicas differ, or an edit is missing",
        "this is a bug; run again with --keep DIR and report it with the three databases",
    ))
}

/// Where the three databases are: a folder of the user's, or one that goes away.
enum Folder {
    Kept(PathBuf),
    Passing(PathBuf),
}

impl Folder {
    fn make(keep: Option<PathBuf>) -> Outcome<Self> {
        let (folder, path) = match keep {
            Some(path) => (Folder::Kept(path.clone()), path),
            None => {
                let name = format!("blowing-off-demo-{}", RealSeam.new_id());
                let path = std::env::temp_dir().join(name);
                (Folder::Passing(path.clone()), path)
            }
        };
        let unusable =
            |problem: String| Failure::usage(problem, "name a folder that is empty or does not exist");
        std::fs::create_dir_all(&path).map_err(|error| unusable(format!("{}: {error}", path.display())))?;
        let mut inside =
            std::fs::read_dir(&path).map_err(|error| unusable(format!("{}: {error}", path.display())))?;
        if inside.next().is_some() {
            return Err(unusable(format!("{} is not empty", path.display())));
        }
        Ok(folder)
    }

    fn path(&self) -> &std::path::Path {
        match self {
            Folder::Kept(path) | Folder::Passing(path) => path,
        }
    }

    fn kept(&self) -> Option<&std::path::Path> {
        match self {
            Folder::Kept(path) => Some(path),
            Folder::Passing(_) => None,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Folder::Passing(path) = self {
            // It is in the system's folder for passing things; if this fails, that one is emptied some day.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}
