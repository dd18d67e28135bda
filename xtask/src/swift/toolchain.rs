//! Swift: the one on the `PATH`, or on Linux one in a root of its own.
//!
//! Debian 13 has Swift; older ones do not, and other distributions have none that
//! fits. So its packages are put into a folder, and run with that as their root
//! by bubblewrap. It is kept between runs, in `$SWIFT_ENV_ROOT` or
//! `~/.cache/swift-env/trixie`, and takes some 3 GB and two minutes to make.

use std::env;
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::bindings::make;
use crate::cargo::Cargo;

/// What the root is made of.
const PACKAGES: &str = "swiftlang,libc6-dev,g++,libstdc++-14-dev,git,ca-certificates";
const SUITE: &str = "trixie";
const ADVICE: &str = "put Swift 6 on the PATH, or run this as root once, where apt-get is";

/// The first major version that reads the package.
const OLDEST: u32 = 6;

/// How Swift is called.
pub(crate) enum Swift {
    /// By its name.
    Installed,
    /// In a root of its own.
    Rooted(PathBuf),
}

impl Swift {
    /// Why this machine has no Swift and can't be given one, as far as that is
    /// known beforehand; what goes wrong in giving it one is another matter.
    pub(crate) fn missing() -> Option<String> {
        let found = installed();
        if found == Installed::Fits {
            return None;
        }
        if !cfg!(target_os = "linux") {
            return Some(format!("{found}; install Xcode 16 or later"));
        }
        let is_made = works("bwrap") && root().is_ok_and(|root| root.is_dir());
        let has_tools = || works("apt-get") || (works("bwrap") && works("debootstrap"));
        let can_make = is_made || (is_root() && has_tools());
        (!can_make).then(|| format!("{found}; {ADVICE}"))
    }

    /// Finds Swift, or makes a root with it. The error says what is missing.
    pub(crate) fn provide(cargo: &Cargo) -> Result<Self, String> {
        if let Some(problem) = Self::missing() {
            return Err(problem);
        }
        match installed() {
            Installed::Fits => return Ok(Self::Installed),
            Installed::Not => (),
            unfit => println!("{unfit}: it is passed over"),
        }
        let root = root()?;
        if !root.is_dir() || !works("bwrap") {
            install(&["bwrap", "debootstrap"], &["bubblewrap", "debootstrap"])?;
            make_root(cargo, &root)?;
        }
        Ok(Self::Rooted(root))
    }

    /// A command that runs `swift` in the workspace.
    pub(crate) fn command(&self, cargo: &Cargo) -> Command {
        let workspace = cargo.path(".");
        let workspace = fs::canonicalize(&workspace).unwrap_or(workspace);
        let mut command = match self {
            Self::Installed => Command::new("swift"),
            Self::Rooted(root) => {
                let mut command = Command::new("bwrap");
                // Without /proc Swift does not find its own libraries.
                command.arg("--bind").arg(root).arg("/");
                command.args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]);
                command.arg("--bind").arg(&workspace).arg(&workspace);
                command.args(["--setenv", "HOME", "/root"]);
                command.args(["--setenv", "PATH", "/usr/local/bin:/usr/bin:/bin"]);
                command.arg("--chdir").arg(&workspace);
                command.args(["--unshare-pid", "--die-with-parent", "swift"]);
                command
            }
        };
        command.current_dir(&workspace);
        command
    }
}

/// What `swift` on the `PATH` is.
#[derive(Debug, PartialEq, Eq)]
enum Installed {
    Fits,
    /// Too old, or another program of that name; what it says of itself.
    Unfit(String),
    Not,
}

impl fmt::Display for Installed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fits => f.write_str("there is Swift"),
            Self::Unfit(version) => write!(f, "`swift` on the PATH is not Swift {OLDEST}: {version}"),
            Self::Not => f.write_str("there is no `swift`"),
        }
    }
}

