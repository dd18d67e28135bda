//! What went wrong in reqwest, said in our words.
//!
//! Only the innermost cause is passed on: the outer texts of reqwest hold the
//! URL, and repeat each other. Deciding what to do about a failure is not for
//! this module.

use std::error::Error;
use std::io;

use rustls::CertificateError;

use super::TransportError;

/// The longest text taken over from below.
const MAX_PROBLEM_CHARS: usize = 200;

/// Sorts an error of an exchange with `host`.
pub(super) fn of_exchange(error: reqwest::Error, host: &str) -> TransportError {
    let error = error.without_url();
    let host = host.to_owned();
    if let Some(tls) = find::<rustls::Error>(&error) {
        let problem = match tls {
            // Ours, and in words for people.
            rustls::Error::InvalidCertificate(CertificateError::Other(other)) => other.to_string(),
            other => other.to_string(),
        };
        let problem = shorten(problem);
        return TransportError::Tls { host, problem };
    }
    if error.is_timeout() {
        return TransportError::Timeout { host };
    }
    let problem = innermost(&error);
    if !error.is_connect() {
        return TransportError::Interrupted { host, problem };
    }
    // A peer that hangs up in the handshake; refused TCP connections have other kinds.
    let hung_up = causes(&error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|io| io.kind() == io::ErrorKind::UnexpectedEof);
    if hung_up {
        TransportError::Tls { host, problem }
    } else {
        TransportError::Unreachable { host, problem }
    }
}

/// The client could not be built; for want of certificates, as nothing else is asked of it.
pub(super) fn of_building(error: reqwest::Error, host: &str) -> TransportError {
    TransportError::Tls {
        host: host.to_owned(),
        problem: innermost(&error.without_url()),
    }
}

/// The error and its causes, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // `io::Error::source` skips the very error that it wraps.
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref::<T>())
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    shorten(causes(error).last().map(ToString::to_string).unwrap_or_default())
}

fn shorten(text: String) -> String {
    match text.char_indices().nth(MAX_PROBLEM_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
