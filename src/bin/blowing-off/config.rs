//! `.blowing-off.json`: which server, which token, which database.
//!
//! The file is read, changed and written here. It is private to its owner and
//! replaced as a whole: a reader sees the old file or the new one, never half.
//! Keys that this version does not know are kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;
use wildthing::model::JsonObject;
use wildthing::protocol::Protocol;

use crate::failure::{Exit, Failure, Outcome};
use crate::secret::Secret;

/// The file's name in the working directory.
pub(crate) const FILE_NAME: &str = ".blowing-off.json";
const DEFAULT_DATABASE: &str = "blowing-off.db";
/// A config is a few lines; anything larger is some other file.
const MAX_BYTES: u64 = 1024 * 1024;

const SERVER_URL: &str = "server_url";
const AUTH_TOKEN: &str = "auth_token";
const CLIENT_ID: &str = "client_id";
const DB_PATH: &str = "db_path";
const ROOT_CERTIFICATE: &str = "root_certificate_pem";
const PIN: &str = "pinned_certificate_sha256";
const PROTOCOL: &str = "protocol";
const KEY_FILE: &str = "key_file";
const ALLOW_PLAIN_HTTP: &str = "allow_plain_http";

/// The config of a run; empty if there is no file yet.
#[derive(Clone, PartialEq)]
pub(crate) struct Config {
    path: PathBuf,
    values: JsonObject,
}

impl Config {
    /// Reads the file at `path`; a file that is not there is an empty config.
    pub(crate) fn load(path: &Path) -> Outcome<Self> {
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        let values = match read {
            Ok(_) if bytes.len() as u64 > MAX_BYTES => return Err(unreadable(path, "it is over 1 MiB")),
            Ok(_) => parse(path, &bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => JsonObject::new(),
            Err(error) => return Err(unreadable(path, &error.to_string())),
        };
        Ok(Self {
            path: path.to_owned(),
            values,
        })
    }

    /// Where the file is, or would be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The server, once `connect` was run.
    pub(crate) fn server_url(&self) -> Option<&str> {
        self.text(SERVER_URL)
    }

    /// The saved token.
    pub(crate) fn auth_token(&self) -> Option<Secret> {
        self.text(AUTH_TOKEN).map(Secret::from)
    }

    /// This client's name to the server.
    pub(crate) fn client_id(&self) -> Option<&str> {
        self.text(CLIENT_ID)
    }

    /// The database; a relative path starts at the config's folder.
    pub(crate) fn database(&self) -> PathBuf {
        folder(&self.path).join(self.text(DB_PATH).unwrap_or(DEFAULT_DATABASE))
    }

    /// Where the key of an encrypted database is; a relative path starts at the
    /// config's folder.
    pub(crate) fn key_file(&self) -> Option<PathBuf> {
        Some(folder(&self.path).join(self.text(KEY_FILE)?))
    }

    /// Sets where the key is; the database is not encrypted if nothing is said.
    pub(crate) fn set_key_file(&mut self, file: Option<&str>) {
        match file {
            Some(file) => self.values.insert(KEY_FILE.into(), file.into()),
            None => self.values.remove(KEY_FILE),
        };
    }

    /// What the server was said to speak.
    pub(crate) fn protocol(&self) -> Option<Protocol> {
        self.text(PROTOCOL).and_then(Protocol::parse)
    }

    /// Sets what the server speaks; to ask it is what is done anyway.
    pub(crate) fn set_protocol(&mut self, protocol: Option<Protocol>) {
        match protocol {
            None | Some(Protocol::Auto) => self.values.remove(PROTOCOL),
            Some(named) => self.values.insert(PROTOCOL.into(), named.as_str().into()),
        };
    }

    /// Sets what `connect` learned.
    pub(crate) fn set_server(&mut self, server_url: &str, token: Option<&Secret>) {
        self.values.insert(SERVER_URL.into(), server_url.into());
        self.set_token(token);
        if self.text(DB_PATH).is_none() {
            self.values.insert(DB_PATH.into(), DEFAULT_DATABASE.into());
        }
    }

    /// Sets the token, or forgets it.
    pub(crate) fn set_token(&mut self, token: Option<&Secret>) {
        let token = token.map_or(Value::Null, |token| token.reveal().into());
        self.values.insert(AUTH_TOKEN.into(), token);
    }

    /// Whom to trust beside the system: a root certificate in PEM.
    pub(crate) fn root_certificate(&self) -> Option<&str> {
        self.text(ROOT_CERTIFICATE)
    }

    /// The SHA-256 of the one certificate to trust.
    pub(crate) fn pin(&self) -> Option<&str> {
        self.text(PIN)
    }

    /// Sets whom to trust.
    pub(crate) fn set_trust(&mut self, root_certificate: Option<&str>, pin: Option<&str>) {
        for (key, value) in [(ROOT_CERTIFICATE, root_certificate), (PIN, pin)] {
            match value {
                Some(value) => self.values.insert(key.into(), value.into()),
                None => self.values.remove(key),
            };
        }
    }

    /// Whether the server may be reached over plain HTTP wherever it is.
    pub(crate) fn allow_plain_http(&self) -> bool {
        self.values.get(ALLOW_PLAIN_HTTP) == Some(&Value::Bool(true))
    }

    /// Sets whether it may; it may not if nothing is said.
    pub(crate) fn set_allow_plain_http(&mut self, allow: bool) {
        match allow {
            true => self.values.insert(ALLOW_PLAIN_HTTP.into(), true.into()),
            false => self.values.remove(ALLOW_PLAIN_HTTP),
        };
    }

    /// Sets this client's name; says whether it was another before.
    pub(crate) fn set_client_id(&mut self, client_id: &str) -> bool {
        let changed = self.client_id() != Some(client_id);
        self.values.insert(CLIENT_ID.into(), client_id.into());
        changed
    }

    /// Writes the file: private, and whole or not at all.
    pub(crate) fn save(&self) -> Outcome {
        let mut text = serde_json::to_string_pretty(&self.values).unwrap_or_default();
        text.push('\n');
        // A link stays a link: what it points to is replaced.
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        replace(&target, text.as_bytes()).map_err(|error| {
            Failure::new(
                Exit::Failed,
                "config",
                format!("the config {} can't be written: {error}", self.path.display()),
                "make its folder writable or name another file with --config; the old config is unchanged",
            )
        })
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.values
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }
}

/// The folder of a file, `.` for a bare name.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Outcome<JsonObject> {
    // Only the place of the mistake is told: the text around it may hold the token.
    let values: JsonObject = serde_json::from_slice(bytes).map_err(|error| {
        let place = format!(
            "it is not a JSON object (line {}, column {})",
            error.line(),
            error.column()
        );
        unreadable(path, &place)
    })?;
    for key in [
        SERVER_URL,
        AUTH_TOKEN,
        CLIENT_ID,
        DB_PATH,
        KEY_FILE,
        ROOT_CERTIFICATE,
        PIN,
        PROTOCOL,
    ] {
        if !matches!(values.get(key), None | Some(Value::Null | Value::String(_))) {
            return Err(unreadable(path, &format!("{key} is not a text")));
        }
    }
    Ok(values)
}

