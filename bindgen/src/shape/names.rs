//! Names and types as Swift's design guidelines have them.

use super::items::{Item, is_letter};

/// Types of ours that Swift has another name for.
const TYPES: &[(&str, &str)] = &[
    ("Json", "JSONValue"),
    ("JsonObject", "JSONObject"),
    ("Timestamp", "Date"),
    ("TimeInterval", "Duration"),
];

/// Abbreviations that are written in capitals within a name, and units that are in the type.
const MEMBERS: &[(&str, &str)] = &[
    ("serverUrl", "serverURL"),
    ("rootCertificatePem", "rootCertificatePEM"),
    ("pinnedCertificateSha256", "pinnedCertificateSHA256"),
    // A `Duration` has its unit in itself.
    ("waitedMs", "waited"),
    ("allowPlainHttp", "allowPlainHTTP"),
];

/// Fields by record. A thing that is `Identifiable` has its own identity as its `id`.
const FIELDS: &[(&str, &str, &str)] = &[
    ("Conflict", "id", "recordID"),
    ("Conflict", "conflictID", "id"),
    ("PendingChange", "id", "recordID"),
    // What is true or false reads as an assertion.
    ("Room", "unplaced", "isUnplaced"),
    ("Device", "unplaced", "isUnplaced"),
    ("User", "unplaced", "isUnplaced"),
    ("SyncStatus", "paused", "isPaused"),
    ("SyncStatus", "background", "isInBackground"),
    ("SyncStatus", "syncInProgress", "isSyncing"),
];

/// Methods of values that only tell what the value is.
const PROPERTIES: &[&str] = &["eventType"];

/// Whole numbers are `Int`, however big the library's are.
const INTEGERS: &[&str] = &["UInt64", "UInt32", "UInt16", "Int64"];

/// A type.
pub(crate) fn class(name: &str) -> String {
    let known = TYPES.iter().find(|(ours, _)| *ours == name);
    known.map_or_else(
        || name.replace("RecordId", "RecordID"),
        |(_, swift)| (*swift).to_owned(),
    )
}

/// A method, argument or field.
pub(crate) fn member(name: &str) -> String {
    if let Some((_, swift)) = MEMBERS.iter().find(|(ours, _)| *ours == name) {
        return (*swift).to_owned();
    }
    match name.strip_suffix("Id") {
        Some(front) if name.starts_with(|c: char| c.is_ascii_lowercase()) => format!("{front}ID"),
        _ => name.to_owned(),
    }
}

/// A field of a record.
pub(crate) fn field(record: &str, name: &str) -> String {
    let name = member(name);
    let known = FIELDS.iter().find(|(of, ours, _)| *of == record && *ours == name);
    known.map_or(name, |(_, _, swift)| (*swift).to_owned())
}

/// Whether a method is a property.
pub(crate) fn is_property(method: &str) -> bool {
    PROPERTIES.contains(&method)
}

/// The line that declares a method of a value, as that of a property if it is one.
fn declared(line: &str) -> Option<String> {
    let (name, rest) = line.strip_prefix("public func ")?.split_once("() -> ")?;
    is_property(name).then(|| format!("    public var {name}: {rest}"))
}

/// The case of an error.
pub(crate) fn case(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// A type that crosses as one of the library's.
fn integer(word: &str) -> Option<&'static str> {
    INTEGERS.contains(&word).then_some("Int")
}

pub(super) fn apply(items: &mut Vec<Item>) {
    let cases = error_cases(items);
    // An alias of a type that has the same name now.
    items.retain(|item| {
        let alias = item.name("typealias").map(class);
        !matches!(alias.as_deref(), Some("Date" | "JSONValue" | "JSONObject"))
    });
    for item in items {
        let declaration = item.declaration().to_owned();
        let value = is_value(item);
        let counts = value
            || ["Option", "Dictionary", "Sequence"]
                .iter()
                .any(|kind| declaration.starts_with(&format!("fileprivate struct FfiConverter{kind}")));
        let record = item
            .name("struct")
            .map(|name| name.trim_start_matches("FfiConverterType").to_owned());
        let error = declaration_of(item).contains("WildThingError");
        for line in &mut item.lines {
            let callable = [
                "open func ",
                "public static func `open`",
                "public func setLogSink",
            ]
            .iter()
            .any(|start| line.starts_with(start));
            *line = docs(line);
            if let Some(property) = declared(line) {
                *line = property;
            }
            if line.trim_start().starts_with("* ") {
                continue;
            }
            *line = words(line, |word| {
                if (counts || callable)
                    && let Some(int) = integer(word)
                {
                    return int.to_owned();
                }
                let name = match &record {
                    Some(record) => field(record, word),
                    None => member(word),
                };
                class(&name)
            });
            if error {
                *line = lower_cases(line, &cases);
            }
        }
    }
}

