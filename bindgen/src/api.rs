//! The API as the built library describes it, in the order a reader wants:
//! everything by name, members as they are declared where UniFFI keeps that.

use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use uniffi_bindgen::BindgenLoader;
use uniffi_meta::{
    ConstructorMetadata, DefaultValueMetadata, EnumMetadata, FieldMetadata, FnMetadata, FnParamMetadata,
    Metadata, MethodMetadata, Type,
};

/// All of it.
#[derive(Default)]
pub(crate) struct Api {
    pub(crate) objects: Vec<Object>,
    /// Traits that the app implements and the library calls.
    pub(crate) traits: Vec<Object>,
    pub(crate) records: Vec<Record>,
    pub(crate) enums: Vec<Enum>,
    pub(crate) errors: Vec<Enum>,
    pub(crate) custom: Vec<Custom>,
    pub(crate) functions: Vec<Callable>,
}

/// A class with methods, or a trait.
pub(crate) struct Object {
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) methods: Vec<Callable>,
}

/// How something is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Without an object: a constructor with a name, or a function.
    Static,
    /// The constructor that languages write as the class itself.
    New,
    Method,
}

/// A method, constructor or function.
pub(crate) struct Callable {
    pub(crate) name: String,
    /// The class of a constructor.
    pub(crate) class: Option<String>,
    pub(crate) docs: String,
    pub(crate) kind: Kind,
    pub(crate) is_async: bool,
    pub(crate) arguments: Vec<Field>,
    pub(crate) returns: Option<Type>,
    pub(crate) throws: Option<Type>,
}

/// An argument, or a field of a record or variant. A nameless field has no name.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) ty: Type,
    pub(crate) default: Option<DefaultValueMetadata>,
}

/// A value with fields.
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) fields: Vec<Field>,
    /// None for a variant.
    pub(crate) methods: Vec<Callable>,
}

/// An enum, or an error.
pub(crate) struct Enum {
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) variants: Vec<Record>,
    pub(crate) methods: Vec<Callable>,
    pub(crate) is_error: bool,
    /// An error that crosses as its message only.
    pub(crate) message_only: bool,
}

impl Enum {
    /// Whether no variant has a field.
    pub(crate) fn is_flat(&self) -> bool {
        self.variants.iter().all(|variant| variant.fields.is_empty())
    }
}

/// A type of ours that crosses as another.
pub(crate) struct Custom {
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) builtin: Type,
}

/// Reads the API of the one crate that has one.
pub(crate) fn read(loader: &BindgenLoader, library: &Utf8Path) -> Result<Api> {
    let groups = loader.load_metadata(library)?;
    let mut groups = groups.into_values();
    let group = groups.next().context("no crate in there has an API")?;
    if let Some(other) = groups.next() {
        bail!("an API of two crates: {} too", other.namespace.crate_name);
    }
    let mut api = Api::default();
    for item in &group.items {
        add(&mut api, item)?;
    }
    let objects = api.objects.iter_mut().chain(&mut api.traits);
    let objects = objects.map(|it| (&it.name, &mut it.methods));
    let records = api.records.iter_mut().map(|it| (&it.name, &mut it.methods));
    let enums = api.enums.iter_mut().chain(&mut api.errors);
    let enums = enums.map(|it| (&it.name, &mut it.methods));
    for (name, methods) in objects.chain(records).chain(enums) {
        methods.extend(group.items.iter().filter_map(|item| callable_of(name, item)));
    }
    Ok(api)
}

