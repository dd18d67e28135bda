//! Swift's hand-written layer, as far as the page about the API wants to know
//! it: which public declaration makes which call of the library.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use camino::Utf8Path;

/// Declarations by the call that they make.
#[derive(Default)]
pub(crate) struct Layer(BTreeMap<String, String>);

impl Layer {
    /// Reads all sources below a folder.
    pub(crate) fn read(folder: &Utf8Path) -> Result<Self> {
        let mut layer = Self::default();
        layer.folder(folder)?;
        Ok(layer)
    }

    fn folder(&mut self, folder: &Utf8Path) -> Result<()> {
        let entries = folder
            .read_dir_utf8()
            .with_context(|| format!("can't read {folder}"))?;
        let mut paths = entries
            .map(|entry| entry.map(|it| it.path().to_owned()))
            .collect::<Result<Vec<_>, _>>()?;
        paths.sort();
        for path in paths {
            if path.is_dir() {
                self.folder(&path)?;
            } else if path.extension() == Some("swift") {
                let text = fs::read_to_string(&path).with_context(|| format!("can't read {path}"))?;
                self.source(&text);
            }
        }
        Ok(())
    }

    fn source(&mut self, text: &str) {
        let mut declaration = String::new();
        let mut open = false;
        for line in text.lines().map(str::trim) {
            if let Some(begun) = line.strip_prefix("public ") {
                declaration = begun.to_owned();
                open = true;
            } else if open {
                declaration.push(' ');
                declaration.push_str(line);
            }
            if open && let Some((signature, body)) = declaration.clone().split_once('{') {
                signature.trim().clone_into(&mut declaration);
                open = false;
                self.calls(body, &declaration);
            } else if !open {
                self.calls(line, &declaration);
            }
        }
    }

    fn calls(&mut self, line: &str, declaration: &str) {
        let getter = line.split_once('{').map(|(getter, _)| getter.trim());
        let told = match getter.filter(|getter| getter.starts_with("get ")) {
            Some(getter) => format!("{declaration} {{ {getter} }}"),
            None if declaration.starts_with("var ") => format!("{declaration} {{ get }}"),
            None => declaration.replace("( ", "(").replace(" )", ")"),
        };
        for start in ["core.", "CoreClient.", "coreSet"] {
            for (at, _) in line.match_indices(start) {
                let name = if start == "coreSet" {
                    &line[at..]
                } else {
                    &line[at + start.len()..]
                };
                if let Some((name, _)) = name.split_once('(')
                    && name.chars().all(char::is_alphanumeric)
                {
                    self.0.entry(name.to_owned()).or_insert_with(|| told.clone());
                }
            }
        }
    }

    /// The declaration that makes a call, by its generated name.
    pub(crate) fn declaration(&self, call: &str) -> Option<&str> {
        let name = if call == "setLogSink" {
            "coreSetLogSink"
        } else {
            call
        };
        self.0.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_known_by_the_calls_they_make() {
        let mut layer = Layer::default();
        layer.source(
            "
extension A {
    /// Doc.
    public func fetchRooms(in houseID: RecordID? = nil) async throws -> [Room] {
        try await core.getRooms(houseID: houseID)
    }
    public func connect(
        to server: URL, token: String? = nil
    ) async throws {
        try await core.connect(serverURL: server.absoluteString)
    }
    public var session: AuthSession? { core.authSession() }
    public var clientID: String {
        get async throws { try await core.clientID() }
    }
}
",
        );
        let told = |name| layer.declaration(name);
        assert_eq!(
            told("getRooms"),
            Some("func fetchRooms(in houseID: RecordID? = nil) async throws -> [Room]")
        );
        assert_eq!(
            told("connect"),
            Some("func connect(to server: URL, token: String? = nil) async throws")
        );
        assert_eq!(told("authSession"), Some("var session: AuthSession? { get }"));
        assert_eq!(
            told("clientID"),
            Some("var clientID: String { get async throws }")
        );
        assert_eq!(told("sync"), None);
    }
}
