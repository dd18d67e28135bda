//! Kotlin.

use std::collections::BTreeSet;

use anyhow::Result;
use heck::{ToLowerCamelCase, ToShoutySnakeCase, ToUpperCamelCase};
use uniffi_meta::Type;

use super::{Language, Words};
use crate::api::{Api, Callable, Enum, Kind};
use crate::kotlin::HANDLES;

/// Its rules, and the names of the errors: what is `SomeError` elsewhere is
/// `SomeException` here, as is usual on the JVM.
pub(crate) struct Kotlin {
    errors: BTreeSet<String>,
}

impl Kotlin {
    pub(crate) fn new(api: &Api) -> Self {
        Self {
            errors: api.errors.iter().map(|error| error.name.clone()).collect(),
        }
    }

    /// What the page says of the calls that become Flows, by their names in Rust.
    pub(crate) const fn flows() -> &'static [(&'static str, &'static str)] {
        FLOWS
    }

    /// Whether what a call returns is pulled from, so that the layer has to make a Flow of it.
    pub(crate) fn gives_handle(callable: &Callable) -> bool {
        matches!(&callable.returns, Some(Type::Object { name, .. }) if HANDLES.contains(&name.as_str()))
    }
}

const WORDS: Words = Words {
    boolean: "Boolean",
    string: "String",
    bytes: "ByteArray",
    timestamp: "Instant",
    duration: "Duration",
    signed: ["Byte", "Short", "Int", "Long"],
    unsigned: ["UByte", "UShort", "UInt", "ULong"],
    floats: ["Float", "Double"],
    optional: "{}?",
    sequence: "List<{}>",
    set: "Set<{}>",
    map: "Map<{}, {}>",
    truth: ["false", "true"],
    none: "null",
    empty_sequence: "listOf()",
    empty_map: "mapOf()",
    empty_set: "setOf()",
};

/// What the layer makes of the calls that give a handle to pull from; `verify` holds
/// it against the layer's source.
const FLOWS: &[(&str, &str)] = &[
    ("changes", "val changes: Flow<ChangeBatch>"),
    ("watch_houses", "fun houses(): Flow<List<House>>"),
    (
        "watch_rooms",
        "fun rooms(houseId: RecordId? = null): Flow<List<Room>>",
    ),
    (
        "watch_devices",
        "fun devices(roomId: RecordId? = null): Flow<List<Device>>",
    ),
    (
        "watch_device_state",
        "fun deviceState(deviceId: RecordId): Flow<DeviceState?>",
    ),
    (
        "watch_status",
        "fun status(): Flow<SyncStatus>\nsuspend fun statusIn(scope: CoroutineScope): StateFlow<SyncStatus>",
    ),
];

fn flow(callable: &Callable) -> Option<String> {
    let class = callable.class.as_deref()?;
    if HANDLES.contains(&class) {
        return Some("// inside the Flow".to_owned());
    }
    let known = FLOWS.iter().find(|(name, _)| *name == callable.name);
    known.map(|(_, flow)| (*flow).to_owned())
}

/// A class for an error, or a variant of one.
fn exception(name: &str) -> String {
    let name = name.to_upper_camel_case();
    name.strip_suffix("Error")
        .map(|stem| format!("{stem}Exception"))
        .unwrap_or(name)
}

impl Language for Kotlin {
    const NAME: &'static str = "Kotlin";

    fn class(&self, name: &str) -> String {
        if self.errors.contains(name) {
            exception(name)
        } else if name == "Json" {
            "JsonElement".to_owned()
        } else {
            name.to_upper_camel_case()
        }
    }

    fn member(&self, name: &str) -> String {
        name.to_lower_camel_case()
    }

    fn variant(&self, of: &Enum, name: &str) -> String {
        if of.is_error {
            exception(name)
        } else if of.is_flat() {
            name.to_shouty_snake_case()
        } else {
            name.to_upper_camel_case()
        }
    }

    fn enum_literal(&self, ty: &Type, variant: &str) -> String {
        format!("{}.{}", self.ty(ty), variant.to_shouty_snake_case())
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn declaration(&self, callable: &Callable) -> String {
        match (&callable.kind, &callable.class) {
            (Kind::New, Some(_)) => "constructor(".to_owned(),
            // Generated code puts names in backticks, so that none is a keyword.
            _ => format!("fun `{}`(", self.member(&callable.name)),
        }
    }

    fn signature(&self, callable: &Callable) -> Result<String> {
        if let Some(text) = flow(callable) {
            return Ok(text);
        }
        let mut text = String::new();
        if callable.is_async {
            text.push_str("suspend ");
        }
        text.push_str(&self.declaration(callable).replace('`', ""));
        text.push_str(&self.fields(&callable.arguments)?);
        text.push(')');
        if let Some(ty) = callable.returns.as_ref().filter(|_| callable.kind != Kind::New) {
            text.push_str(&format!(": {}", self.ty(ty)));
        }
        Ok(text)
    }
}
