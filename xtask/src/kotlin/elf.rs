//! Whether a shared library can be loaded by Android devices with pages of 16 KB:
//! every segment that is loaded has to be aligned to that.
//!
//! An ELF file is read by hand here, for it is two tables; `readelf` is not
//! everywhere, and its words differ.

use std::fs;
use std::path::Path;

use crate::Outcome;

/// What Android asks for since version 15.
const PAGE: u64 = 16 * 1_024;

/// The type of a segment that is loaded.
const PT_LOAD: u64 = 1;

/// `cargo xtask aligned FILE…`: fails with every library that is not aligned.
pub(crate) fn aligned(files: &[String]) -> Outcome {
    if files.is_empty() {
        return Err("aligned needs a library".to_owned());
    }
    let mut problems = Vec::new();
    for file in files {
        match least_alignment(Path::new(file)) {
            Ok(least) if least >= PAGE => println!("{file}: aligned to {least} bytes"),
            Ok(least) => problems.push(format!("{file}: aligned to {least} bytes only, not to {PAGE}")),
            Err(problem) => problems.push(format!("{file}: {problem}")),
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.join("\n"))
    }
}

/// The least alignment among the loaded segments of a file.
pub(super) fn least_alignment(file: &Path) -> Result<u64, String> {
    let bytes = fs::read(file).map_err(|error| format!("can't be read: {error}"))?;
    alignments(&bytes)?
        .into_iter()
        .min()
        .ok_or_else(|| "has no segment that is loaded".to_owned())
}

/// The alignments of the loaded segments.
fn alignments(bytes: &[u8]) -> Result<Vec<u64>, String> {
    if !bytes.starts_with(b"\x7fELF") {
        return Err("is no ELF file".to_owned());
    }
    // Little-endian is what every Android is.
    let wide = match (bytes.get(4), bytes.get(5)) {
        (Some(1), Some(1)) => false,
        (Some(2), Some(1)) => true,
        _ => return Err("is not a little-endian ELF file of 32 or 64 bits".to_owned()),
    };
    let (table_at, size_at, count_at) = if wide { (32, 54, 56) } else { (28, 42, 44) };
    let (word, align_at) = if wide { (8, 48) } else { (4, 28) };
    let table = number(bytes, table_at, word)?;
    let size = number(bytes, size_at, 2)?;
    let count = number(bytes, count_at, 2)?;
    let mut found = Vec::new();
    for index in 0..count {
        let entry = table.saturating_add(index * size);
        if number(bytes, entry, 4)? == PT_LOAD {
            found.push(number(bytes, entry.saturating_add(align_at), word)?);
        }
    }
    Ok(found)
}

/// A little-endian number of so many bytes.
fn number(bytes: &[u8], at: u64, size: u64) -> Result<u64, String> {
    let end = at.saturating_add(size);
    let range = usize::try_from(at).ok().zip(usize::try_from(end).ok());
    range
        .and_then(|(at, end)| bytes.get(at..end))
        .map(|bytes| {
            bytes
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        })
        .ok_or_else(|| "is cut off".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A library with one loaded segment and one that is not.
    fn library(align: u64) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 2 * 56];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 2;
        bytes[64] = 1;
        bytes[112..120].copy_from_slice(&align.to_le_bytes());
        bytes[120] = 6;
        bytes[168] = 8;
        bytes
    }

    #[test]
    fn only_loaded_segments_count() {
        assert_eq!(alignments(&library(PAGE)), Ok(vec![16_384]));
        assert_eq!(alignments(&library(4_096)), Ok(vec![4_096]));
    }

    #[test]
    fn what_is_no_library_is_named() {
        assert!(alignments(b"MZ").unwrap_err().contains("no ELF"));
        assert!(alignments(&library(PAGE)[..100]).unwrap_err().contains("cut off"));
        assert!(
            alignments(b"\x7fELF\x03\x01")
                .unwrap_err()
                .contains("little-endian")
        );
    }

    /// Real libraries, as a linker makes them with and without Android's flag.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_linker_is_believed() {
        let folder = std::env::temp_dir().join(format!("wildthing-elf-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let source = folder.join("empty.c");
        fs::write(&source, "int answer(void) { return 42; }\n").unwrap();
        let mut verdicts = Vec::new();
        for page in ["4096", "16384"] {
            let library = folder.join(format!("lib{page}.so"));
            let status = std::process::Command::new("cc")
                .args(["-shared", "-fPIC"])
                .arg(format!("-Wl,-z,max-page-size={page}"))
                .arg(&source)
                .arg("-o")
                .arg(&library)
                .status();
            assert!(status.unwrap().success());
            assert_eq!(least_alignment(&library).unwrap().to_string(), page);
            verdicts.push(aligned(&[library.to_string_lossy().into_owned()]).is_ok());
        }
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(verdicts, [false, true]);
    }
}