fn add(api: &mut Api, item: &Metadata) -> Result<()> {
    match item {
        Metadata::Object(object) => {
            let into = if object.imp.has_callback_interface() {
                &mut api.traits
            } else {
                &mut api.objects
            };
            into.push(Object {
                name: object.name.clone(),
                docs: docs(&object.docstring),
                methods: Vec::new(),
            });
        }
        Metadata::CallbackInterface(interface) => api.traits.push(Object {
            name: interface.name.clone(),
            docs: docs(&interface.docstring),
            methods: Vec::new(),
        }),
        Metadata::Record(record) => api.records.push(Record {
            name: record.name.clone(),
            docs: docs(&record.docstring),
            fields: record.fields.iter().map(field).collect(),
            methods: Vec::new(),
        }),
        Metadata::Enum(metadata) => {
            let into = if metadata.shape.is_error() {
                &mut api.errors
            } else {
                &mut api.enums
            };
            into.push(enumeration(metadata));
        }
        Metadata::CustomType(custom) => api.custom.push(Custom {
            name: custom.name.clone(),
            docs: docs(&custom.docstring),
            builtin: custom.builtin.clone(),
        }),
        Metadata::Func(function) => api.functions.push(free(function)),
        // With their objects.
        Metadata::Constructor(_) | Metadata::Method(_) | Metadata::TraitMethod(_) => (),
        // Equality and the like have each language's own spelling.
        Metadata::UniffiTrait(_) | Metadata::ObjectTraitImpl(_) | Metadata::Namespace(_) => (),
        Metadata::UdlFile(_) => bail!("there is no UDL here"),
    }
    Ok(())
}

fn callable_of(object: &str, item: &Metadata) -> Option<Callable> {
    match item {
        Metadata::Constructor(it) if it.self_name == object => Some(constructor(it)),
        Metadata::Method(it) if it.self_name == object => Some(method(it.clone())),
        Metadata::TraitMethod(it) if it.trait_name == object => Some(method(it.clone().into())),
        _ => None,
    }
}

fn constructor(it: &ConstructorMetadata) -> Callable {
    Callable {
        name: it.name.clone(),
        class: Some(it.self_name.clone()),
        docs: docs(&it.docstring),
        kind: if it.is_primary() { Kind::New } else { Kind::Static },
        is_async: it.is_async,
        arguments: it.inputs.iter().map(argument).collect(),
        // Every object is in the crate that has the API; the path is not read.
        returns: Some(Type::Object {
            module_path: it.module_path.clone(),
            name: it.self_name.clone(),
            imp: uniffi_meta::ObjectImpl::Struct,
        }),
        throws: it.throws.clone(),
    }
}

fn method(it: MethodMetadata) -> Callable {
    Callable {
        name: it.name,
        class: None,
        docs: docs(&it.docstring),
        kind: Kind::Method,
        is_async: it.is_async,
        arguments: it.inputs.iter().map(argument).collect(),
        returns: it.return_type,
        throws: it.throws,
    }
}

fn free(it: &FnMetadata) -> Callable {
    Callable {
        name: it.name.clone(),
        class: None,
        docs: docs(&it.docstring),
        kind: Kind::Static,
        is_async: it.is_async,
        arguments: it.inputs.iter().map(argument).collect(),
        returns: it.return_type.clone(),
        throws: it.throws.clone(),
    }
}

fn enumeration(it: &EnumMetadata) -> Enum {
    Enum {
        name: it.name.clone(),
        docs: docs(&it.docstring),
        variants: it
            .variants
            .iter()
            .map(|variant| Record {
                name: variant.name.clone(),
                docs: docs(&variant.docstring),
                fields: variant.fields.iter().map(field).collect(),
                methods: Vec::new(),
            })
            .collect(),
        methods: Vec::new(),
        is_error: it.shape.is_error(),
        message_only: it.shape == uniffi_meta::EnumShape::Error { flat: true },
    }
}

fn field(it: &FieldMetadata) -> Field {
    Field {
        name: it.name.clone(),
        docs: docs(&it.docstring),
        ty: it.ty.clone(),
        default: it.default.clone(),
    }
}

fn argument(it: &FnParamMetadata) -> Field {
    Field {
        name: it.name.clone(),
        docs: String::new(),
        ty: it.ty.clone(),
        default: it.default.clone(),
    }
}

/// A documentation comment. UniFFI has trimmed its lines.
fn docs(text: &Option<String>) -> String {
    text.as_deref().unwrap_or_default().trim().to_owned()
}
