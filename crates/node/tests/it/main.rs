//! A real node in this process, asked over its real API. Everything stays on loopback.
#![allow(clippy::print_stderr)] // A test that skips says so.

mod content;
mod dashboard;
mod events;
mod guard;
mod openapi;
mod pair;
mod private_addresses;
mod scene;
mod secrets;
mod services;
mod settings;
mod store_full;
