//! Makes of UniFFI's Kotlin what a Kotlin developer should see: the client, the
//! records, the errors, and nothing of how calls cross to the library.
//!
//! - Machinery is internal, and so are the pull handles: the layer in
//!   `bindings/kotlin` makes Flows of them.
//! - What an app implements is a `fun interface`, so that a lambda will do.
//! - The client's errors say what happened in words; the layer has them.
//! - Comments name what they mean as Kotlin spells it.
//! - Arguments are lowered before a handle is cloned (`lowering`).
//!
//! Everything is done line by line, on text that `clean` went over.

mod lowering;

use std::collections::BTreeSet;

use heck::ToLowerCamelCase;

/// What stays visible of the declarations that are neither records, enums nor errors.
const VISIBLE: &[&str] = &[
    "WildThingClient",
    "ChangeSubscription",
    "ChangeObserver",
    "LogSink",
    "InternalException",
    "RecordId",
    "Timestamp",
];

/// What is pulled from, call by call.
pub(crate) const HANDLES: &[&str] = &[
    "ChangeStream",
    "DeviceStateQuery",
    "DevicesQuery",
    "HousesQuery",
    "RoomsQuery",
    "StatusQuery",
];

/// The errors with words of their own.
const DESCRIBED: &str = "sealed class WildThingException";

/// Members that only generated code needs, and what they become.
const MEMBERS: &[(&str, &str)] = &[
    ("constructor(", "internal constructor("),
    ("protected val ", "private val "),
    ("val uniffiIsDestroyed", "internal val uniffiIsDestroyed"),
    ("fun uniffiCloneHandle", "internal fun uniffiCloneHandle"),
    ("override fun destroy()", "internal fun destroy()"),
    (
        "companion object ErrorHandler",
        "internal companion object ErrorHandler",
    ),
];

/// A source as the package has it.
pub(crate) fn source(text: &str) -> String {
    let text = &lowering::first(text);
    let functions = functions(text);
    let mut described = false;
    let mut seen = String::with_capacity(text.len());
    for line in text.lines() {
        if !line.starts_with([' ', '}', ')']) && !line.is_empty() {
            described = line.starts_with(DESCRIBED);
        }
        let trimmed = line.trim_start();
        let indent = &line[..line.len() - trimmed.len()];
        seen.push_str(indent);
        if let Some(code) = trimmed.strip_prefix("*/") {
            // The templates leave no line end between a comment and what it is about.
            seen.push_str(&format!("*/{}", member(code)));
        } else if trimmed.starts_with(['*', '/']) {
            seen.push_str(&comment(trimmed, &functions));
        } else if indent.is_empty() {
            seen.push_str(&declaration(trimmed));
        } else if described && trimmed.starts_with("get() = \"") {
            seen.push_str("get() = describe(this)");
        } else {
            seen.push_str(&member(trimmed));
        }
        seen.push('\n');
    }
    seen
}

/// A declaration at the top of the file.
fn declaration(line: &str) -> String {
    let bare = line.strip_prefix("public ").unwrap_or(line);
    let kinds = [
        "open class ",
        "class ",
        "interface ",
        "object ",
        "typealias ",
        "inline fun ",
        "fun ",
    ];
    let Some(kind) = kinds.into_iter().find(|kind| bare.starts_with(kind)) else {
        return line.to_owned();
    };
    let rest = &bare[kind.len()..];
    let name = rest
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
        .unwrap_or_default();
    if !VISIBLE.contains(&name) {
        return format!("internal {}", disposable(bare));
    }
    match kind {
        // Nobody can make a subclass: the constructors are internal.
        "open class " => format!("class {}", disposable(rest)),
        "interface " => format!("fun interface {rest}"),
        _ => bare.to_owned(),
    }
}

/// An object is closed, not destroyed as well.
fn disposable(declaration: &str) -> String {
    declaration.replace(": Disposable, AutoCloseable", ": AutoCloseable")
}

/// A line inside a declaration.
fn member(line: &str) -> String {
    for (from, to) in MEMBERS {
        if let Some(rest) = line.strip_prefix(from) {
            return format!("{to}{rest}");
        }
    }
    // A variant without fields prints its name.
    if line.starts_with("object ") && line.ends_with("()") {
        return format!("data {line}");
    }
    // Enums name their types in full; those of JSON are imported.
    let line = line.replace("com.thegoodies.wildthing.Json", "Json");
    let returned = line
        .rsplit_once("): ")
        .map(|(_, ty)| ty.trim_end_matches(" {"))
        .filter(|ty| HANDLES.contains(ty));
    match (returned, line.split_once("override fun `")) {
        (Some(_), Some((before, after))) => format!("{before}internal fun `{after}"),
        // In an interface, where nothing can be internal.
        (Some(_), None) if line.starts_with("fun `") => "// Internal.".to_owned(),
        _ => line,
    }
}

