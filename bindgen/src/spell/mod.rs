//! How each language writes a type, a name and a signature: the rules of
//! UniFFI's generators, as a person would write the result. `verify` holds
//! what is spelled here against what the generators wrote.

mod kotlin;
mod python;
mod swift;
#[cfg(test)]
mod tests;

use anyhow::{Result, bail};
use uniffi_meta::{DefaultValueMetadata, LiteralMetadata, Type};

use crate::api::{Api, Callable, Enum, Field};
use crate::shape::layer::Layer;

pub(crate) use kotlin::Kotlin;
pub(crate) use python::Python;
pub(crate) use swift::Swift;

/// One of the languages.
pub(crate) trait Language {
    /// Its name.
    const NAME: &'static str;

    /// A class, record or enum.
    fn class(&self, name: &str) -> String;
    /// A class with methods, or a trait, as the generated source names it.
    fn object(&self, name: &str) -> String {
        self.class(name)
    }
    /// A method, argument or field.
    fn member(&self, name: &str) -> String;
    /// A field of a record.
    fn field_name(&self, _record: &str, name: &str) -> String {
        self.member(name)
    }
    /// A variant of an enum or error.
    fn variant(&self, of: &Enum, name: &str) -> String;
    /// A literal of an enum.
    fn enum_literal(&self, ty: &Type, variant: &str) -> String;

    /// How types are written.
    fn words(&self) -> &'static Words;

    /// What is in front of the name when something is declared.
    fn declaration(&self, callable: &Callable) -> String;
    /// The whole signature.
    fn signature(&self, callable: &Callable) -> Result<String>;

    /// A type.
    fn ty(&self, ty: &Type) -> String {
        let words = self.words();
        let fill = |pattern: &str, inner: &Type| pattern.replace("{}", &self.ty(inner));
        match ty {
            Type::Boolean => words.boolean.to_owned(),
            Type::String => words.string.to_owned(),
            Type::Bytes => words.bytes.to_owned(),
            Type::Timestamp => words.timestamp.to_owned(),
            Type::Duration => words.duration.to_owned(),
            Type::Int8 => words.signed[0].to_owned(),
            Type::Int16 => words.signed[1].to_owned(),
            Type::Int32 => words.signed[2].to_owned(),
            Type::Int64 => words.signed[3].to_owned(),
            Type::UInt8 => words.unsigned[0].to_owned(),
            Type::UInt16 => words.unsigned[1].to_owned(),
            Type::UInt32 => words.unsigned[2].to_owned(),
            Type::UInt64 => words.unsigned[3].to_owned(),
            Type::Float32 => words.floats[0].to_owned(),
            Type::Float64 => words.floats[1].to_owned(),
            Type::Object { name, .. }
            | Type::Record { name, .. }
            | Type::Enum { name, .. }
            | Type::CallbackInterface { name, .. }
            | Type::Custom { name, .. } => self.class(name),
            Type::Box { inner_type } => self.ty(inner_type),
            Type::Optional { inner_type } => fill(words.optional, inner_type),
            Type::Sequence { inner_type } => fill(words.sequence, inner_type),
            Type::Set { inner_type } => fill(words.set, inner_type),
            Type::Map { key_type, value_type } => {
                words
                    .map
                    .replacen("{}", &self.ty(key_type), 1)
                    .replacen("{}", &self.ty(value_type), 1)
            }
        }
    }

