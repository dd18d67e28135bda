//! What the project is made of: the licence of every package, where it comes from, and
//! which must not be among them. The lists are those of `deny.toml`. cargo-deny looks
//! further where it is installed. Known weaknesses are not looked up: that list is on the internet.

use std::fs;

use crate::Outcome;
use crate::cargo::Cargo;

/// The one place that packages come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Checks licences, bans and sources, and has cargo-deny check them too.
pub(crate) fn deny(cargo: &Cargo) -> Outcome {
    packages(cargo)?;
    sources(&read(cargo, "Cargo.lock")?)?;
    let installed = cargo.output("deny --version", &[], &[])?.status.success();
    if !installed {
        println!(
            "cargo-deny: NOT RUN, it is not installed (`cargo install --locked cargo-deny`); several versions of one package and versions without a bound were not looked for"
        );
        return Ok(());
    }
    cargo.run("deny check licenses bans sources", &[], &[])
}

fn read(cargo: &Cargo, name: &str) -> Result<String, String> {
    let path = cargo.path(name);
    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Licences and names of every package that is built for any target.
fn packages(cargo: &Cargo) -> Outcome {
    let settings = read(cargo, "deny.toml")?;
    let (allowed, banned) = (allowed(&settings)?, banned(&settings)?);
    let words = "tree --workspace --all-features --target all --edges normal,build,dev --prefix none --format {p}|{l}";
    let output = cargo.output(words, &[], &[])?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let listing = String::from_utf8_lossy(&output.stdout);
    let mut packages: Vec<(&str, &str)> = listing.lines().filter_map(package).collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() {
        return Err("cargo tree named no package".to_owned());
    }
    let refused: Vec<String> = packages
        .iter()
        .filter(|(_, licence)| !is_allowed(licence, &allowed))
        .map(|(name, licence)| format!("{name}: {licence:?}"))
        .collect();
    if !refused.is_empty() {
        return Err(format!(
            "licences that deny.toml does not allow:\n{}",
            refused.join("\n")
        ));
    }
    let present: Vec<&str> = packages
        .iter()
        .filter_map(|(name, _)| name.split(' ').next())
        .filter(|name| banned.contains(name))
        .collect();
    if !present.is_empty() {
        return Err(format!("packages that deny.toml bans: {}", present.join(" ")));
    }
    println!("licences: {} packages, all allowed", packages.len());
    println!("bans: none of {}", banned.join(" "));
    Ok(())
}

/// `name vVERSION (path)|LICENCE`, perhaps marked as shown before.
fn package(line: &str) -> Option<(&str, &str)> {
    let (name, licence) = line.split_once('|')?;
    Some((name.trim(), licence.trim_end_matches(" (*)").trim()))
}

/// The strings of `allow` under `[licenses]`.
fn allowed(settings: &str) -> Result<Vec<&str>, String> {
    let list = settings
        .split_once("[licenses]")
        .and_then(|(_, rest)| rest.split_once("allow = [")?.1.split_once(']'))
        .map(|(list, _)| list)
        .ok_or("deny.toml has no list of licences")?;
    Ok(list.split('"').skip(1).step_by(2).collect())
}

/// The names in `deny` under `[bans]`.
fn banned(settings: &str) -> Result<Vec<&str>, String> {
    let list = settings
        .split_once("[bans]")
        .and_then(|(_, rest)| rest.split_once("deny = [")?.1.split_once("\n]"))
        .map(|(list, _)| list)
        .ok_or("deny.toml has no list of bans")?;
    let names: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    match list.matches("crate = ").count() == names.len() {
        true => Ok(names),
        false => Err("a ban in deny.toml is not just `{ crate = \"name\" }`".to_owned()),
    }
}

/// Whether an SPDX expression can be met with what is allowed. What is not
/// understood is not allowed.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    // Before SPDX was asked for, a slash stood for OR.
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any(&mut rest, allowed) == Some(true) && rest.is_empty()
}

