//! Swarms simulated in virtual time: real machines and connections, scripted links. Every run is determined by its seed,
//! which a failure prints.

mod hostile;
mod sim;
mod swarms;
