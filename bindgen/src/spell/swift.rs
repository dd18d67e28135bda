//! Swift.

use anyhow::Result;
use heck::{ToLowerCamelCase, ToUpperCamelCase};
use uniffi_meta::Type;

use super::{Language, Words, record_field, written};
use crate::api::{Callable, Enum, Field, Kind};
use crate::shape::hide;
use crate::shape::layer::Layer;
use crate::shape::names;

/// Its rules, and the layer that apps call.
pub(crate) struct Swift {
    layer: Layer,
}

impl Swift {
    pub(crate) fn new(layer: Layer) -> Self {
        Self { layer }
    }

    /// How an app makes a call.
    pub(crate) fn layered(&self, callable: &Callable) -> Option<String> {
        let name = self.member(&callable.name);
        self.layer.declaration(&name).map(str::to_owned)
    }
}

const WORDS: Words = Words {
    boolean: "Bool",
    string: "String",
    bytes: "Data",
    timestamp: "Date",
    duration: "Duration",
    signed: ["Int8", "Int16", "Int32", "Int"],
    unsigned: ["UInt8", "Int", "Int", "Int"],
    floats: ["Float", "Double"],
    optional: "{}?",
    sequence: "[{}]",
    set: "Set<{}>",
    map: "[{}: {}]",
    truth: ["false", "true"],
    none: "nil",
    empty_sequence: "[]",
    empty_map: "[:]",
    empty_set: "[]",
};

/// The words of the language that our names may meet; they are written in backticks.
const KEYWORDS: &[&str] = &[
    "as",
    "break",
    "case",
    "catch",
    "class",
    "continue",
    "default",
    "defer",
    "do",
    "else",
    "enum",
    "extension",
    "false",
    "for",
    "func",
    "guard",
    "if",
    "import",
    "in",
    "init",
    "inout",
    "internal",
    "is",
    "let",
    "nil",
    "open",
    "operator",
    "private",
    "protocol",
    "public",
    "repeat",
    "rethrows",
    "return",
    "self",
    "static",
    "struct",
    "subscript",
    "super",
    "switch",
    "throw",
    "throws",
    "true",
    "try",
    "typealias",
    "var",
    "where",
    "while",
];

fn quoted(name: String) -> String {
    if KEYWORDS.contains(&name.as_str()) {
        format!("`{name}`")
    } else {
        name
    }
}

impl Language for Swift {
    const NAME: &'static str = "Swift";

    fn class(&self, name: &str) -> String {
        names::class(&name.to_upper_camel_case())
    }

    fn object(&self, name: &str) -> String {
        hide::object(&self.class(name))
    }

    fn member(&self, name: &str) -> String {
        names::member(&name.to_lower_camel_case())
    }

    fn variant(&self, _: &Enum, name: &str) -> String {
        quoted(name.to_lower_camel_case())
    }

    fn enum_literal(&self, _: &Type, variant: &str) -> String {
        format!(".{}", variant.to_lower_camel_case())
    }

    fn field_name(&self, record: &str, name: &str) -> String {
        names::field(record, &self.member(name))
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn field(&self, field: &Field) -> Result<String> {
        let text = written(self, field)?;
        // See `shape::machinery`.
        Ok(match field.name.as_str() {
            "waited_ms" => text.replace(": Int", ": Duration"),
            _ => text,
        })
    }

    fn record_field(&self, record: &str, field: &Field) -> Result<String> {
        let text = record_field(self, record, field)?;
        Ok(match field.name.as_str() {
            "clear" => text.replace("[String]", &format!("[{record}.Field]")),
            _ => text,
        })
    }

    fn declaration(&self, callable: &Callable) -> String {
        match callable.kind {
            Kind::New => "init(".to_owned(),
            _ if names::is_property(&self.member(&callable.name)) => {
                format!("var {}: ", self.member(&callable.name))
            }
            _ => format!("func {}(", hide::function(&quoted(self.member(&callable.name)))),
        }
    }

    fn signature(&self, callable: &Callable) -> Result<String> {
        let mut text = String::new();
        if let Some(ty) = &callable.returns
            && names::is_property(&self.member(&callable.name))
        {
            return Ok(format!("{}{} {{ get }}", self.declaration(callable), self.ty(ty)));
        }
        if callable.kind == Kind::Static && callable.class.is_some() {
            text.push_str("static ");
        }
        text.push_str(&self.declaration(callable));
        text.push_str(&self.fields(&callable.arguments)?);
        text.push(')');
        if callable.is_async {
            text.push_str(" async");
        }
        if callable.throws.is_some() {
            text.push_str(" throws");
        }
        if let Some(ty) = callable.returns.as_ref().filter(|_| callable.kind != Kind::New) {
            text.push_str(&format!(" -> {}", self.ty(ty)));
        }
        Ok(text)
    }
}
