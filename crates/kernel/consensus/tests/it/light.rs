//! Light clients: ten thousand headers, and what they refuse.

use std::time::Instant;

use sha2::{Digest as _, Sha256};
use weft_consensus::certificate::{CertificateError, CommitCertificate};
use weft_consensus::light::{Header, LightClient, LightError, Trusted};
use weft_consensus::signing::{Sign as _, vote_sign_bytes};
use weft_consensus::types::{BlockHash, ChainId, Height, NilOrVal, Round, ValidatorSet, Vote, VoteType};

use super::block::{CHAIN, address, key, set};

#[derive(Debug, Clone)]
struct TestHeader {
    height: u64,
    parent: BlockHash,
    next: [u8; 32],
}

impl Header for TestHeader {
    fn height(&self) -> Height {
        Height(self.height)
    }

    fn hash(&self) -> BlockHash {
        let mut hash = Sha256::new();
        hash.update(self.height.to_be_bytes());
        hash.update(self.parent.0);
        hash.update(self.next);
        BlockHash(hash.finalize().into())
    }

    fn parent(&self) -> BlockHash {
        self.parent
    }

    fn next_set_hash(&self) -> [u8; 32] {
        self.next
    }
}

/// A certificate of those validators of the set that `who` names.
fn certify(chain: &ChainId, seed: u64, height: u64, block: BlockHash, who: &[usize]) -> CommitCertificate {
    let signatures = who.iter().map(|index| {
        let vote = Vote {
            kind: VoteType::Precommit,
            height: Height(height),
            round: Round::new(0),
            block: NilOrVal::Val(block),
            validator: address(*index),
        };
        (address(*index), key(seed, *index).sign(&vote_sign_bytes(chain, &vote)).unwrap())
    });
    CommitCertificate { height: Height(height), round: 0, block, signatures: signatures.collect() }
}

struct Chain {
    genesis: Trusted,
    first: ValidatorSet,
    steps: Vec<(TestHeader, CommitCertificate, Option<ValidatorSet>)>,
}

/// A chain whose set is `sets[i]` from `1 + i * every` on.
fn chain(sets: &[&[u64]], every: u64, length: u64) -> Chain {
    let at = |height: u64| &sets[(((height - 1) / every) as usize).min(sets.len() - 1)];
    let set_at = |height: u64| set(1, at(height));
    let mut parent = BlockHash(CHAIN.0);
    let genesis = Trusted { height: Height(0), block: parent, next_set_hash: set_at(1).hash() };
    let mut steps = Vec::new();
    for height in 1..=length {
        let next = (at(height) != at(height + 1)).then(|| set_at(height + 1));
        let next_hash = next.as_ref().map_or_else(|| set_at(height).hash(), ValidatorSet::hash);
        let header = TestHeader { height, parent, next: next_hash };
        parent = header.hash();
        let members = at(height).iter().enumerate().filter(|(_, power)| **power > 0);
        let members: Vec<usize> = members.map(|(index, _)| index).collect();
        steps.push((header, certify(&CHAIN, 1, height, parent, &members), next));
    }
    Chain { genesis, first: set_at(1), steps }
}

impl Chain {
    fn client(&self) -> LightClient {
        LightClient::new(CHAIN, self.genesis, self.first.clone()).unwrap()
    }
}

/// What this thread has used: other work on the machine does not count. 0 where nobody says.
fn cpu_seconds() -> f64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    schedstat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

#[test]
fn a_long_chain_with_changes_of_the_set() {
    // The figure of the goal (10,000 headers, release) comes by WEFT_HEADERS=10000.
    let length = std::env::var("WEFT_HEADERS").map_or(800, |value| value.parse().unwrap());
    let sets: [&[u64]; 4] = [&[10, 11, 12, 13, 0], &[10, 11, 12, 0, 13], &[0, 11, 12, 20, 13], &[9, 9, 9, 9, 0]];
    let chain = chain(&sets, length / 4, length);
    let mut client = chain.client();
    let (started, busy) = (Instant::now(), cpu_seconds());
    for (header, certificate, next) in &chain.steps {
        assert_eq!(client.changes_set(header), next.is_some());
        client.advance(header, certificate, next.as_ref()).unwrap();
    }
    let (seconds, busy) = (started.elapsed().as_secs_f64(), cpu_seconds() - busy);
    println!("{length} headers with 3 changes of the set, 4 signatures each: {seconds:.2} s ({busy:.2} s of CPU)");
    assert_eq!(client.trusted().height, Height(length));
    assert_eq!(chain.steps.iter().filter(|(_, _, next)| next.is_some()).count(), 3);
}

