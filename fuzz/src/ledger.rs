//! Targets of `weft-evm`. This file is included by the crate's tests too, which replay the corpora: it may use nothing
//! but `weft_evm` and the standard library.

use weft_evm::{
    ChainSpec, ItemProof, Preamble, RecoveredBlock, Rules, Transaction, decode_block, decode_transaction, fork_by_name,
    recover,
    snapshot::{Manifest, fuzz_chunk},
};

fn spec() -> ChainSpec {
    let prague = fork_by_name("prague").unwrap_or_default();
    ChainSpec::at_fork(9338, Rules::Weft, prague)
}

/// A transaction: what is read says the same when it is written, and its sender can be asked for.
pub fn transaction(data: &[u8]) {
    let spec = spec();
    let Ok(transaction) = decode_transaction(&spec, data) else { return };
    assert!(!transaction.is_eip4844(), "blobs are refused");
    let written = encode(&transaction);
    assert_eq!(decode_transaction(&spec, &written).as_ref(), Ok(&transaction));
    if let Ok(recovered) = recover(&spec, transaction.clone()) {
        assert_eq!(recovered.inner(), &transaction);
    }
}

fn encode(transaction: &Transaction) -> Vec<u8> {
    use weft_evm::alloy_eips::eip2718::Encodable2718 as _;
    transaction.encoded_2718()
}

/// A block: what is read can be checked against any parent, and be taken for a proof.
pub fn block(data: &[u8]) {
    let nodes = data.chunks(64).map(|node| node.to_vec().into()).collect();
    let proof = ItemProof { index: 1, item: data.to_vec().into(), proof: nodes };
    assert!(proof.verify_receipt(Default::default()).is_err(), "nothing has the root zero");
    let Ok(block) = decode_block(data) else { return };
    let spec = spec();
    let parent = block.header.clone();
    let senders = vec![Default::default(); block.body.transactions.len()];
    let block = RecoveredBlock::new(block, senders, Preamble::default());
    assert!(spec.validate(&parent, block.header().parent_hash, &block).is_err(), "no block follows itself");
    for transaction in &block.block.body.transactions {
        let _ = recover(&spec, transaction.clone());
    }
}

/// A snapshot: its manifest and its chunks.
pub fn snapshot(data: &[u8]) {
    if let Ok(manifest) = Manifest::decode(data) {
        assert_eq!(Manifest::decode(&manifest.encode()).ok().as_ref(), Some(&manifest));
        assert!(manifest.header().is_some());
    }
    fuzz_chunk(data);
}
