//! Building the patch of an update from its flags.

use serde_json::Value;
use wildthing::client::inputs::Patch;

use crate::args::things::UpdateOf;
use crate::failure::{Failure, Outcome};

/// Fields to change, by their names on the wire.
#[derive(Debug, Default)]
pub(super) struct Changes {
    fields: Patch,
}

impl Changes {
    /// Starts with what every update takes.
    pub(super) fn new(of: &UpdateOf) -> Self {
        let mut changes = Self::default();
        for (field, value) in &of.set {
            changes.fields.insert(field.clone(), value.clone());
        }
        changes.set("name", of.name.clone());
        changes
    }

    /// Takes a flag that was given.
    pub(super) fn set(&mut self, field: &str, value: Option<impl Into<Value>>) -> &mut Self {
        if let Some(value) = value {
            self.fields.insert(field.to_owned(), value.into());
        }
        self
    }

    /// The patch; an update that changes nothing is a mistake.
    pub(super) fn finish(self) -> Outcome<Patch> {
        if self.fields.is_empty() {
            return Err(Failure::usage(
                "there is nothing to change",
                "give a flag such as --name, or --set FIELD=JSON; see --help",
            ));
        }
        Ok(self.fields)
    }
}
