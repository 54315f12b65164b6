//! The state machine of one node: what it hears, signs, asks its shell for and decides. No clock, no socket, no disk.
//!
//! # How a shell drives it
//!
//! **Rule one**: after every call that takes `&mut self`, take outputs by [`Driver::poll`] until there are none, and carry
//! them out *in order*. **Rule two**: an [`Output::Persist`] is durable before any later output is carried out. (Several
//! in a row may share one flush; the flush comes before the next output that is not a `Persist`.) That alone keeps a node
//! that crashes anywhere from contradicting itself. **Rule three**: call [`Driver::handle_timeout`] when
//! [`Driver::deadline`] has passed. All times are durations since an origin the shell chooses; they never go back.
//!
//! *Start.* [`Driver::restore`] with the first height that is not durably stored, its validator set, and all entries of
//! the write-ahead log (none on the first start). From then on, for each height: outputs until [`Output::Decided`], store
//! the block with its certificate durably, drop the log's entries up to that height, [`Driver::start_height`] with the
//! next height and the set the stored block gives. The shell chooses when: at once, or when there is something to
//! propose; [`Output::NextHeight`] says that others began.
//!
//! | output | the shell's part |
//! |---|---|
//! | [`Output::Persist`] | append to the log; flush before the next output of another kind |
//! | [`Output::Broadcast`], [`Output::Rebroadcast`], [`Output::Relay`] | to every validator of the set, over whatever loses, delays and repeats |
//! | [`Output::NeedBlock`] | build a block, store it, send it to the others, [`Driver::propose`] its hash before the deadline |
//! | [`Output::NeedValidation`] | get the block, execute it, store it, [`Driver::validated`]; later is better than never |
//! | [`Output::Restream`] | send the block to the others again: it is proposed again, some may not have it |
//! | [`Output::Decided`] | see *Start* |
//! | [`Output::Evidence`] | put it into a block |
//! | [`Output::Behind`] | fetch decided blocks with certificates; for each, execute it and [`Driver::sync`] |
//! | [`Output::PeerBehind`] | send that validator the decided block and certificate of that height |
//! | [`Output::NextHeight`] | start the next height, if it was only waited for something to do |
//! | [`Output::NewRound`], [`Output::Refused`] | for those who watch |
//!
//! # What holds
//!
//! - Nothing leaves that was not logged before, and nothing is signed that contradicts what was signed before: the node's
//!   own record ([`Output::Refused`]) is checked beside the Malachite core's, in the same run and from the log.
//! - Timeouts grow by the round up to a cap, never by doubling: after an outage of an hour the next round still comes
//!   within seconds.
//! - Whatever a peer can make grow is bounded: rounds far ahead are not read, two proposals a round are kept, a validator
//!   has [`MAX_AHEAD`] messages of the next height in store, and only validators' signed messages are kept at all.

mod ahead;
mod config;
mod effects;
mod guard;
mod machine;
mod output;
mod presence;
mod record;
mod restore;

pub use ahead::MAX_AHEAD;
pub use config::{Config, Identity, Timeouts};
pub use guard::{Refusal, Slot, Step};
pub use machine::{Driver, SyncError};
pub use output::{Output, Verdict};