fn any(words: &mut &[&str], allowed: &[&str]) -> Option<bool> {
    let mut met = all(words, allowed)?;
    while let [word, rest @ ..] = words
        && *word == "OR"
    {
        *words = rest;
        met |= all(words, allowed)?;
    }
    Some(met)
}

fn all(words: &mut &[&str], allowed: &[&str]) -> Option<bool> {
    let mut met = one(words, allowed)?;
    while let [word, rest @ ..] = words
        && *word == "AND"
    {
        *words = rest;
        met &= one(words, allowed)?;
    }
    Some(met)
}

fn one(words: &mut &[&str], allowed: &[&str]) -> Option<bool> {
    let (first, rest) = words.split_first()?;
    *words = rest;
    if *first == "(" {
        let met = any(words, allowed)?;
        let (last, rest) = words.split_first()?;
        *words = rest;
        return (*last == ")").then_some(met);
    }
    if matches!(*first, "OR" | "AND" | "WITH" | ")") {
        return None;
    }
    if let [word, exception, rest @ ..] = words
        && *word == "WITH"
    {
        let licence = format!("{first} WITH {exception}");
        *words = rest;
        return Some(allowed.contains(&licence.as_str()));
    }
    Some(allowed.contains(first))
}

/// Every package of the lock file is this workspace's, or of the registry and with
/// the sum of its bytes.
fn sources(lock: &str) -> Outcome {
    for package in lock.split("[[package]]").skip(1) {
        let field = |name: &str| {
            package
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'))
        };
        let name = field("name").unwrap_or("a package without a name");
        match field("source") {
            None => {}
            Some(REGISTRY) if field("checksum").is_some() => {}
            Some(other) => return Err(format!("{name} comes from {other}, or has no checksum")),
        }
    }
    println!("sources: only crates.io");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_met_by_what_is_allowed() {
        let allowed = ["MIT", "Apache-2.0 WITH LLVM-exception", "ISC"];
        for expression in [
            "MIT",
            "GPL-3.0 OR MIT",
            "GPL-3.0/MIT",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
            "(GPL-3.0 OR MIT) AND ISC",
            "GPL-3.0 AND ISC OR MIT",
        ] {
            assert!(is_allowed(expression, &allowed), "{expression}");
        }
        for expression in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "Apache-2.0",
            "Apache-2.0 WITH another-exception",
            "GPL-3.0 AND (ISC OR MIT)",
            "MIT OR",
            "(MIT",
            "MIT)",
            "MIT ISC",
            "MIT WITH LLVM-exception",
        ] {
            assert!(!is_allowed(expression, &allowed), "{expression}");
        }
    }

    #[test]
    fn the_list_is_that_of_the_settings() {
        let settings = "[bans]\nallow = [\"no\"]\n[licenses]\nallow = [\n  \"MIT\",\n  \"ISC\",\n]\n";
        assert_eq!(allowed(settings), Ok(vec!["MIT", "ISC"]));
        assert!(allowed("[licenses]").is_err());
    }

    #[test]
    fn the_bans_are_those_of_the_settings() {
        let settings = "[licenses]\ndeny = [\n \"MIT\"\n]\n[bans]\ndeny = [\n  { crate = \"a\" },\n  { crate = \"b\" },\n]\n";
        assert_eq!(banned(settings), Ok(vec!["a", "b"]));
        assert!(banned("[bans]\ndeny = [\n  { crate = \"a\", wrappers = [\"b\"] },\n]\n").is_err());
        assert!(banned("[bans]").is_err());
    }

    #[test]
    fn a_package_from_elsewhere_is_refused() {
        let of =
            |source: &str| format!("version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n{source}");
        assert_eq!(sources(&of("")), Ok(()));
        let registry = format!("source = \"{REGISTRY}\"\n");
        assert!(sources(&of(&registry)).is_err(), "without a checksum");
        assert_eq!(sources(&of(&format!("{registry}checksum = \"00\"\n"))), Ok(()));
        assert!(sources(&of("source = \"git+https://example.com/a\"\nchecksum = \"00\"\n")).is_err());
    }
}