/// The names of the generated functions.
fn functions(text: &str) -> BTreeSet<&str> {
    text.split("fun `")
        .skip(1)
        .filter_map(|rest| rest.split_once('`'))
        .map(|(name, _)| name)
        .collect()
}

/// A line of a comment: links are KDoc's, functions have their Kotlin names.
fn comment(line: &str, functions: &BTreeSet<&str>) -> String {
    let mut rest = line;
    let mut text = String::with_capacity(line.len());
    while let Some((before, after)) = rest.split_once('`') {
        let Some((code, after)) = after.split_once('`') else {
            break;
        };
        match (before.strip_suffix('['), after.strip_prefix(']')) {
            (Some(before), Some(after)) => {
                text.push_str(&format!("{before}[{}]", link(code)));
                // Where Rust's documentation finds it is of no use here.
                let target = after.strip_prefix('(').and_then(|target| target.split_once(')'));
                rest = target.map_or(after, |(_, after)| after);
            }
            _ => {
                let camel = code.to_lower_camel_case();
                let code = match code {
                    "None" => "null",
                    _ if functions.contains(camel.as_str()) => &camel,
                    _ => code,
                };
                text.push_str(&format!("{before}`{code}`"));
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

/// `a::Room::set_name` as KDoc links to it: `Room.setName`.
fn link(path: &str) -> String {
    let mut parts: Vec<&str> = path.rsplit("::").take(2).collect();
    parts.reverse();
    let upper = |part: &&str| part.starts_with(char::is_uppercase);
    match parts[..] {
        [of, name] if upper(&of) && upper(&name) => format!("{of}.{name}"),
        [of, name] if upper(&of) => format!("{of}.{}", name.to_lower_camel_case()),
        [.., name] if upper(&name) => name.to_owned(),
        [.., name] => name.to_lower_camel_case(),
        [] => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machinery_is_internal_and_the_client_is_not() {
        for (generated, wanted) in [
            (
                "open class RustBuffer : Structure() {",
                "internal open class RustBuffer : Structure() {",
            ),
            (
                "public object FfiConverterString: X {",
                "internal object FfiConverterString: X {",
            ),
            (
                "open class DevicesQuery: Disposable, AutoCloseable, X",
                "internal open class DevicesQuery: AutoCloseable, X",
            ),
            (
                "open class WildThingClient: Disposable, AutoCloseable, X",
                "class WildThingClient: AutoCloseable, X",
            ),
            (
                "public interface WildThingClientInterface {",
                "internal interface WildThingClientInterface {",
            ),
            ("public interface LogSink {", "fun interface LogSink {"),
            (
                "public typealias RecordId = kotlin.String",
                "typealias RecordId = kotlin.String",
            ),
            (
                "inline fun <T : Disposable?, R> T.use(",
                "internal inline fun <T : Disposable?, R> T.use(",
            ),
            ("data class Room (", "data class Room ("),
            ("private fun findLibraryName(", "private fun findLibraryName("),
        ] {
            assert_eq!(declaration(generated), wanted);
        }
    }

    #[test]
    fn what_gives_a_handle_is_internal() {
        for (generated, wanted) in [
            ("fun `changes`(): ChangeStream", "// Internal."),
            (
                "@Throws(E::class)override fun `watchRooms`(`id`: RecordId?): RoomsQuery {",
                "@Throws(E::class)internal fun `watchRooms`(`id`: RecordId?): RoomsQuery {",
            ),
            (
                "override fun `isActive`(): kotlin.Boolean {",
                "override fun `isActive`(): kotlin.Boolean {",
            ),
            (
                "constructor(noHandle: NoHandle) {",
                "internal constructor(noHandle: NoHandle) {",
            ),
            (
                "override fun lift(value: Long): ChangeStream {",
                "override fun lift(value: Long): ChangeStream {",
            ),
            ("object Light : DeviceType()", "data object Light : DeviceType()"),
            (
                "val `state`: com.thegoodies.wildthing.Json) : X",
                "val `state`: Json) : X",
            ),
        ] {
            assert_eq!(member(generated), wanted);
        }
    }

    #[test]
    fn comments_speak_kotlin() {
        let functions = BTreeSet::from(["setAuthToken"]);
        for (generated, wanted) in [
            (
                "* `None` if [`ChangeStream::next`](crate::x) ends.",
                "* `null` if [ChangeStream.next] ends.",
            ),
            (
                "* After `set_auth_token`, not `disk_full`.",
                "* After `setAuthToken`, not `disk_full`.",
            ),
            ("* [`crate::model::Room`] and `", "* [Room] and `"),
        ] {
            assert_eq!(comment(generated, &functions), wanted);
        }
    }

    #[test]
    fn only_the_clients_errors_have_words_in_the_layer() {
        let generated = "sealed class WildThingException: X() {\n    get() = \"a\"\n}\n\
                         sealed class ObserverException: X() {\n    get() = \"b\"\n}\n";
        let text = source(generated);
        assert!(
            text.contains("get() = describe(this)") && text.contains("get() = \"b\""),
            "{text}"
        );
    }
}
