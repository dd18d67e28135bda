//! The command's config file.

use std::fs;

use crate::config_file::{Config, FILE_NAME};

/// A file of these bytes: what is read of it is there again after it was saved, and a
/// file that can't be read stays as it is.
pub fn config(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(FILE_NAME);
    fs::write(&path, bytes).expect("a file");
    let Ok(mut config) = Config::load(&path) else {
        assert_eq!(fs::read(&path).expect("the file"), bytes);
        return;
    };
    let trust = (
        config.root_certificate().map(str::to_owned),
        config.pin().map(str::to_owned),
    );
    config.set_trust(trust.0.as_deref(), trust.1.as_deref());
    config.save().expect("it can be saved");
    let again = Config::load(&path).expect("what was saved can be read");
    assert!(again == config, "it was saved otherwise");
}
