//! The log on stderr: off unless `--echo` or `RUST_LOG` asks for it.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging; `echo` brings the library's debug output, SQL included.
pub(crate) fn start(echo: bool) {
    let mut filter = EnvFilter::from_default_env();
    if echo && let Ok(directive) = "wildthing=debug".parse() {
        filter = filter.add_directive(directive);
    }
    // Fails only if a log was started before, which nobody does.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .try_init();
}
