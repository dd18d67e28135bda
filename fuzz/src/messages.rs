//! Messages of both protocols: what is read is written so that it reads the same.

use std::fmt::Debug;

use serde_json::Value;
use wildthing::protocol::v1::{Ack, Delta, PushRequest, PushResult, SyncRequest as PlainRequest};
use wildthing::protocol::v2::{SyncRequest, SyncResponse};

/// Any message of v1.
pub fn v1_messages(bytes: &[u8]) {
    reads_again(bytes, PlainRequest::decode, PlainRequest::encode);
    reads_again(bytes, Delta::decode, Delta::encode);
    reads_again(bytes, PushResult::decode, PushResult::encode);
    let _ = PushRequest::decode_frame(bytes);
    let _ = Ack::check(bytes);
}

/// Any message of v2.
pub fn v2_messages(bytes: &[u8]) {
    reads_again(bytes, SyncRequest::decode, SyncRequest::encode);
    reads_again(bytes, SyncResponse::decode, SyncResponse::encode);
}

fn reads_again<T: PartialEq + Debug, E: Debug>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, E>,
    encode: impl Fn(&T) -> Value,
) {
    let Ok(read) = decode(bytes) else { return };
    let written = encode(&read).to_string();
    let again = decode(written.as_bytes()).expect("what was read can't be read when written");
    // Not the values themselves: of two spellings of a time, one is written.
    assert_eq!(encode(&again).to_string(), written, "written otherwise: {read:?}");
}
