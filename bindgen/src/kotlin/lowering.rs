//! Arguments are lowered before the handle of their object is cloned.
//!
//! UniFFI's template clones the handle first. Lowering may throw (no number, half
//! a character, a duration below zero), and then nothing would ever free that
//! clone: the client would live on after `close`. What is thrown is made an error
//! of the client's by `lowered`, a function of the layer, which also frees the
//! arguments before the one that can't be lowered.

/// The block of a call gets no handle; it clones one when all else is ready.
const BLOCK: &[(&str, &str)] = &[
    ("block: (handle: Long) -> R", "block: () -> R"),
    ("block(this.uniffiCloneHandle())", "block()"),
];

/// How a call begins: one that is awaited, and one that is not. If a template
/// comes to differ, what is left of it does not compile.
const BEGINS: &[&str] = &["callWithHandle { uniffiHandle ->", "callWithHandle {"];

/// How the call of a constructor or a function begins, which has no handle.
const FREE: &str = "UniffiLib.uniffi_";

/// A source whose calls lower first.
pub(super) fn first(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut call: Option<Call> = None;
    for line in text.lines() {
        let code = line.trim();
        if let Some(mut open) = call.take() {
            if open.line(line) {
                call = Some(open);
            } else {
                out.push_str(&open.text());
            }
        } else if BEGINS.contains(&code) {
            push(&mut out, &line.replace(" uniffiHandle ->", ""));
            call = Some(Call::default());
        } else if code.starts_with(FREE) && code.ends_with('(') {
            let mut free = Call::default();
            free.line(line);
            call = Some(free);
        } else {
            let line = BLOCK
                .iter()
                .fold(line.to_owned(), |line, (from, to)| line.replace(from, to));
            push(&mut out, &line);
        }
    }
    // The end of the file within a call: not ours to judge.
    out.push_str(&call.map(|open| open.text()).unwrap_or_default());
    out
}

/// A call, up to the end of its arguments.
#[derive(Default)]
struct Call {
    /// `val`s, for what is before the call.
    before: String,
    /// Their names, each after a comma.
    names: String,
    count: usize,
    lines: String,
    /// Whether it stands where only an expression may.
    inner: bool,
}

impl Call {
    /// Takes a line; `false` if it was the last.
    fn line(&mut self, line: &str) -> bool {
        let (code, indent) = (line.trim(), indent(line));
        if let Some(argument) = Argument::of(code) {
            let name = format!("lowered{}", self.count);
            self.count += 1;
            let lowered = argument.lowered(&self.names);
            push(&mut self.before, &format!("{indent}val {name} = {lowered}"));
            self.names.push_str(&format!(", {name}"));
            self.inner = argument.rest.ends_with("),");
            let rest = argument.rest.strip_suffix("),").map_or(argument.rest, |_| ",)");
            push(&mut self.lines, &format!("{indent}{name}{rest}"));
        } else if ["uniffiHandle,", "it,"].contains(&code) {
            push(&mut self.lines, &format!("{indent}uniffiCloneHandle(),"));
        } else {
            push(&mut self.lines, line);
        }
        code != ")" && !code.ends_with("_status)") && !self.inner
    }

    fn text(self) -> String {
        let text = self.before + &self.lines;
        if self.inner {
            format!("run {{\n{text}}},\n")
        } else {
            text
        }
    }
}

/// A line such as ``FfiConverterString.lower(`name`),``, with nothing before it.
struct Argument<'a> {
    converter: &'a str,
    name: &'a str,
    rest: &'a str,
}

impl<'a> Argument<'a> {
    fn of(code: &'a str) -> Option<Self> {
        let (converter, rest) = code.split_once(".lower(`")?;
        let (name, rest) = rest.split_once("`)")?;
        let whole = converter.starts_with("FfiConverter") && rest.starts_with(',');
        whole.then_some(Self {
            converter,
            name,
            rest,
        })
    }

    /// `before` are the arguments that are lowered already.
    fn lowered(&self, before: &str) -> String {
        let Self { converter, name, .. } = self;
        format!("lowered(\"{name}\"{before}) {{ {converter}.lower(`{name}`) }}")
    }
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn the_handle_is_cloned_when_the_arguments_are_ready() {
        let awaited = "callWithHandle { uniffiHandle ->\n    Lib.call(\n        uniffiHandle,\n\n\
                       FfiConverterString.lower(`name`),\nFfiConverterDuration.lower(`every`),\n    )\n},\n";
        let wanted = "callWithHandle {\n\
                      val lowered0 = lowered(\"name\") { FfiConverterString.lower(`name`) }\n\
                      val lowered1 = lowered(\"every\", lowered0) { FfiConverterDuration.lower(`every`) }\n    \
                      Lib.call(\n        uniffiCloneHandle(),\n\nlowered0,\nlowered1,\n    )\n},\n";
        assert_eq!(first(awaited), wanted);
        let at_once = "callWithHandle {\nCall() { _status ->\nLib.call(\n    it,\n    \
                       FfiConverterString.lower(`name`),_status)\n}\n";
        let wanted = "callWithHandle {\n    val lowered0 = lowered(\"name\") { FfiConverterString.lower(`name`) }\n\
                      Call() { _status ->\nLib.call(\n    uniffiCloneHandle(),\n    lowered0,_status)\n}\n";
        assert_eq!(first(at_once), wanted);
    }

    #[test]
    fn what_is_called_without_a_handle_lowers_first_too() {
        let awaited = "await(\nUniffiLib.uniffi_open(\n    FfiConverterString.lower(`path`),\n    \
                       FfiConverterBoolean.lower(`new`),),\n{ it },\n";
        let wanted = "await(\nrun {\n    val lowered0 = lowered(\"path\") { FfiConverterString.lower(`path`) }\n    \
                      val lowered1 = lowered(\"new\", lowered0) { FfiConverterBoolean.lower(`new`) }\n\
                      UniffiLib.uniffi_open(\n    lowered0,\n    lowered1,)\n},\n{ it },\n";
        assert_eq!(first(awaited), wanted);
        let at_once =
            "call() { _status ->\nUniffiLib.uniffi_log(\n    FfiConverterString.lower(`to`),_status)\n}\n";
        let wanted = "call() { _status ->\n    val lowered0 = lowered(\"to\") { FfiConverterString.lower(`to`) }\n\
                      UniffiLib.uniffi_log(\n    lowered0,_status)\n}\n";
        assert_eq!(first(at_once), wanted);
        let other = "callStatus.error_buf = FfiConverterString.lower(err)\n";
        assert_eq!(first(other), other);
    }
}
