//! The library's log, for languages without `tracing`.
//!
//! Messages go through a bounded queue to a thread of their own: a slow sink
//! delays nobody, and what did not fit is counted and told. Messages of other
//! libraries are left out, since nobody here vouches that they hold no secrets.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use crate::client::{Result, WildThingError};
use crate::model::Timestamp;
use crate::seam::{RealSeam, Seam as _};

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, uniffi::Enum)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What failed.
    Error,
    /// What is odd, and was dealt with.
    Warning,
    /// What matters in everyday use.
    Info,
    /// What helps to find a fault; every SQL statement where `echo` is on.
    Debug,
    /// Everything.
    Trace,
}

/// One message.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct LogRecord {
    /// When.
    pub time: Timestamp,
    /// How grave.
    pub level: LogLevel,
    /// Which part of the library, for example `wildthing::sync`.
    pub target: String,
    /// What happened.
    pub text: String,
}

/// Why a sink could not take a message. Nobody acts on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum LogSinkError {
    /// It threw.
    #[error("the log sink failed: {reason}")]
    Failed {
        /// What it said.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for LogSinkError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { reason: error.reason }
    }
}

/// Takes the library's messages.
#[uniffi::export(with_foreign)]
pub trait LogSink: Send + Sync {
    /// Takes one. Called on a thread of its own, one message at a time.
    fn log(&self, record: LogRecord) -> std::result::Result<(), LogSinkError>;
}

/// Sends the messages of all clients in this process to `sink` from now on, those
/// of `level` and graver; a sink given before is replaced. With `Off` it waits for a
/// sink that is being called, at most 5 s: after that no sink is called any more, and
/// an interpreter may end.
///
/// Fails with `Invalid` if this process logs by other means already.
#[uniffi::export]
pub fn set_log_sink(level: LogLevel, sink: Arc<dyn LogSink>) -> Result<()> {
    let log = log()?;
    let replaced = log
        .sink
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .replace(sink);
    log.level.store(rank(level), Ordering::Release);
    // Foreign code may run when it goes: without the lock, and without us.
    let_go(replaced);
    if level == LogLevel::Off && !POURING.get() {
        log.wait_for_quiet();
    }
    Ok(())
}

/// The one log of the process.
struct Log {
    level: AtomicU8,
    sink: RwLock<Option<Arc<dyn LogSink>>>,
    /// Whether a message is being handed over.
    pouring: Mutex<bool>,
    /// Told when that is over.
    quiet: Condvar,
    queue: SyncSender<LogRecord>,
    dropped: AtomicU64,
}

/// How many messages may wait for a slow sink.
const CAPACITY: usize = 1_024;

fn log() -> Result<&'static Arc<Log>> {
    static LOG: OnceLock<Result<Arc<Log>>> = OnceLock::new();
    LOG.get_or_init(start).as_ref().map_err(Clone::clone)
}

fn start() -> Result<Arc<Log>> {
    let (queue, messages) = sync_channel(CAPACITY);
    let log = Arc::new(Log {
        level: AtomicU8::new(rank(LogLevel::Off)),
        sink: RwLock::new(None),
        pouring: Mutex::new(false),
        quiet: Condvar::new(),
        queue,
        dropped: AtomicU64::new(0),
    });
    tracing::subscriber::set_global_default(Tap(Arc::clone(&log))).map_err(|_| WildThingError::Invalid {
        field: "sink".into(),
        problem: "this process has a tracing subscriber of its own, which hears everything already".into(),
    })?;
    let pouring = Arc::clone(&log);
    std::thread::Builder::new()
        .name("wildthing-log".into())
        .spawn(move || pouring.pour(&messages))
        .map_err(|error| WildThingError::Internal {
            detail: format!("no thread for the log: {error}"),
        })?;
    Ok(log)
}

thread_local! {
    /// Whether this thread is inside a sink: what the library says on its behalf
    /// is left out, or one message would make the next without end.
    static POURING: Cell<bool> = const { Cell::new(false) };
}

impl Log {
    fn wait_for_quiet(&self) {
        let pouring = self.pouring.lock().unwrap_or_else(PoisonError::into_inner);
        // Whether it is quiet by then is no matter: nobody could do more about it.
        let _ = self
            .quiet
            .wait_timeout_while(pouring, PATIENCE, |pouring| *pouring);
    }

    fn pour(&self, messages: &Receiver<LogRecord>) {
        POURING.set(true);
        while let Ok(record) = messages.recv() {
            let _pouring = Pouring::begin(self);
            // What was said before somebody asked for silence is not told after.
            if self.level.load(Ordering::Acquire) == rank(LogLevel::Off) {
                continue;
            }
            let sink = self.sink.read().unwrap_or_else(PoisonError::into_inner).clone();
            let Some(sink) = sink else { continue };
            let dropped = self.dropped.swap(0, Ordering::AcqRel);
            if dropped > 0 {
                let told = LogRecord {
                    level: LogLevel::Warning,
                    target: "wildthing::log".into(),
                    text: format!("{dropped} messages were dropped, since the sink was slow"),
                    ..record.clone()
                };
                hand_over(&*sink, told);
            }
            hand_over(&*sink, record);
            // It may have been replaced meanwhile, and this the last to hold it.
            let_go(Some(sink));
        }
    }
}

