//! Reading `nm`, and which crate a symbol comes from.

use std::path::Path;
use std::process::Command;

use super::ship::run;

/// A piece of code.
pub(super) struct Symbol {
    pub(super) name: String,
    pub(super) size: u64,
}

/// Whether a name is one that other languages call.
pub(super) fn is_api(name: &str) -> bool {
    // On a Mac, C's names have a `_` in front.
    let name = name.strip_prefix('_').unwrap_or(name);
    name.starts_with("uniffi_wildthing_") || name.starts_with("ffi_wildthing_")
}

/// Whether a name is nobody else's: the API, and UniFFI's description of it,
/// which is exported for the generators to find.
pub(super) fn is_ours(name: &str) -> bool {
    let bare = name.strip_prefix('_').unwrap_or(name);
    is_api(name) || (bare.starts_with("UNIFFI_META_") && bare.contains("WILDTHING"))
}

/// What a shared library exports.
pub(super) fn exported(library: &Path) -> Result<Vec<String>, String> {
    let options: &[&str] = if cfg!(target_os = "macos") {
        &["-gU"]
    } else {
        &["-D", "--defined-only"]
    };
    names(library, options)
}

/// What an archive defines for everybody.
pub(super) fn global(archive: &Path) -> Result<Vec<String>, String> {
    let options: &[&str] = if cfg!(target_os = "macos") {
        &["-gU"]
    } else {
        &["-g", "--defined-only"]
    };
    names(archive, options)
}

fn names(file: &Path, options: &[&str]) -> Result<Vec<String>, String> {
    let text = run(Command::new("nm").args(options).arg(file))?;
    // An address, a letter and the name; an archive's members have a line as well.
    let mut names: Vec<String> = text
        .lines()
        .filter_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
            [_, letter, name] if letter.len() == 1 => Some(name.to_owned()),
            _ => None,
        })
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return Err(format!("nm finds nothing in {}", file.display()));
    }
    Ok(names)
}

/// The functions of a library that is not stripped, with their sizes.
pub(super) fn code(library: &Path) -> Result<Vec<Symbol>, String> {
    let text = run(Command::new("nm")
        .args(["--print-size", "--demangle", "--defined-only"])
        .arg(library))?;
    Ok(text.lines().filter_map(symbol).collect())
}

/// A line of `nm --print-size`: address, size, a letter (t or T for code) and the name.
fn symbol(line: &str) -> Option<Symbol> {
    let mut words = line.splitn(4, ' ');
    let (_, size, letter, name) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if !matches!(letter, "t" | "T" | "w" | "W") {
        return None;
    }
    Some(Symbol {
        name: name.to_owned(),
        size: u64::from_str_radix(size, 16).ok()?,
    })
}

/// The crate in which a function was written, as far as its name tells.
pub(super) fn origin(name: &str) -> &str {
    if name.contains("uniffi_wildthing") || name.starts_with("ffi_wildthing") {
        return "wildthing";
    }
    if !name.contains("::") {
        // SQLite's own functions have no prefix; ring's have one, whatever the version.
        return if name.contains("ring_core") || name.starts_with("bn_") || name.contains("_nohw") {
            "ring"
        } else if name.starts_with("__rust") || name.starts_with("rust_") {
            "std"
        } else {
            "SQLite and other C"
        };
    }
    // `<&mut tokio::task::Task<T> as core::fmt::Debug>::fmt` belongs to tokio.
    let path = name.trim_start_matches(|c: char| !c.is_alphabetic() && c != '_');
    let mut path = path;
    for word in ["dyn ", "mut ", "const ", "as "] {
        path = path.strip_prefix(word).unwrap_or(path);
    }
    let end = path
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(path.len());
    match &path[..end] {
        "core" | "alloc" | "std" => "std",
        // Of a method of a built-in type only the trait tells.
        "" | "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" | "bool" | "str" | "fn" | "impl"
        | "F" | "T" => "std",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn code_is_read_with_its_size() {
        let found = symbol("000000000001a2b0 0000000000000040 t tokio::run::<a b>").unwrap();
        assert_eq!((found.name.as_str(), found.size), ("tokio::run::<a b>", 64));
        assert!(symbol("000000000001a2b0 0000000000000040 d TABLE").is_none());
        assert!(symbol("                 U malloc").is_none());
    }

    #[test]
    fn a_name_tells_its_crate() {
        for (name, crate_name) in [
            ("tokio::task::spawn", "tokio"),
            ("<rustls::Config as core::fmt::Debug>::fmt", "rustls"),
            ("<&mut hyper::Body as core::fmt::Debug>::fmt", "hyper"),
            ("core::ptr::drop_in_place<reqwest::Client>", "std"),
            ("uniffi_wildthing_fn_free_client", "wildthing"),
            ("sqlite3VdbeExec", "SQLite and other C"),
            ("ring_core_0_17_14__bn_mul_mont", "ring"),
            ("__rust_alloc", "std"),
        ] {
            assert_eq!(origin(name), crate_name, "{name}");
        }
    }

    #[test]
    fn the_api_is_ours() {
        assert!(is_ours("uniffi_wildthing_fn_method_wildthingclient_sync"));
        assert!(is_ours("_ffi_wildthing_rustbuffer_alloc"));
        assert!(!is_ours("sqlite3_open_v2"));
        assert!(is_ours("UNIFFI_META_NAMESPACE_WILDTHING"));
        assert!(!is_api("UNIFFI_META_NAMESPACE_WILDTHING"));
    }
}
