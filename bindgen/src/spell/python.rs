//! Python.

use anyhow::Result;
use heck::{ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use uniffi_meta::Type;

use super::{Language, Words};
use crate::api::{Callable, Enum, Kind};

/// Its rules.
pub(crate) struct Python;

const WORDS: Words = Words {
    boolean: "bool",
    string: "str",
    bytes: "bytes",
    timestamp: "datetime",
    duration: "timedelta",
    signed: ["int"; 4],
    unsigned: ["int"; 4],
    floats: ["float"; 2],
    // As one writes it today; the generated source has `typing.Optional` and `typing.List`.
    optional: "{} | None",
    sequence: "list[{}]",
    set: "set[{}]",
    map: "dict[{}, {}]",
    truth: ["False", "True"],
    none: "None",
    empty_sequence: "[]",
    empty_map: "{}",
    empty_set: "set()",
};

/// The words of the language that our names may meet; they get a `_` in front.
const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def",
    "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

fn free(name: String) -> String {
    if KEYWORDS.contains(&name.as_str()) {
        format!("_{name}")
    } else {
        name
    }
}

impl Language for Python {
    const NAME: &'static str = "Python";

    fn class(&self, name: &str) -> String {
        free(name.to_upper_camel_case())
    }

    fn member(&self, name: &str) -> String {
        free(name.to_snake_case())
    }

    fn variant(&self, of: &Enum, name: &str) -> String {
        if of.is_error {
            free(name.to_upper_camel_case())
        } else {
            free(name.to_shouty_snake_case())
        }
    }

    fn enum_literal(&self, ty: &Type, variant: &str) -> String {
        format!("{}.{}", self.ty(ty), free(variant.to_shouty_snake_case()))
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn declaration(&self, callable: &Callable) -> String {
        match callable.kind {
            Kind::New => "def __init__(self".to_owned(),
            Kind::Method => format!("def {}(self", self.member(&callable.name)),
            Kind::Static if callable.class.is_some() => {
                format!("def {}(cls", self.member(&callable.name))
            }
            Kind::Static => format!("def {}(", self.member(&callable.name)),
        }
    }

    fn signature(&self, callable: &Callable) -> Result<String> {
        let arguments = self.fields(&callable.arguments)?;
        let name = self.member(&callable.name);
        let (before, first) = match (&callable.kind, &callable.class) {
            (Kind::New, Some(class)) => return Ok(format!("{}({arguments})", self.class(class))),
            (_, Some(_)) => ("@classmethod\n", "cls"),
            (Kind::Method, None) => ("", "self"),
            _ => ("", ""),
        };
        let comma = if first.is_empty() || arguments.is_empty() {
            ""
        } else {
            ", "
        };
        let asynchronous = if callable.is_async { "async " } else { "" };
        let returns = match &callable.returns {
            Some(ty) => self.ty(ty),
            None => "None".to_owned(),
        };
        Ok(format!(
            "{before}{asynchronous}def {name}({first}{comma}{arguments}) -> {returns}"
        ))
    }
}
