//! One signature in three languages, and the names that differ.

#![allow(clippy::unwrap_used)]

use uniffi_meta::{DefaultValueMetadata, LiteralMetadata, Type};

use super::{Kotlin, Language, Python, Swift};
use crate::api::{Api, Callable, Enum, Field, Kind, Record};
use crate::shape::layer::Layer;

fn named(name: &str) -> Type {
    Type::Record {
        module_path: "wildthing".to_owned(),
        name: name.to_owned(),
    }
}

fn optional(ty: Type) -> Type {
    Type::Optional {
        inner_type: Box::new(ty),
    }
}

fn list(ty: Type) -> Type {
    Type::Sequence {
        inner_type: Box::new(ty),
    }
}

fn field(name: &str, ty: Type, default: Option<LiteralMetadata>) -> Field {
    Field {
        name: name.to_owned(),
        docs: String::new(),
        ty,
        default: default.map(DefaultValueMetadata::Literal),
    }
}

fn get_rooms() -> Callable {
    Callable {
        name: "get_rooms".to_owned(),
        class: None,
        docs: String::new(),
        kind: Kind::Method,
        is_async: true,
        arguments: vec![
            field("house_id", optional(Type::String), Some(LiteralMetadata::None)),
            field("limit", Type::UInt32, Some(LiteralMetadata::new_uint(100))),
        ],
        returns: Some(list(named("Room"))),
        throws: Some(named("WildThingError")),
    }
}

fn variants(name: &str, is_error: bool, fields: Vec<Field>) -> Enum {
    Enum {
        name: name.to_owned(),
        docs: String::new(),
        variants: vec![Record {
            name: "NeedsAuth".to_owned(),
            docs: String::new(),
            fields,
            methods: Vec::new(),
        }],
        methods: Vec::new(),
        is_error,
        message_only: false,
    }
}

fn swift() -> Swift {
    Swift::new(Layer::default())
}

fn kotlin() -> Kotlin {
    Kotlin::new(&Api {
        errors: vec![variants("WildThingError", true, Vec::new())],
        ..Api::default()
    })
}

#[test]
fn a_method_is_written_as_each_language_does() {
    let method = get_rooms();
    assert_eq!(
        swift().signature(&method).unwrap(),
        "func getRooms(houseID: String? = nil, limit: Int = 100) async throws -> [Room]"
    );
    assert_eq!(
        kotlin().signature(&method).unwrap(),
        "suspend fun getRooms(houseId: String? = null, limit: UInt = 100): List<Room>"
    );
    assert_eq!(
        Python.signature(&method).unwrap(),
        "async def get_rooms(self, house_id: str | None = None, limit: int = 100) -> list[Room]"
    );
}

#[test]
fn swift_has_properties_durations_and_enums_of_fields() {
    let told = Callable {
        name: "event_type".to_owned(),
        is_async: false,
        arguments: Vec::new(),
        returns: Some(Type::String),
        throws: None,
        ..get_rooms()
    };
    assert_eq!(swift().declaration(&told), "var eventType: ");
    assert_eq!(swift().signature(&told).unwrap(), "var eventType: String { get }");
    let waited = field("waited_ms", Type::UInt64, None);
    assert_eq!(swift().field(&waited).unwrap(), "waited: Duration");
    let clear = field("clear", list(Type::String), Some(LiteralMetadata::EmptySequence));
    assert_eq!(
        swift().record_field("RoomPatch", &clear).unwrap(),
        "clear: [RoomPatch.Field] = []"
    );
    assert_eq!(
        Python.record_field("RoomPatch", &clear).unwrap(),
        "clear: list[str] = []"
    );
}

#[test]
fn a_constructor_belongs_to_its_class() {
    let open = Callable {
        name: "open".to_owned(),
        class: Some("Client".to_owned()),
        kind: Kind::Static,
        arguments: Vec::new(),
        returns: Some(named("Client")),
        throws: None,
        ..get_rooms()
    };
    assert_eq!(
        swift().signature(&open).unwrap(),
        "static func `open`() async -> Client"
    );
    assert_eq!(kotlin().signature(&open).unwrap(), "suspend fun open(): Client");
    assert_eq!(
        Python.signature(&open).unwrap(),
        "@classmethod\nasync def open(cls) -> Client"
    );
}

#[test]
fn variants_follow_what_they_are_of() {
    let flat = variants("Status", false, Vec::new());
    let full = variants("Change", false, vec![field("id", Type::String, None)]);
    let error = variants("WildThingError", true, Vec::new());
    let name = "NeedsAuth";
    let kotlin = kotlin();
    assert_eq!(swift().variant(&flat, name), "needsAuth");
    assert_eq!(swift().variant(&error, name), "needsAuth");
    assert_eq!(kotlin.variant(&flat, name), "NEEDS_AUTH");
    assert_eq!(kotlin.variant(&full, name), "NeedsAuth");
    assert_eq!(kotlin.variant(&error, "ServerError"), "ServerException");
    assert_eq!(kotlin.class("WildThingError"), "WildThingException");
    assert_eq!(Python.variant(&full, name), "NEEDS_AUTH");
    assert_eq!(Python.variant(&error, name), "NeedsAuth");
    assert_eq!(Python.member("from"), "_from");
}
