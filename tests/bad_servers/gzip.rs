//! A gzip of zeros that is a thousand times smaller than what it holds, made by
//! hand: no compressor is among this crate's dependencies.

/// A gzip of at least so many zero bytes.
pub(crate) fn of_zeros(bytes: usize) -> Vec<u8> {
    // One deflate block of fixed codes: literal 0 is the code 00110000, a
    // repetition of 258 bytes is 11000101, at distance 1 it is 00000.
    let mut bits = Vec::new();
    let mut code = |code: u32, count: u32| bits.extend((0..count).rev().map(|index| code >> index & 1 == 1));
    // The last block, of fixed codes; these two fields go in from their lowest bit.
    code(0b110, 3);
    code(0b0011_0000, 8);
    for _ in 0..=bytes / 258 {
        code(0b1100_0101, 8);
        code(0, 5);
    }
    code(0, 7);
    let packed = bits.chunks(8).map(|byte| {
        let weigh = |(index, bit): (usize, &bool)| u8::from(*bit) << index;
        byte.iter().enumerate().map(weigh).sum::<u8>()
    });
    let mut whole = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    whole.extend(packed);
    // Checksum and size are wrong: nobody must get that far.
    whole.extend([0; 8]);
    whole
}
