//! When a sync is killed, and where it was then, as the replica's file tells.

use std::time::Duration;

use super::house::{Observer, Standing, database, reopen, standing};
use super::victim::{Dice, Victim};
use crate::cli_support::Shell;

/// What a sync is to have done before it is killed, more or less.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Aim {
    Begun,
    Pulled,
    Sent,
    Settled,
}

impl Aim {
    pub(crate) fn reached(self, before: &Standing, now: &Standing, pid: u32) -> bool {
        match self {
            Aim::Begun => now.syncing == Some(pid),
            Aim::Pulled => now.generation > before.generation,
            Aim::Sent => now.attempts > before.attempts,
            Aim::Settled => now.waiting < before.waiting,
        }
    }
}

/// Where the killed syncs were.
#[derive(Debug, Default)]
pub(crate) struct SyncKills {
    pub(crate) before_begin: usize,
    pub(crate) after_begin: usize,
    pub(crate) after_a_page: usize,
    pub(crate) after_sending: usize,
    pub(crate) after_a_settlement: usize,
    pub(crate) after_the_end: usize,
    /// Syncs that took the lease from a killed one, which had it for minutes to come.
    pub(crate) takeovers: usize,
}

impl SyncKills {
    pub(crate) fn count(&mut self, before: &Standing, after: &Standing, pid: u32, ended: bool) {
        let began = after.syncing == Some(pid);
        let place = if ended || (!began && after.generation > before.generation) {
            &mut self.after_the_end
        } else if !began {
            &mut self.before_begin
        } else if after.waiting < before.waiting {
            &mut self.after_a_settlement
        } else if after.attempts > before.attempts {
            &mut self.after_sending
        } else if after.generation > before.generation {
            &mut self.after_a_page
        } else {
            &mut self.after_begin
        };
        *place += 1;
        self.takeovers += usize::from(before.syncing.is_some() && (ended || before.syncing != after.syncing));
    }

    /// The first commit takes the lease and the last gives it back; counted
    /// are only kills after a commit that changed more than the lease.
    pub(crate) fn between(&self) -> usize {
        self.after_a_page + self.after_sending + self.after_a_settlement
    }
}

/// Starts a sync and kills it a while after the aim was reached, or at any
/// moment if there is none; then lets a new process open what is left.
pub(crate) fn kill_a_sync(
    shell: &Shell,
    aim: Option<Aim>,
    dawdle: Duration,
    dice: &mut Dice,
    kills: &mut SyncKills,
) {
    let path = database(shell);
    let before = standing(&path);
    let mut victim = Victim::command(shell, &["sync"]);
    let pid = victim.pid();
    if let Some(aim) = aim {
        // Gone before the kill: the next process finds the file as it was left.
        let observer = Observer::of(&path);
        while victim.runs() && !aim.reached(&before, &observer.standing(), pid) {
            std::thread::yield_now();
        }
    }
    dice.dawdle(dawdle);
    let remains = victim.kill();
    assert!(remains.code.is_none_or(|code| code == 0), "{remains:?}");
    reopen(shell);
    kills.count(&before, &standing(&path), pid, remains.code.is_some());
}
