//! Servers to test against, over real sockets on the loopback.
//!
//! Every test program compiles this module for itself and uses a part of it.
#![allow(dead_code, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod front;
pub mod funky01;
pub mod funky01_push;
pub mod raw_http;
pub mod tls;
