//! The flags of the commands for the graph: entities, relationships, paths, search.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::things::One;
use super::values::{Object, assignment, object_or_stdin};

/// `entity …`.
#[derive(Debug, Subcommand)]
pub(crate) enum EntityCommand {
    /// List entities
    List {
        /// Only those of this type: home, room, device, zone, note, manual, …
        #[arg(long = "type", value_name = "TYPE")]
        entity_type: Option<String>,
    },
    /// Show an entity
    Show(One),
    /// Make an entity
    Create(NewEntityArgs),
    /// Change an entity
    Update(EntityUpdate),
    /// Delete an entity; a house or room with what is in it
    Delete(One),
}

/// `entity create`.
#[derive(Debug, Args)]
pub(crate) struct NewEntityArgs {
    /// home, room, device, zone, door, window, procedure, manual, note, schedule, automation or app
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) entity_type: String,
    /// Its name
    #[arg(long)]
    pub(crate) name: String,
    /// Everything else; `-` reads it from stdin
    #[arg(long, value_name = "JSON", allow_hyphen_values = true, value_parser = object_or_stdin)]
    pub(crate) content: Option<Object>,
    /// homekit, matter, manual, imported or generated [default: manual]
    #[arg(long = "source", value_name = "SOURCE")]
    pub(crate) source_type: Option<String>,
}

/// `entity update`.
#[derive(Debug, Args)]
pub(crate) struct EntityUpdate {
    /// Id, prefix of an id, or name
    pub(crate) id: String,
    /// New name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Merge this into the content, null removes a name; `-` reads it from stdin
    #[arg(long, value_name = "JSON", allow_hyphen_values = true, value_parser = object_or_stdin)]
    pub(crate) content: Option<Object>,
    /// Replace the whole content instead of merging
    #[arg(long, requires = "content")]
    pub(crate) replace: bool,
    /// Set any name of the content to a JSON value, null to remove it; may be repeated
    #[arg(long, value_name = "FIELD=JSON", value_parser = assignment, conflicts_with = "content")]
    pub(crate) set: Vec<(String, Value)>,
    /// New source: homekit, matter, manual, imported or generated
    #[arg(long = "source", value_name = "SOURCE")]
    pub(crate) source_type: Option<String>,
}

/// `relation …`.
#[derive(Debug, Subcommand)]
pub(crate) enum RelationCommand {
    /// List relationships
    List {
        /// Only those that start at this entity
        #[arg(long, value_name = "ID")]
        from: Option<String>,
        /// Only those that lead to this entity
        #[arg(long, value_name = "ID")]
        to: Option<String>,
        /// Only those that start at this entity or lead to it
        #[arg(long, value_name = "ID")]
        of: Option<String>,
        /// Only those of this type: located_in, controls, …
        #[arg(long = "type", value_name = "TYPE")]
        relationship_type: Option<String>,
    },
    /// Connect two entities
    Add {
        /// The entity it starts at: id, prefix of an id, or name
        from: String,
        /// What it says: located_in, controls, connects_to, part_of, manages, documented_by, …
        #[arg(value_name = "TYPE")]
        relationship_type: String,
        /// The entity it leads to: id, prefix of an id, or name
        to: String,
        /// What is known about the connection; `-` reads it from stdin
        #[arg(long, value_name = "JSON", allow_hyphen_values = true, value_parser = object_or_stdin)]
        properties: Option<Object>,
    },
    /// Take a relationship away
    Remove {
        /// Id of the relationship, or a prefix of it
        id: String,
    },
}

/// `search`.
#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Words that names or contents must have; the last may be the beginning of one
    #[arg(required = true)]
    pub(crate) words: Vec<String>,
    /// Only entities of this type; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) types: Vec<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: u32,
}

/// `path`.
#[derive(Debug, Args)]
pub(crate) struct PathArgs {
    /// Where to start: id, prefix of an id, or name
    pub(crate) from: String,
    /// Where to get: id, prefix of an id, or name
    pub(crate) to: String,
    /// How many relationships at most
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) max_depth: u32,
}