fn installed() -> Installed {
    match Command::new("swift")
        .arg("--version")
        .stderr(Stdio::null())
        .output()
    {
        Ok(output) if output.status.success() => judge(&String::from_utf8_lossy(&output.stdout)),
        _ => Installed::Not,
    }
}

/// Reads the answer to `--version`, for example `Swift version 6.0.3 (…)`.
fn judge(told: &str) -> Installed {
    let major = told.split_once("Swift version ").and_then(|(_, version)| {
        let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse::<u32>().ok()
    });
    match major {
        Some(major) if major >= OLDEST => Installed::Fits,
        _ => Installed::Unfit(told.lines().next().unwrap_or_default().to_owned()),
    }
}

fn root() -> Result<PathBuf, String> {
    if let Some(root) = env::var_os("SWIFT_ENV_ROOT") {
        return Ok(PathBuf::from(root));
    }
    let home = env::var_os("HOME").ok_or("HOME is not set; set SWIFT_ENV_ROOT to a folder for Swift")?;
    Ok(Path::new(&home).join(".cache/swift-env").join(SUITE))
}

/// Whether a program is there.
fn works(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Makes sure that programs are there.
fn install(programs: &[&str], packages: &[&str]) -> Result<(), String> {
    if programs.iter().all(|program| works(program)) {
        return Ok(());
    }
    if !is_root() || !works("apt-get") {
        return Err(format!("{}; {ADVICE}", installed()));
    }
    println!("installing {}", packages.join(" "));
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    run(Command::new("apt-get")
        .args(["install", "-qy", "--no-install-recommends"])
        .args(packages))
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Makes the root beside its place and moves it there whole. Others who want it
/// wait meanwhile.
fn make_root(cargo: &Cargo, root: &Path) -> Result<(), String> {
    let beside = |end: &str| PathBuf::from(format!("{}.{end}", root.display()));
    if let Some(parent) = root.parent() {
        make(parent)?;
    }
    let path = beside("lock");
    let lock = File::create(&path).map_err(|error| format!("can't make {}: {error}", path.display()))?;
    lock.lock()
        .map_err(|error| format!("can't lock {}: {error}", path.display()))?;
    if root.is_dir() {
        return Ok(());
    }
    if !is_root() {
        return Err(format!("{}; {ADVICE}", installed()));
    }
    cargo.heading(&format!(
        "Swift goes into {}; this takes some minutes",
        root.display()
    ));
    let new = beside("new");
    if new.exists() {
        fs::remove_dir_all(&new).map_err(|error| format!("can't remove {}: {error}", new.display()))?;
    }
    run(Command::new("debootstrap")
        .args(["--variant=minbase", &format!("--include={PACKAGES}"), SUITE])
        .arg(&new))?;
    fs::rename(&new, root).map_err(|error| format!("can't move {}: {error}", new.display()))
}

/// Runs a program quietly; its words are shown if it fails.
fn run(command: &mut Command) -> Result<(), String> {
    let shown = format!("{command:?}");
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("can't start {shown}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().collect();
    let last = lines.len().saturating_sub(20);
    Err(format!(
        "{shown} failed ({}):\n{}",
        output.status,
        lines[last..].join("\n")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_swift_that_reads_the_package_is_taken() {
        for fits in [
            "Swift version 6.0.3 (swift-6.0.3-RELEASE)\nTarget: x86_64-unknown-linux-gnu\n",
            "swift-driver version: 1.120.5 Apple Swift version 6.1 (swiftlang-6.1.0.110.21)\n",
            "Swift version 10.0-dev",
        ] {
            assert_eq!(judge(fits), Installed::Fits, "{fits}");
        }
        for unfit in [
            "Swift version 5.10.1 (swift-5.10.1-RELEASE)",
            "python-swiftclient 4.6.0",
            "",
        ] {
            assert_eq!(judge(unfit), Installed::Unfit(unfit.to_owned()));
        }
        let told = judge("Swift version 5.9\nTarget: x").to_string();
        assert_eq!(told, "`swift` on the PATH is not Swift 6: Swift version 5.9");
    }
}
