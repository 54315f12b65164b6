//! Several nodes of one ledger in one process: real consensus, real execution, real stores (in memory), a simulated
//! network and simulated time. The same seed gives the same run.

mod faults;
mod network;
mod snapshot;
mod wallet;