fn unreadable(path: &Path, problem: &str) -> Failure {
    Failure::new(
        Exit::Failed,
        "config",
        format!("the config {} can't be used: {problem}", path.display()),
        "correct the file, or move it away and run `blowing-off connect` again; nothing was changed",
    )
}

/// Writes beside the file and renames, so that a crash leaves the old or the new file.
fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder(target);
    let temporary = folder.join(format!("{FILE_NAME}.{}.tmp", uuid::Uuid::new_v4().simple()));
    let written = write_private(&temporary, bytes).and_then(|()| fs::rename(&temporary, target));
    if written.is_err() {
        // The first error is the one worth telling.
        let _ = fs::remove_file(&temporary);
        return written;
    }
    // The rename itself must survive a power cut too; not every system can promise it.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn file(text: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn what_is_saved_is_read_again_and_foreign_keys_stay() {
        let (_folder, path) = file(br#"{"theme": {"dark": true}, "big": 123456789012345678901234567890}"#);
        let mut config = Config::load(&path).unwrap();
        config.set_server("http://localhost:8000", Some(&Secret::from("t")));
        assert!(config.set_client_id("c"));
        assert!(!config.set_client_id("c"));
        config.save().unwrap();
        let again = Config::load(&path).unwrap();
        assert!(again == config);
        assert_eq!(again.server_url(), Some("http://localhost:8000"));
        assert_eq!(again.auth_token(), Some(Secret::from("t")));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("123456789012345678901234567890") && text.contains("dark"));
        assert!(text.contains(r#""db_path": "blowing-off.db""#));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_private_and_nothing_is_left_beside_it() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, path) = file(b"{}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        Config::load(&path).unwrap().save().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let (folder, path) = file(b"{}");
        let link = folder.path().join("link.json");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let mut config = Config::load(&link).unwrap();
        config.set_server("http://h", None);
        config.save().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(Config::load(&path).unwrap().server_url(), Some("http://h"));
    }

    #[test]
    fn garbage_is_refused_by_name_and_left_alone() {
        for text in [
            &b"not json"[..],
            b"[]",
            b"",
            b"{\"server_url\": 3}",
            b"\xff\xfe",
            b"{\"auth_token\": \"hush",
        ] {
            let (_folder, path) = file(text);
            let Err(failure) = Config::load(&path) else {
                unreachable!("{text:?} was accepted")
            };
            assert!(failure.message.contains(FILE_NAME), "{failure:?}");
            assert!(!failure.message.contains("hush") && !failure.hint.is_empty());
            assert_eq!(fs::read(&path).unwrap(), text);
        }
    }

    #[test]
    fn the_database_is_found_from_the_configs_folder() {
        let missing = Config::load(Path::new("nowhere/at-all.json")).unwrap();
        assert_eq!(missing.database(), Path::new("nowhere/blowing-off.db"));
        let (folder, path) = file(br#"{"db_path": "house.db"}"#);
        assert_eq!(
            Config::load(&path).unwrap().database(),
            folder.path().join("house.db")
        );
        let (_folder, path) = file(br#"{"db_path": "/var/house.db"}"#);
        assert_eq!(
            Config::load(&path).unwrap().database(),
            Path::new("/var/house.db")
        );
    }
}