/// How long silence waits for a sink. One that needs what the caller of
/// `set_log_sink` holds would never come to its end.
const PATIENCE: Duration = Duration::from_secs(5);

/// A message is on its way to the sink, as long as this lives. No lock is held
/// meanwhile: the sink is foreign code.
struct Pouring<'a>(&'a Log);

impl<'a> Pouring<'a> {
    fn begin(log: &'a Log) -> Self {
        *log.pouring.lock().unwrap_or_else(PoisonError::into_inner) = true;
        Self(log)
    }
}

impl Drop for Pouring<'_> {
    fn drop(&mut self) {
        *self.0.pouring.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.quiet.notify_all();
    }
}

/// A sink that throws or panics loses its message, and nothing else happens.
fn hand_over(sink: &dyn LogSink, record: LogRecord) {
    let _ = std::panic::catch_unwind(AssertUnwindSafe(|| sink.log(record)));
}

/// A sink that panics when it is freed ends nothing but itself.
fn let_go(sink: Option<Arc<dyn LogSink>>) {
    let _ = std::panic::catch_unwind(AssertUnwindSafe(|| drop(sink)));
}

fn rank(level: LogLevel) -> u8 {
    level as u8
}

fn level_of(level: &Level) -> LogLevel {
    match *level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warning,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

/// Hears what the library says.
struct Tap(Arc<Log>);

impl Subscriber for Tap {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.target().starts_with("wildthing") {
            // The level may change: asked every time.
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && metadata.target().starts_with("wildthing")
            && rank(level_of(metadata.level())) <= self.0.level.load(Ordering::Acquire)
            && !POURING.get()
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let record = LogRecord {
            time: RealSeam.now(),
            level: level_of(event.metadata().level()),
            target: event.metadata().target().to_owned(),
            text: text.whole(),
        };
        match self.0.queue.try_send(record) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                self.0.dropped.fetch_add(1, Ordering::AcqRel);
            }
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// A message with its fields behind it.
#[derive(Default)]
struct Text {
    words: String,
    fields: String,
}

impl Text {
    fn whole(mut self) -> String {
        self.words.push_str(&self.fields);
        self.words
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => write!(self.words, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::sync::mpsc;

    use super::*;

    /// Tells what it got, and panics at the word.
    struct Heard(mpsc::Sender<LogRecord>);

    impl LogSink for Heard {
        fn log(&self, record: LogRecord) -> std::result::Result<(), LogSinkError> {
            // Said from within: must not come back.
            tracing::error!("said by the sink");
            let panics = record.text.contains("panic");
            // Other tests of this process have their own to say.
            if record.target.ends_with("log::tests") {
                let _ = self.0.send(record);
            }
            assert!(!panics, "as asked");
            Err(LogSinkError::Failed {
                reason: "as always".into(),
            })
        }
    }

    /// Tells that it is called, and stays until there is to be silence.
    struct Busy(mpsc::Sender<()>, Arc<AtomicBool>);

    impl LogSink for Busy {
        fn log(&self, record: LogRecord) -> std::result::Result<(), LogSinkError> {
            if record.text == "be busy" && self.0.send(()).is_ok() {
                while log().is_ok_and(|log| log.level.load(Ordering::Acquire) != rank(LogLevel::Off)) {
                    std::thread::yield_now();
                }
                // Long enough for one who does not wait to be past it.
                (0..10_000).for_each(|_| std::thread::yield_now());
                self.1.store(true, Ordering::Release);
            }
            Ok(())
        }
    }

    #[test]
    #[allow(clippy::unwrap_used)]
    fn a_sink_hears_what_its_level_lets_through_whatever_it_does_itself() {
        let (sender, heard) = mpsc::channel();
        set_log_sink(LogLevel::Info, Arc::new(Heard(sender))).unwrap();
        tracing::debug!("not at this level");
        tracing::error!(target: "somebody_else", token = "secret", "not of this library");
        tracing::warn!("panic now");
        tracing::info!(rooms = 3, "pulled");
        let texts: Vec<String> = (0..2).map(|_| heard.recv().unwrap().text).collect();
        assert_eq!(texts, ["panic now", "pulled rooms=3"]);

        let (sender, heard) = mpsc::channel();
        set_log_sink(LogLevel::Debug, Arc::new(Heard(sender))).unwrap();
        tracing::debug!("now it is");
        let record = heard.recv().unwrap();
        assert_eq!(
            (record.level, record.text.as_str()),
            (LogLevel::Debug, "now it is")
        );
        assert!(record.target.starts_with("wildthing::ffi"));

        // A sink that is busy until silence is asked for, which then waits for it.
        let (entered, busy) = mpsc::channel();
        let left = Arc::new(AtomicBool::new(false));
        set_log_sink(LogLevel::Debug, Arc::new(Busy(entered, Arc::clone(&left)))).unwrap();
        tracing::debug!("be busy");
        busy.recv().unwrap();
        let (sender, heard) = mpsc::channel();
        set_log_sink(LogLevel::Off, Arc::new(Heard(sender.clone()))).unwrap();
        assert!(left.load(Ordering::Acquire));
        tracing::error!("never told");
        set_log_sink(LogLevel::Debug, Arc::new(Heard(sender))).unwrap();
        tracing::debug!("told again");
        assert_eq!(heard.recv().unwrap().text, "told again");
    }
}
