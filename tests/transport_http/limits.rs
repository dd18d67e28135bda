//! How much is taken: sizes before and after decompression.

use super::support::raw_http::{Canned, CannedServer};
use super::*;

fn gzip_of_zeros(megabytes: usize) -> Vec<u8> {
    // Stored by hand: a deflate block of fixed codes that repeats one zero.
    // Literal 0 is code 00110000; length 258 is code 11000101; distance 1 is
    // 00000. After the literal each repetition is 13 bits for 258 bytes.
    let mut bits = BitWriter::default();
    bits.put(1, 1); // the last block
    bits.put(1, 2); // of fixed codes
    bits.put_code(0b0011_0000, 8);
    for _ in 0..(megabytes << 20) / 258 {
        bits.put_code(0b1100_0101, 8);
        bits.put_code(0, 5);
    }
    bits.put_code(0, 7); // its end
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    bytes.append(&mut bits.bytes);
    // Checksum and size are wrong: nobody must get that far.
    bytes.extend([0; 8]);
    bytes
}

#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    used: usize,
}

impl BitWriter {
    fn put(&mut self, bits: u32, count: usize) {
        for index in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let bit = u8::from(bits >> index & 1 == 1);
            *self.bytes.last_mut().unwrap() |= bit << (self.used % 8);
            self.used += 1;
        }
    }

    /// Huffman codes go in from their most significant bit.
    fn put_code(&mut self, code: u32, count: usize) {
        for index in (0..count).rev() {
            self.put(code >> index & 1, 1);
        }
    }
}

#[test]
fn an_answer_over_the_limit_is_too_large_whether_or_not_it_says_so() {
    let honest = Canned::answer(200, &[], "x".repeat(101));
    let chunked = format!("65\r\n{}\r\n0\r\n\r\n", "x".repeat(101));
    let chunked = Canned::answer(200, &[("Transfer-Encoding", "chunked")], chunked);
    for (answer, limit, fits) in [
        (honest.clone(), 100, false),
        (chunked.clone(), 100, false),
        (honest, 101, true),
        (chunked, 101, true),
    ] {
        let server = CannedServer::start(vec![answer]);
        let mut options = options(&server.url());
        options.max_response_bytes = limit;
        match send(&HttpTransport::new(options).unwrap(), get()) {
            Ok(answer) => assert!(fits && answer.body.len() == 101),
            Err(error) => {
                let host = server.address().to_string();
                assert_eq!(error, TransportError::TooLarge { host, limit });
                assert!(!fits);
            }
        }
    }
}

#[test]
fn gzip_is_read_and_a_gzip_bomb_stops_at_the_limit() {
    // "hello" in one stored block.
    let hello = [
        &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1, 5, 0, 250, 255][..],
        b"hello",
        &[0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0],
    ]
    .concat();
    let zipped = [("Content-Encoding", "gzip")];
    assert_eq!(
        get_from(Canned::answer(200, &zipped, hello.clone()))
            .unwrap()
            .body,
        b"hello"
    );
    // Cut, and with a wrong checksum.
    interrupted(get_from(Canned::answer(200, &zipped, &hello[..17])));
    let mut wrong = hello;
    wrong[21] ^= 1;
    interrupted(get_from(Canned::answer(200, &zipped, wrong)));

    let bomb = gzip_of_zeros(512);
    assert!(bomb.len() < 4 << 20);
    match get_from(Canned::answer(200, &zipped, bomb)) {
        Err(TransportError::TooLarge { limit, .. }) => assert_eq!(limit, 8 << 20),
        other => panic!("{:?}", other.map(|answer| answer.body.len())),
    }
}
