//! End-to-end tests: real nodes, real clients of other makers, real faults, in network namespaces.
//!
//! They need root, nftables, transmission-daemon, python3-libtorrent, node, chromium and ffmpeg (`make test` installs them) and say *skipped* with
//! the reason where something is missing. They run one after another: each wants the machine to itself. `WEFT_SOAK=1`
//! takes the long form.

mod alone;
mod crowd;
mod dashboard;
mod faults;
mod instruments;
mod interop;
mod invited;
mod killed;
mod ledger;
mod nat;
mod observer;
mod scene;
