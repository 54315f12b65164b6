//! Another kind of chain, imported: Ethereum's forks from Frontier to past Osaka, one after the other, with proof of work
//! and then of stake, blobs, withdrawals and requests.

use std::sync::Arc;

use alloy_primitives::Bytes;
use alloy_rlp::Decodable;
use weft_evm::{Block, Chain, Genesis, Preamble, RecoveredBlock, StateReader, recover_senders};
use weft_store::MemoryStore;

use crate::fixtures::{self, RPC_TESTS};
use crate::world::eager;

#[test]
fn ethereums_own_chain_is_imported() {
    let folder = fixtures::folder(RPC_TESTS).join("tests");
    let genesis = Genesis::from_json(&std::fs::read(folder.join("genesis.json")).unwrap()).unwrap();
    let chain = Chain::open(Arc::new(MemoryStore::default()), &genesis, eager()).unwrap();
    let file = std::fs::read(folder.join("chain.rlp")).unwrap();
    let mut rest = &file[..];
    while !rest.is_empty() {
        let block = Block::decode(&mut rest).unwrap();
        let number = block.header.number;
        if number == 0 {
            continue;
        }
        let senders = recover_senders(chain.spec(), &block.body.transactions, std::num::NonZero::<usize>::MIN).unwrap();
        let block = Arc::new(RecoveredBlock::new(block, senders, Preamble::default()));
        let executed = chain.execute(block).unwrap_or_else(|error| panic!("block {number}: {error}"));
        chain.commit(executed.hash(), Bytes::new()).unwrap();
    }
    let (hash, header) = chain.head();
    crate::say(&format!("imported Ethereum's chain of {} blocks", header.number));
    let forkchoice: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("headfcu.json")).unwrap()).unwrap();
    assert_eq!(forkchoice["params"][0]["headBlockHash"], hash.to_string());
    // The past of every fork can still be read and proved.
    for height in 0..=header.number {
        let beneficiary = chain.header(height).unwrap().unwrap().1;
        let proof = chain.proof(beneficiary.beneficiary, &[], height).unwrap();
        proof.verify(beneficiary.state_root).unwrap();
        let account = chain.state_at(height).unwrap().account(beneficiary.beneficiary).unwrap();
        assert_eq!(proof.account, account);
    }
}
