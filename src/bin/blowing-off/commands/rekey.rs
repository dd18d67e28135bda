//! `rekey`: encrypts the database, changes its key, or takes the encryption off.

use serde_json::json;

use crate::app::App;
use crate::args::RekeyArgs;
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::key;

pub(super) async fn run(app: App, args: RekeyArgs) -> Outcome {
    let new = match args.new_key_file.as_ref().filter(|_| !args.remove) {
        Some(file) => {
            let whole = std::path::absolute(file).map_err(Failure::from)?;
            Some((key::from_file(&whole)?, whole.display().to_string()))
        }
        None => None,
    };
    let (new, file) = new.unzip();
    app.with_client(async |client| Ok(client.change_key(new).await?))
        .await?;
    // From here on the file has the new key, also if this is where it ends: the hint of
    // the next error says how to name it.
    let mut config = Config::load(app.config.path())?;
    config.set_key_file(file.as_deref());
    config.save()?;
    if app.out.is_json() {
        return app.out.json(&json!({"encrypted": file.is_some()}));
    }
    app.out.line(match file {
        Some(_) => "the database is encrypted with the new key; without it nobody can read it, nor can you",
        None => "the database is not encrypted any more",
    })
}
