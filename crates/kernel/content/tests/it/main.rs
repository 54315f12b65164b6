//! Engines over real sockets on loopback, real files, a tracker of the tests' own.

mod basics;
mod disk;
mod links;
mod policy;
mod restart;
mod world;
