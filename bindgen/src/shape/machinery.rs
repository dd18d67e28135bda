//! What carries calls across: made to end when a task is cancelled, and to read
//! an answer in place. And whole numbers, durations and names of fields as Swift's own.
//!
//! UniFFI's Swift waits for the end of a call whatever happens to the task. Here
//! a cancelled task cancels the future: it is woken, found unfinished, and
//! dropped, as Kotlin and Python do it. The handler runs only while the call
//! lasts, so that it never meets a future that was freed.

use anyhow::{Result, bail};

/// A part of the text, what takes its place, and how often it is there; `None`
/// if at least once.
struct Change {
    from: &'static str,
    to: &'static str,
    times: Option<usize>,
}

const fn once(from: &'static str, to: &'static str) -> Change {
    Change {
        from,
        to,
        times: Some(1),
    }
}

/// What is in each of the patches that have `clear`.
const fn patches(from: &'static str, to: &'static str) -> Change {
    Change {
        from,
        to,
        times: Some(4),
    }
}

const CHANGES: &[Change] = &[
    // Cancellation.
    once(
        r#"fatalError("Cancellation not supported yet")"#,
        "throw CancellationError()",
    ),
    once(
        "    freeFunc: (UInt64) -> (),\n    liftFunc",
        "    freeFunc: (UInt64) -> (),\n    cancelFunc: (@Sendable (UInt64) -> ())? = nil,\n    liftFunc",
    ),
    once(
        "    let rustFuture = rustFutureFunc()\n",
        "    // A call that was cancelled before it was made is not made.\n    if cancelFunc != nil {\n        try Task.checkCancellation()\n    }\n    let rustFuture = rustFutureFunc()\n",
    ),
    once(
        "    var pollResult: Int8;\n    repeat {\n        pollResult = await withUnsafeContinuation {\n            pollFunc(\n                rustFuture,\n                { handle, pollResult in\n                    uniffiFutureContinuationCallback(handle: handle, pollResult: pollResult)\n                },\n                uniffiContinuationHandleMap.insert(obj: $0)\n            )\n        }\n    } while pollResult != UNIFFI_RUST_FUTURE_POLL_READY\n",
        "    await withTaskCancellationHandler {\n        var pollResult: Int8\n        repeat {\n            pollResult = await withUnsafeContinuation {\n                pollFunc(\n                    rustFuture,\n                    { handle, pollResult in\n                        uniffiFutureContinuationCallback(handle: handle, pollResult: pollResult)\n                    },\n                    uniffiContinuationHandleMap.insert(obj: $0)\n                )\n            }\n        } while pollResult != UNIFFI_RUST_FUTURE_POLL_READY\n    } onCancel: {\n        cancelFunc?(rustFuture)\n    }\n",
    ),
    // Reading.
    Change {
        from: "(data: Data, offset: Data.Index)",
        to: "WireReader",
        times: None,
    },
    once(
        "fileprivate func createReader(data: Data) -> WireReader {\n    (data: data, offset: 0)\n}\n",
        "/// What is left to read of a buffer.\nstruct WireReader {\n    let bytes: UnsafeRawBufferPointer\n    var offset = 0\n\n    /// The next bytes, which are skipped.\n    mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {\n        guard count >= 0, count <= bytes.count - offset else {\n            throw UniffiInternalError.bufferOverflow\n        }\n        defer { offset += count }\n        return UnsafeRawBufferPointer(rebasing: bytes[offset ..< offset + count])\n    }\n}\n",
    ),
    once(
        "createReader(data: Data(rustBuffer: buf))",
        "WireReader(bytes: UnsafeRawBufferPointer(start: buf.data, count: Int(buf.len)))",
    ),
    once(
        "    return reader.offset < reader.data.count\n",
        "    return reader.offset < reader.bytes.count\n",
    ),
    once(
        "    let range = reader.offset..<reader.offset + MemoryLayout<T>.size\n    guard reader.data.count >= range.upperBound else {\n        throw UniffiInternalError.bufferOverflow\n    }\n    if T.self == UInt8.self {\n        let value = reader.data[reader.offset]\n        reader.offset += 1\n        return value as! T\n    }\n    var value: T = 0\n    let _ = withUnsafeMutableBytes(of: &value, { reader.data.copyBytes(to: $0, from: range)})\n    reader.offset = range.upperBound\n    return value.bigEndian\n",
        "    let bytes = try reader.take(MemoryLayout<T>.size)\n    var value: T = 0\n    withUnsafeMutableBytes(of: &value) { $0.copyMemory(from: bytes) }\n    return value.bigEndian\n",
    ),
    once(
        "fileprivate func readBytes(_ reader: inout WireReader, count: Int) throws -> Array<UInt8> {\n    let range = reader.offset..<(reader.offset+count)\n    guard reader.data.count >= range.upperBound else {\n        throw UniffiInternalError.bufferOverflow\n    }\n    var value = [UInt8](repeating: 0, count: count)\n    value.withUnsafeMutableBufferPointer({ buffer in\n        reader.data.copyBytes(to: buffer, from: range)\n    })\n    reader.offset = range.upperBound\n    return value\n}\n",
        "fileprivate func readBytes(_ reader: inout WireReader, count: Int) throws -> UnsafeRawBufferPointer {\n    return try reader.take(count)\n}\n",
    ),
    once(
        "fileprivate extension Data {\n    init(rustBuffer: RustBuffer) {\n        self.init(\n            bytesNoCopy: rustBuffer.data!,\n            count: Int(rustBuffer.len),\n            deallocator: .none\n        )\n    }\n}\n",
        "",
    ),
    // JSON is read where it lies.
    Change {
        from: "let builtinValue = try FfiConverterString.read(from: &buf)\n        return try JSON",
        to: "let builtinValue = try readBytes(&buf, count: Int(readInt(&buf) as Int32))\n        return try JSON",
        times: Some(2),
    },
    // Durations.
    once(
        "    typealias SwiftType = TimeInterval\n",
        "    typealias SwiftType = Duration\n",
    ),
    once(
        "throws -> TimeInterval {\n        let seconds: UInt64 = try readInt(&buf)\n        let nanoseconds: UInt32 = try readInt(&buf)\n        return Double(seconds) + (Double(nanoseconds) / 1.0e9)\n",
        "throws -> Duration {\n        let seconds: UInt64 = try readInt(&buf)\n        let nanoseconds: UInt32 = try readInt(&buf)\n        return .seconds(Int64(clamping: seconds)) + .nanoseconds(Int64(nanoseconds))\n",
    ),
    once(
        "    public static func write(_ value: TimeInterval, into buf: inout [UInt8]) {\n        if value.rounded(.down) > Double(Int64.max) {\n            fatalError(\"Duration overflow, exceeds max bounds supported by Uniffi\")\n        }\n\n        if value < 0 {\n            fatalError(\"Invalid duration, must be non-negative\")\n        }\n\n        let seconds = UInt64(value)\n        let nanoseconds = UInt32((value - Double(seconds)) * 1.0e9)\n        writeInt(&buf, seconds)\n        writeInt(&buf, nanoseconds)\n",
        "    public static func write(_ value: Duration, into buf: inout [UInt8]) {\n        // There is no time before none.\n        let (seconds, attoseconds) = max(value, .zero).components\n        writeInt(&buf, UInt64(seconds))\n        writeInt(&buf, UInt32(attoseconds / 1_000_000_000))\n",
    ),
    once(
        "         * How long it was waited for, in milliseconds.\n         */waitedMs: UInt64,",
        "         * How long it was waited for.\n         */waitedMs: Duration,",
    ),
    once(
        "waitedMs: try FfiConverterUInt64.read(from: &buf)",
        "waitedMs: .milliseconds(try FfiConverterUInt64.read(from: &buf))",
    ),
    once(
        "FfiConverterUInt64.write(waitedMs, into: &buf)",
        "FfiConverterUInt64.write(Int(waitedMs / .milliseconds(1)), into: &buf)",
    ),
    // Fields that a patch empties: the layer has an enum of them for each.
    patches(
        "    public var clear: [String]\n",
        "    public var clear: [Field]\n",
    ),
    patches("*/clear: [String] = [],", "*/clear: [Field] = [],"),
    patches(
        "clear: FfiConverterSequenceString.read(from: &buf)",
        "clear: fields(named: FfiConverterSequenceString.read(from: &buf))",
    ),
    patches(
        "FfiConverterSequenceString.write(value.clear, into: &buf)",
        "FfiConverterSequenceString.write(value.clear.map(\\.rawValue), into: &buf)",
    ),
];