/// What declares it, `public` and `enum` in one.
fn declaration_of(item: &Item) -> String {
    let after = item.lines.get(item.head + 1).map_or("", String::as_str);
    if item.declaration() == "public" {
        format!("public {after}")
    } else {
        item.declaration().to_owned()
    }
}

/// Whether it is a record, an enum or an error.
fn is_value(item: &Item) -> bool {
    let declaration = declaration_of(item);
    (declaration.starts_with("public struct ") && !declaration.contains("FfiConverter"))
        || declaration.starts_with("public enum ")
}

fn error_cases(items: &[Item]) -> Vec<String> {
    items
        .iter()
        .filter(|item| declaration_of(item).starts_with("public enum WildThingError"))
        .flat_map(|item| &item.lines)
        .filter_map(|line| line.strip_prefix("    case "))
        .map(|case| case.trim_end_matches('(').to_owned())
        .collect()
}

/// Upper case to lower in `case Name` and `.Name`.
fn lower_cases(line: &str, cases: &[String]) -> String {
    for upper in cases {
        let lower = case(upper);
        // A declared name may be a word of the language.
        let declared = format!("    case {upper}");
        if let Some(rest) = line.strip_prefix(&declared)
            && !rest.starts_with(is_letter)
        {
            let quoted = if matches!(lower.as_str(), "internal" | "protocol") {
                format!("`{lower}`")
            } else {
                lower
            };
            return format!("    case {quoted}{rest}");
        }
        let used = format!(".{upper}");
        if let Some((front, rest)) = line.split_once(&used)
            && !rest.starts_with(is_letter)
        {
            return format!("{front}.{lower}{rest}");
        }
    }
    line.to_owned()
}

/// Comments in the words of Swift: no paths of Rust, no `None`.
fn docs(line: &str) -> String {
    let mut line = line.replace("`None`", "`nil`");
    while let Some((front, rest)) = line.split_once("[`") {
        let Some((path, rest)) = rest.split_once("`]") else {
            break;
        };
        let name = path.rsplit("::").next().unwrap_or(path);
        line = format!("{front}`{}`{rest}", member(&camel(name)));
    }
    line
}

fn camel(name: &str) -> String {
    let mut upper = false;
    name.chars().fold(String::new(), |mut text, c| {
        if c == '_' {
            upper = true;
        } else {
            text.push(if upper { c.to_ascii_uppercase() } else { c });
            upper = false;
        }
        text
    })
}

/// Replaces every identifier.
pub(super) fn words(line: &str, replace: impl Fn(&str) -> String) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(begin) = rest.find(is_letter) {
        let (front, word) = rest.split_at(begin);
        let end = word.find(|c| !is_letter(c)).unwrap_or(word.len());
        text.push_str(front);
        text.push_str(&replace(&word[..end]));
        rest = &word[end..];
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_guidelines() {
        assert_eq!(member("houseId"), "houseID");
        assert_eq!(member("id"), "id");
        assert_eq!(member("serverUrl"), "serverURL");
        assert_eq!(member("RecordId"), "RecordId");
        assert_eq!(class("RecordId"), "RecordID");
        assert_eq!(
            class("FfiConverterOptionTypeRecordId"),
            "FfiConverterOptionTypeRecordID"
        );
        assert_eq!(class("Json"), "JSONValue");
        assert_eq!(class("FfiConverterTypeJson"), "FfiConverterTypeJson");
        assert_eq!(field("Conflict", "conflictId"), "id");
        assert_eq!(field("Conflict", "id"), "recordID");
        assert_eq!(field("House", "id"), "id");
        assert_eq!(case("NeedsAuth"), "needsAuth");
        assert_eq!(
            declared("public func eventType() -> String {").as_deref(),
            Some("    public var eventType: String {")
        );
        assert_eq!(declared("public func uniffiEnsure() -> String {"), None);
    }

    #[test]
    fn comments_speak_swift() {
        assert_eq!(
            docs(" * `None`, see [`A::set_auth_token`]."),
            " * `nil`, see `setAuthToken`."
        );
        assert_eq!(words("a-roomId_b roomId", member), "a-roomId_b roomID");
    }

    #[test]
    fn cases_of_errors_are_lower() {
        let cases = ["Server".to_owned(), "Internal".to_owned()];
        assert_eq!(lower_cases("    case Internal(", &cases), "    case `internal`(");
        assert_eq!(
            lower_cases("        case 1: return .Server(", &cases),
            "        case 1: return .server("
        );
        assert_eq!(lower_cases("        x.Servers", &cases), "        x.Servers");
    }
}
