//! The reference hub.
