//! A replica that holds a graph, through the client's API and without a server:
//! houses, rooms, devices and states as views of it, and the graph itself.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "graph_api/found.rs"]
mod found;
#[path = "graph_api/graph.rs"]
mod graph;
#[path = "graph_api/home.rs"]
mod home;
#[path = "graph_api/states.rs"]
mod states;
#[path = "graph_api/views.rs"]
mod views;
