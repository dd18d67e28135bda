//! What the updates of all kinds have in common.

use wildthing::model::JsonObject;

use crate::args::things::UpdateOf;
use crate::failure::{Failure, Outcome};

/// The fields given with `--set`; of two for one field the later counts.
pub(super) fn extra(of: &UpdateOf) -> Option<JsonObject> {
    (!of.set.is_empty()).then(|| of.set.iter().cloned().collect())
}

/// An update that changes nothing is a mistake, told before anything is looked up.
pub(super) fn something<P: Default + PartialEq>(patch: P, moved: bool) -> Outcome<P> {
    if patch == P::default() && !moved {
        return Err(Failure::usage(
            "there is nothing to change",
            "give a flag such as --name, or --set FIELD=JSON; see --help",
        ));
    }
    Ok(patch)
}