/// Whole numbers of the library as `Int`.
const INTEGERS: &[&str] = &["UInt16", "UInt32", "UInt64", "Int64"];

pub(super) fn replace(text: &str) -> Result<String> {
    let mut text = text.to_owned();
    for change in CHANGES {
        let times = text.matches(change.from).count();
        if times == 0 || change.times.is_some_and(|wanted| wanted != times) {
            bail!("{times} times in what UniFFI wrote: {}", change.from);
        }
        text = text.replace(change.from, change.to);
    }
    for integer in INTEGERS {
        text = integers(&text, integer)?;
    }
    cancellable(&text)
}

/// Makes a converter give and take `Int`.
fn integers(text: &str, integer: &str) -> Result<String> {
    let head = format!("fileprivate struct FfiConverter{integer}: FfiConverterPrimitive {{\n");
    let Some((front, rest)) = text.split_once(&head) else {
        bail!("no converter of {integer}");
    };
    let Some((_, after)) = rest.split_once("\n}\n") else {
        bail!("the converter of {integer} does not end");
    };
    Ok(format!(
        "{front}fileprivate struct FfiConverter{integer}: FfiConverter {{
    typealias FfiType = {integer}
    typealias SwiftType = Int

    static func lift(_ value: {integer}) throws -> Int {{
        return Int(clamping: value)
    }}

    static func lower(_ value: Int) -> {integer} {{
        return {integer}(clamping: value)
    }}

    static func read(from buf: inout WireReader) throws -> Int {{
        return try lift(readInt(&buf))
    }}

    static func write(_ value: Int, into buf: inout [UInt8]) {{
        writeInt(&buf, lower(value))
    }}
}}
{after}"
    ))
}

/// Gives every call that may throw the function that cancels it. The others are
/// few, end promptly, and have nothing to throw a cancellation with.
fn cancellable(text: &str) -> Result<String> {
    let mut throws = false;
    let (mut calls, mut cancellable) = (0, 0);
    let mut changed = String::with_capacity(text.len());
    for line in text.lines() {
        changed.push_str(line);
        changed.push('\n');
        if line.ends_with("await uniffiRustCallAsync(") {
            calls += 1;
            throws = !line.contains("try!");
        }
        if let Some((space, free)) = line.split_once("freeFunc: ffi_")
            && throws
        {
            let cancel = free.replace("_rust_future_free_", "_rust_future_cancel_");
            changed.push_str(&format!(
                "{space}cancelFunc: {{ ffi_{}($0) }},\n",
                cancel.trim_end_matches(',')
            ));
            cancellable += 1;
            throws = false;
        }
    }
    if cancellable == 0 || cancellable > calls {
        bail!("{cancellable} of {calls} calls can be cancelled");
    }
    Ok(changed)
}
