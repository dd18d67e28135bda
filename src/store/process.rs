//! Whether a process of this machine is still there: a crashed owner's lease
//! need not be waited out. A wrong answer costs time or a repeated request,
//! never an edit: the sync generation guards those.

/// Whether process `pid` exists. Where that can't be told it does.
#[cfg(unix)]
pub(super) fn is_alive(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else {
        return false;
    };
    rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}

/// Whether process `pid` exists. Where that can't be told it does.
#[cfg(not(unix))]
pub(super) fn is_alive(_pid: u32) -> bool {
    true
}
