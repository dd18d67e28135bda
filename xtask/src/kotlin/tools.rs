//! Finding Maven and a JDK: on the PATH, or under `JAVA_HOME`. Where both may be
//! installed without asking, which is as root on a Debian, they are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where programs look for libraries. Cargo told us of its own folder there: the
/// library would be found in it, and not in the jar.
const LIBRARY_PATHS: [&str; 3] = [
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
];

/// What compiles and runs Kotlin.
pub(super) struct Tools {
    maven: PathBuf,
    java: PathBuf,
}

impl Tools {
    pub(super) fn find() -> Result<Self, String> {
        if let Ok(tools) = Self::present() {
            return Ok(tools);
        }
        install();
        Self::present()
    }

    fn present() -> Result<Self, String> {
        let home = env::var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin"));
        let find = |name: &str| {
            let file = if cfg!(windows) {
                format!("{name}.exe")
            } else {
                name.to_owned()
            };
            let folders = env::var_os("PATH").unwrap_or_default();
            home.iter()
                .cloned()
                .chain(env::split_paths(&folders))
                .map(|folder| folder.join(&file))
                .find(|path| path.is_file())
        };
        // A runtime alone has no compiler, which Maven's plugins ask for.
        find("javac").ok_or("a JDK is missing: install JDK 17 or newer, or set JAVA_HOME")?;
        let java = find("java").ok_or("java is missing beside javac")?;
        let maven = if cfg!(windows) {
            find("mvn.cmd").or_else(|| find("mvn"))
        } else {
            find("mvn")
        };
        let maven = maven.ok_or("mvn is missing: install Maven 3.8 or newer")?;
        Ok(Self { maven, java })
    }

    /// Java with the classes and jars that Maven left in a folder of its own.
    pub(super) fn java(&self, built: &Path) -> Command {
        let mut classes = built.join("classes").into_os_string();
        classes.push(if cfg!(windows) { ";" } else { ":" });
        classes.push(built.join("lib").join("*"));
        let mut command = Command::new(&self.java);
        for variable in LIBRARY_PATHS {
            command.env_remove(variable);
        }
        command.arg("-cp").arg(classes);
        command
    }

    /// Maven on a project, saying only what went wrong.
    pub(super) fn maven(&self, project: &Path) -> Command {
        let mut command = Command::new(&self.maven);
        command
            .args(["--batch-mode", "--quiet", "-Dstyle.color=never", "--file"])
            .arg(project)
            .stdin(Stdio::null());
        for variable in LIBRARY_PATHS {
            command.env_remove(variable);
        }
        command
    }
}

/// Tries to, and says so; whether it helped is seen by looking again.
fn install() {
    if !is_root() || !Path::new("/usr/bin/apt-get").exists() {
        return;
    }
    println!("installing Maven and a JDK with apt-get");
    for words in [
        "update -qq",
        "install -qqy --no-install-recommends maven openjdk-17-jdk-headless",
    ] {
        let status = Command::new("apt-get")
            .args(words.split(' '))
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(Stdio::null())
            .status();
        if !status.is_ok_and(|status| status.success()) {
            println!("apt-get {words} failed");
        }
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
