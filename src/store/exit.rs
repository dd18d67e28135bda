//! The end of the process, with encryption: SQLCipher gives its memory back when the
//! process exits, also while other threads still read and write. They would crash on
//! it, after everything was written and answered. So whoever uses a connection holds a
//! [`Permit`], and the exit waits for those that are out and gives no more. OpenSSL
//! does the same to threads that end, and is told to leave the exit alone.
//!
//! Without the feature `sqlcipher` a permit is nothing; on Windows the other threads are
//! gone by then. A library that is unloaded before the process ends is not waited for:
//! who unloads it has to close its clients first.

use super::StoreError;

/// Held while a connection is opened, used or closed.
pub(super) struct Permit {
    #[cfg(all(feature = "sqlcipher", unix))]
    _counted: gate::Counted,
}

/// A permit; [`StoreError::ProcessEnds`] once the process exits.
pub(super) fn permit() -> Result<Permit, StoreError> {
    Ok(Permit {
        #[cfg(all(feature = "sqlcipher", unix))]
        _counted: gate::enter().ok_or(StoreError::ProcessEnds)?,
    })
}

/// Closes connections. Once the process exits they stay open: its files are closed
/// with it.
pub(super) fn close<T>(connections: T, close: impl FnOnce(T)) {
    match permit() {
        Ok(_permit) => close(connections),
        Err(_) => std::mem::forget(connections),
    }
}

#[cfg(all(feature = "sqlcipher", unix))]
mod gate {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
    use std::time::Duration;

    use rusqlite::Connection;

    /// For how long an exit waits: a little longer than a write waits for another
    /// process. Whoever takes longer may crash, as all would without this.
    const PATIENCE: Duration = Duration::from_secs(12);

    struct Gate {
        out: usize,
        exiting: bool,
    }

    static GATE: Mutex<Gate> = Mutex::new(Gate {
        out: 0,
        exiting: false,
    });
    static CAME_BACK: Condvar = Condvar::new();
    /// The process whose end is watched. One that was forked from it has none of its
    /// threads, and perhaps a gate that one of them held.
    static PROCESS: AtomicU32 = AtomicU32::new(0);

    thread_local! {
        /// The permits of this thread: the exit may be called with one of them.
        static OWN: Cell<usize> = const { Cell::new(0) };
    }

    fn gate() -> MutexGuard<'static, Gate> {
        GATE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) struct Counted(());

    pub(super) fn enter() -> Option<Counted> {
        watch_the_exit();
        let mut gate = gate();
        if gate.exiting {
            return None;
        }
        gate.out += 1;
        OWN.set(OWN.get() + 1);
        Some(Counted(()))
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            OWN.set(OWN.get() - 1);
            gate().out -= 1;
            CAME_BACK.notify_all();
        }
    }

    /// What is registered last runs first: SQLCipher registers its part when SQLite
    /// starts, which the first connection makes it do.
    fn watch_the_exit() {
        static WATCHED: Once = Once::new();
        WATCHED.call_once(|| {
            leave_openssl_alone();
            // If there is none, nothing will be used that could crash.
            drop(Connection::open_in_memory());
            PROCESS.store(std::process::id(), Ordering::Relaxed);
            #[allow(unsafe_code)]
            // SAFETY: `at_exit` takes nothing, unwinds nothing, and is part of this
            // library: the C library runs it, or forgets it, before that is unloaded.
            let refused = unsafe { atexit(at_exit) } != 0;
            if refused {
                tracing::warn!("the end of this process can't be watched: threads may crash in it");
            }
        });
    }

    /// OpenSSL too gives everything back at the exit, and what it keeps for a thread at
    /// the end of that: a thread that ends in the exit crashed on it. If the program
    /// began to use OpenSSL earlier, that is for the program to say.
    #[cfg(not(target_vendor = "apple"))]
    fn leave_openssl_alone() {
        /// `OPENSSL_INIT_NO_ATEXIT` of `openssl/crypto.h`.
        const NO_ATEXIT: u64 = 0x0008_0000;
        #[allow(unsafe_code)]
        // SAFETY: it may be called at any time and by any thread, and without settings.
        let begun = unsafe { OPENSSL_init_crypto(NO_ATEXIT, std::ptr::null()) } == 1;
        if !begun {
            tracing::warn!("OpenSSL can't be told to leave the end of this process alone");
        }
    }

    /// There SQLCipher uses what the system has.
    #[cfg(target_vendor = "apple")]
    fn leave_openssl_alone() {}

    #[cfg(not(target_vendor = "apple"))]
    #[allow(unsafe_code)]
    unsafe extern "C" {
        fn OPENSSL_init_crypto(options: u64, settings: *const std::ffi::c_void) -> std::ffi::c_int;
    }

    #[allow(unsafe_code)]
    unsafe extern "C" {
        fn atexit(run: extern "C" fn()) -> std::ffi::c_int;
    }

    extern "C" fn at_exit() {
        if PROCESS.load(Ordering::Relaxed) != std::process::id() {
            return;
        }
        let own = OWN.get();
        let mut gate = gate();
        gate.exiting = true;
        let waited = CAME_BACK.wait_timeout_while(gate, PATIENCE, |gate| gate.out > own);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}
