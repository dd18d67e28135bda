//! Swift.

use anyhow::Result;
use heck::{ToLowerCamelCase, ToUpperCamelCase};
use uniffi_meta::Type;

use super::{Language, Words};
use crate::api::{Callable, Enum, Kind};

/// Its rules.
pub(crate) struct Swift;

const WORDS: Words = Words {
    boolean: "Bool",
    string: "String",
    bytes: "Data",
    timestamp: "Date",
    duration: "TimeInterval",
    signed: ["Int8", "Int16", "Int32", "Int64"],
    unsigned: ["UInt8", "UInt16", "UInt32", "UInt64"],
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
        name.to_upper_camel_case()
    }

    fn member(&self, name: &str) -> String {
        name.to_lower_camel_case()
    }

    fn variant(&self, of: &Enum, name: &str) -> String {
        if of.is_error {
            name.to_upper_camel_case()
        } else {
            quoted(name.to_lower_camel_case())
        }
    }

    fn enum_literal(&self, _: &Type, variant: &str) -> String {
        format!(".{}", variant.to_lower_camel_case())
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn declaration(&self, callable: &Callable) -> String {
        match callable.kind {
            Kind::New => "init(".to_owned(),
            _ => format!("func {}(", quoted(self.member(&callable.name))),
        }
    }

    fn signature(&self, callable: &Callable) -> Result<String> {
        let mut text = String::new();
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