    /// A default, as the generated source means it.
    fn default(&self, default: &DefaultValueMetadata, ty: &Type) -> Result<String> {
        let words = self.words();
        let literal = match default {
            DefaultValueMetadata::Literal(literal) => literal,
            DefaultValueMetadata::Default => return self.zero(ty),
        };
        Ok(match literal {
            LiteralMetadata::Boolean(value) => words.truth[usize::from(*value)].to_owned(),
            LiteralMetadata::String(value) => format!("{value:?}"),
            LiteralMetadata::UInt(value, ..) => value.to_string(),
            LiteralMetadata::Int(value, ..) => value.to_string(),
            LiteralMetadata::Float(value, _) => value.clone(),
            LiteralMetadata::Enum(variant, ty) => self.enum_literal(ty, variant),
            LiteralMetadata::EmptySequence => words.empty_sequence.to_owned(),
            LiteralMetadata::EmptyMap => words.empty_map.to_owned(),
            LiteralMetadata::EmptySet => words.empty_set.to_owned(),
            LiteralMetadata::None => words.none.to_owned(),
            LiteralMetadata::Some { inner } => match ty {
                Type::Optional { inner_type } => self.default(inner, inner_type)?,
                _ => bail!("a default of Some for {ty:?}"),
            },
        })
    }

    /// The default of a type itself.
    fn zero(&self, ty: &Type) -> Result<String> {
        let words = self.words();
        Ok(match ty {
            Type::Optional { .. } => words.none.to_owned(),
            Type::Sequence { .. } => words.empty_sequence.to_owned(),
            Type::Map { .. } => words.empty_map.to_owned(),
            Type::Set { .. } => words.empty_set.to_owned(),
            Type::Boolean => words.truth[0].to_owned(),
            Type::String => "\"\"".to_owned(),
            Type::Custom { builtin, .. } => self.zero(builtin)?,
            Type::Record { name, .. } | Type::Object { name, .. } => format!("{}()", self.class(name)),
            Type::Float32 | Type::Float64 => "0.0".to_owned(),
            Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => "0".to_owned(),
            Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => "0".to_owned(),
            _ => bail!("there is no default of {ty:?}"),
        })
    }

    /// A field or argument: `name: Type = default`.
    fn field(&self, field: &Field) -> Result<String> {
        written(self, field)
    }

    /// The same of a record.
    fn record_field(&self, record: &str, field: &Field) -> Result<String> {
        record_field(self, record, field)
    }

    /// All fields or arguments.
    fn fields(&self, fields: &[Field]) -> Result<String> {
        let fields: Vec<String> = fields
            .iter()
            .map(|field| self.field(field))
            .collect::<Result<_>>()?;
        Ok(fields.join(", "))
    }
}

/// A field or argument as languages write it that have no other idea.
fn written<L: Language + ?Sized>(language: &L, field: &Field) -> Result<String> {
    let ty = language.ty(&field.ty);
    let mut text = if field.name.is_empty() {
        ty
    } else {
        format!("{}: {ty}", language.member(&field.name))
    };
    if let Some(default) = &field.default {
        text.push_str(&format!(" = {}", language.default(default, &field.ty)?));
    }
    Ok(text)
}

/// The same of a record.
fn record_field<L: Language + ?Sized>(language: &L, record: &str, field: &Field) -> Result<String> {
    let plain = language.member(&field.name);
    let name = language.field_name(record, &field.name);
    Ok(language.field(field)?.replacen(&plain, &name, 1))
}

/// How a language writes types and literals; `{}` is the type inside.
pub(crate) struct Words {
    boolean: &'static str,
    string: &'static str,
    bytes: &'static str,
    timestamp: &'static str,
    duration: &'static str,
    signed: [&'static str; 4],
    unsigned: [&'static str; 4],
    floats: [&'static str; 2],
    optional: &'static str,
    sequence: &'static str,
    set: &'static str,
    map: &'static str,
    truth: [&'static str; 2],
    none: &'static str,
    empty_sequence: &'static str,
    empty_map: &'static str,
    empty_set: &'static str,
}

/// The three, for one API.
pub(crate) struct Languages {
    pub(crate) swift: Swift,
    pub(crate) kotlin: Kotlin,
    pub(crate) python: Python,
}

impl Languages {
    pub(crate) fn new(api: &Api, layer: Layer) -> Self {
        Self {
            swift: Swift::new(layer),
            kotlin: Kotlin::new(api),
            python: Python,
        }
    }
}
