//! How much memory is allocated and not freed, SQLite's with it. What a process has
//! resident says less: an allocator keeps what was freed, in pieces.

#![allow(unsafe_code)]

/// In bytes, as the C library counts; 0 where it is not glibc.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn held() -> u64 {
    /// `struct mallinfo2` of `malloc.h`.
    #[repr(C)]
    struct Counted {
        before: [usize; 4],
        mapped: usize,
        between: [usize; 2],
        allocated: usize,
        after: [usize; 2],
    }
    unsafe extern "C" {
        safe fn mallinfo2() -> Counted;
    }
    let Counted {
        before: _,
        mapped,
        between: _,
        allocated,
        after: _,
    } = mallinfo2();
    (mapped + allocated) as u64
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn held() -> u64 {
    0
}