#[test]
fn what_is_not_shown_is_refused_and_the_client_stays() {
    let chain = chain(&[&[10, 10, 10, 10], &[10, 10, 10, 0, 10]], 2, 4);
    let mut client = chain.client();
    let (header, good, _) = &chain.steps[0];
    let trusted = *client.trusted();
    let mut refuse = |header: &TestHeader, certificate: &CommitCertificate, set: Option<&ValidatorSet>| {
        let error = client.advance(header, certificate, set).unwrap_err();
        assert_eq!(*client.trusted(), trusted);
        error
    };
    let height = Height(1);
    let source = |error| match error {
        LightError::Certificate { source, .. } => source,
        other => panic!("{other:?}"),
    };
    // A certificate of half the power, of somebody twice, of a stranger, with a forged signature, of another chain.
    let short = CommitCertificate { signatures: good.signatures[..2].to_vec(), ..good.clone() };
    let total = 40;
    assert_eq!(source(refuse(header, &short, None)), CertificateError::NotEnoughPower { signed: 20, total });
    let twice = CommitCertificate { signatures: vec![good.signatures[0]; 4], ..good.clone() };
    assert_eq!(source(refuse(header, &twice, None)), CertificateError::Duplicate(address(0)));
    let stranger = certify(&CHAIN, 1, 1, header.hash(), &[0, 1, 2, 4]);
    assert_eq!(source(refuse(header, &stranger, None)), CertificateError::UnknownValidator(address(4)));
    for at in 0..4 {
        let mut forged = good.clone();
        forged.signatures[at].1.0[at * 17] ^= 1;
        assert_eq!(source(refuse(header, &forged, None)), CertificateError::Signature(address(at)));
    }
    let elsewhere = certify(&ChainId([1; 32]), 1, 1, header.hash(), &[0, 1, 2, 3]);
    assert_eq!(source(refuse(header, &elsewhere, None)), CertificateError::Signature(address(0)));
    let keyless = certify(&CHAIN, 2, 1, header.hash(), &[0, 1, 2, 3]);
    assert_eq!(source(refuse(header, &keyless, None)), CertificateError::Signature(address(0)));
    // A certificate of something else.
    let (later, later_certificate, next) = &chain.steps[1];
    assert_eq!(source(refuse(header, later_certificate, None)), CertificateError::Height(Height(2)));
    let other = TestHeader { next: [9; 32], ..header.clone() };
    assert_eq!(source(refuse(&other, good, None)), CertificateError::Block(good.block));
    // A gap, and another chain's header.
    assert_eq!(refuse(later, later_certificate, None), LightError::Gap { trusted: Height(0), got: Height(2) });
    let foreign = TestHeader { parent: BlockHash([8; 32]), ..header.clone() };
    let foreign_certificate = certify(&CHAIN, 1, 1, foreign.hash(), &[0, 1, 2, 3]);
    assert_eq!(refuse(&foreign, &foreign_certificate, None), LightError::Parent(height));
    // A change of the set without the set, and with a wrong one.
    client.advance(header, good, None).unwrap();
    assert_eq!(client.advance(later, later_certificate, None), Err(LightError::SetNeeded(Height(2))));
    let wrong = set(1, &[1, 1, 1, 1]);
    assert_eq!(client.advance(later, later_certificate, Some(&wrong)), Err(LightError::WrongSet(Height(2))));
    client.advance(later, later_certificate, next.as_ref()).unwrap();
    // The old set has nothing to say any more.
    let (third, _, _) = &chain.steps[2];
    let old = certify(&CHAIN, 1, 3, third.hash(), &[0, 1, 2, 3]);
    let refused = client.advance(third, &old, None).unwrap_err();
    assert_eq!(source(refused), CertificateError::UnknownValidator(address(3)));
    assert_eq!(LightClient::new(CHAIN, chain.genesis, wrong).unwrap_err(), LightError::WrongSet(Height(0)));
}
