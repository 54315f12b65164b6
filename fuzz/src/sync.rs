//! The body of the fuzz target `ledger_sync`; it uses the ledger alone, so that the ledger's own tests can include it.

use weft_ledger::peering::message::{FrameReader, Message};
use weft_ledger::replica::{decode_block, encode_block};

/// A stream of a ledger peer, in two parts, as streams come. What is read is written and read again, and what it carries is
/// decoded as a replica does.
pub fn ledger_sync(data: &[u8]) {
    // A stream of its own, of which one question or answer is enough.
    weft_ledger::snapshot::fuzz_messages(data);
    let mut reader = FrameReader::default();
    let (first, second) = data.split_at(data.len() / 2);
    for part in [first, second] {
        reader.push(part);
        loop {
            match reader.read() {
                Ok(Some(message)) => look_at(&message),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

fn look_at(message: &Message) {
    let mut again = FrameReader::default();
    again.push(&message.encode());
    assert_eq!(again.read().as_ref(), Ok(&Some(message.clone())), "what was read is not read again");
    if let Message::Proposed(block) | Message::Decided { block, .. } = message
        && let Ok((block, evidence)) = decode_block(block)
    {
        let encoded = encode_block(&block, &evidence);
        assert_eq!(decode_block(&encoded).map(|(block, _)| block.header.hash_slow()), Ok(block.header.hash_slow()));
    }
}
