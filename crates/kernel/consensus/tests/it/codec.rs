//! Encodings: everything comes back, and nothing else is taken.

use arc_malachitebft_core_types::{PolkaSignature, RoundSignature};
use proptest::collection::vec;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use weft_consensus::certificate::CommitCertificate;
use weft_consensus::codec::{
    DecodeError, MAX_CERTIFICATE_LEN, MAX_EVIDENCE_LEN, MAX_MESSAGE_LEN, TimeoutStep, WalEntry, decode_certificate,
    decode_evidence, decode_message, decode_wal_entry, encode_certificate, encode_evidence, encode_message,
    encode_wal_entry,
};
use weft_consensus::evidence::Evidence;
use weft_consensus::types::{
    Address, BlockHash, Height, MAX_ROUND, MAX_VALIDATORS, Message, NilOrVal, PolkaCertificate, Proposal, Round,
    RoundCertificate, RoundCertificateType, Signature, SignedProposal, SignedVote, ValidatorSet, Vote, VoteType,
};

prop_compose! {
    fn signature()(first in any::<[u8; 32]>(), second in any::<[u8; 32]>()) -> Signature {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&first);
        bytes[32..].copy_from_slice(&second);
        Signature(bytes)
    }
}

fn address() -> impl Strategy<Value = Address> {
    any::<[u8; 20]>().prop_map(Address)
}

fn block() -> impl Strategy<Value = BlockHash> {
    any::<[u8; 32]>().prop_map(BlockHash)
}

fn round() -> impl Strategy<Value = Round> {
    (0..=MAX_ROUND).prop_map(Round::new)
}

fn kind() -> impl Strategy<Value = VoteType> {
    any::<bool>().prop_map(|first| if first { VoteType::Prevote } else { VoteType::Precommit })
}

fn or_nil() -> impl Strategy<Value = NilOrVal<BlockHash>> {
    proptest::option::of(block()).prop_map(|block| block.map_or(NilOrVal::Nil, NilOrVal::Val))
}

prop_compose! {
    fn vote()(
        kind in kind(), height in any::<u64>(), round in round(), block in or_nil(), validator in address(),
        signature in signature(),
    ) -> SignedVote {
        SignedVote::new(Vote { kind, height: Height(height), round, block, validator }, signature)
    }
}

prop_compose! {
    fn proposal()(
        height in any::<u64>(), round in round(), block in block(), polka in proptest::option::of(0..=MAX_ROUND),
        validator in address(), signature in signature(),
    ) -> SignedProposal {
        let polka_round = polka.map_or(Round::Nil, Round::new);
        SignedProposal::new(Proposal { height: Height(height), round, block, polka_round, validator }, signature)
    }
}

prop_compose! {
    fn polka()(
        height in any::<u64>(), round in round(), value_id in block(),
        signatures in vec((address(), signature()), 0..=MAX_VALIDATORS),
    ) -> PolkaCertificate {
        let polka_signatures = signatures.into_iter().map(|(address, signature)| PolkaSignature { address, signature });
        PolkaCertificate { height: Height(height), round, value_id, polka_signatures: polka_signatures.collect() }
    }
}

prop_compose! {
    fn round_certificate()(
        height in any::<u64>(), round in round(), skip in any::<bool>(),
        votes in vec((kind(), or_nil(), address(), signature()), 0..=MAX_VALIDATORS),
    ) -> RoundCertificate {
        let cert_type = if skip { RoundCertificateType::Skip } else { RoundCertificateType::Precommit };
        let votes = votes.into_iter().map(|(kind, block, address, sig)| RoundSignature::new(kind, block, address, sig));
        RoundCertificate { height: Height(height), round, cert_type, round_signatures: votes.collect() }
    }
}

prop_compose! {
    fn certificate()(
        height in any::<u64>(), round in 0..=MAX_ROUND, block in block(),
        signatures in proptest::collection::btree_map(address(), signature(), 0..=MAX_VALIDATORS),
    ) -> CommitCertificate {
        CommitCertificate { height: Height(height), round, block, signatures: signatures.into_iter().collect() }
    }
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        vote().prop_map(Message::Vote),
        proposal().prop_map(Message::Proposal),
        polka().prop_map(Message::Polka),
        round_certificate().prop_map(Message::Round),
    ]
}

fn wal_entry() -> impl Strategy<Value = WalEntry> {
    let step = prop_oneof![Just(TimeoutStep::Propose), Just(TimeoutStep::Prevote), Just(TimeoutStep::Precommit)];
    let verdict = (proposal(), any::<bool>()).prop_map(|(proposal, valid)| WalEntry::Verdict {
        height: proposal.height,
        round: proposal.round,
        polka_round: proposal.polka_round,
        proposer: proposal.message.validator,
        block: proposal.message.block,
        valid,
    });
    prop_oneof![
        vote().prop_map(WalEntry::Vote),
        proposal().prop_map(WalEntry::Proposal),
        polka().prop_map(WalEntry::Polka),
        verdict,
        (any::<u64>(), round(), step).prop_map(|(height, round, step)| WalEntry::Timeout {
            height: Height(height),
            round,
            step
        }),
    ]
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let votes = (vote(), block(), signature()).prop_map(|(vote, block, signature)| {
        let other = Vote { block: NilOrVal::Val(block), ..vote.message };
        Evidence::votes(vote, SignedVote::new(other, signature)).unwrap()
    });
    let proposals = (proposal(), block(), signature()).prop_map(|(proposal, block, signature)| {
        let other = Proposal { block, ..proposal.message };
        Evidence::proposals(SignedProposal::new(other, signature), proposal).unwrap()
    });
    prop_oneof![votes, proposals]
}

/// What was encoded comes back, and no byte of it may be missing or added.
fn check<T: PartialEq + std::fmt::Debug>(
    item: &T,
    bytes: &[u8],
    most: usize,
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
) -> Result<(), TestCaseError> {
    prop_assert!(bytes.len() <= most, "{} bytes", bytes.len());
    let decoded = decode(bytes);
    prop_assert_eq!(decoded.as_ref(), Ok(item));
    prop_assert!(decode(&bytes[..bytes.len() - 1]).is_err());
    let longer = [bytes, &[0]].concat();
    prop_assert!(decode(&longer).is_err());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn messages_come_back(item in message()) {
        check(&item, &encode_message(&item), MAX_MESSAGE_LEN, decode_message)?;
    }

    #[test]
    fn certificates_come_back(item in certificate()) {
        check(&item, &encode_certificate(&item), MAX_CERTIFICATE_LEN, decode_certificate)?;
    }

    #[test]
    fn evidence_comes_back(item in evidence()) {
        check(&item, &encode_evidence(&item), MAX_EVIDENCE_LEN, decode_evidence)?;
    }

    #[test]
    fn entries_of_the_log_come_back(item in wal_entry()) {
        check(&item, &encode_wal_entry(&item), MAX_MESSAGE_LEN, decode_wal_entry)?;
    }

    #[test]
    fn what_is_taken_has_one_encoding(
        mut bytes in prop_oneof![
            vec(any::<u8>(), 0..400),
            message().prop_map(|item| encode_message(&item)),
            certificate().prop_map(|item| encode_certificate(&item)),
            evidence().prop_map(|item| encode_evidence(&item)),
            wal_entry().prop_map(|item| encode_wal_entry(&item)),
        ],
        at in any::<proptest::sample::Index>(),
        bit in 0..8u8,
        kind in 0..12u8,
    ) {
        if let [version, first, ..] = &mut bytes[..] {
            (*version, *first) = (1, if kind == 0 || kind > 9 { *first } else { kind });
        }
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] ^= 1u8 << bit;
        }
        if let Ok(item) = decode_message(&bytes) {
            prop_assert_eq!(encode_message(&item), &bytes[..]);
        }
        if let Ok(item) = decode_certificate(&bytes) {
            prop_assert_eq!(encode_certificate(&item), &bytes[..]);
        }
        if let Ok(item) = decode_evidence(&bytes) {
            prop_assert_eq!(encode_evidence(&item), &bytes[..]);
        }
        if let Ok(item) = decode_wal_entry(&bytes) {
            prop_assert_eq!(encode_wal_entry(&item), &bytes[..]);
        }
        if let Ok(item) = ValidatorSet::decode(&bytes) {
            prop_assert_eq!(item.encode(), &bytes[..]);
        }
    }
}

#[test]
fn lists_and_rounds_have_bounds() {
    let full = CommitCertificate {
        height: Height(1),
        round: 0,
        block: BlockHash([0; 32]),
        signatures: (0..101u8).map(|n| (Address([n; 20]), Signature([0; 64]))).collect(),
    };
    assert_eq!(decode_certificate(&encode_certificate(&full)), Err(DecodeError::TooMany));
    // A count that the bytes do not bear out reserves nothing.
    let mut short = encode_certificate(&CommitCertificate { signatures: Vec::new(), ..full.clone() });
    let count = short.len() - 4;
    short[count..].copy_from_slice(&100u32.to_be_bytes());
    assert_eq!(decode_certificate(&short), Err(DecodeError::Short));
    let late = CommitCertificate { round: MAX_ROUND + 1, signatures: Vec::new(), ..full.clone() };
    assert_eq!(decode_certificate(&encode_certificate(&late)), Err(DecodeError::Value));
    let mut twice = CommitCertificate { signatures: full.signatures[..2].to_vec(), ..full };
    twice.signatures[1].0 = twice.signatures[0].0;
    assert_eq!(decode_certificate(&encode_certificate(&twice)), Err(DecodeError::Order));
    assert_eq!(decode_message(&[1; MAX_MESSAGE_LEN + 1]), Err(DecodeError::TooMany));
}

/// Formats are frozen: a node of another version must read what this one wrote. If this fails, the version byte has to
/// change with the format.
#[test]
fn the_bytes_are_the_committed_ones() {
    let vote = |block| {
        let (kind, height, round) = (VoteType::Precommit, Height(7), Round::new(2));
        SignedVote::new(Vote { kind, height, round, block, validator: Address([3; 20]) }, Signature([4; 64]))
    };
    let proposal = |polka_round| {
        let (height, round, block) = (Height(7), Round::new(2), BlockHash([5; 32]));
        let validator = Address([3; 20]);
        SignedProposal::new(Proposal { height, round, block, polka_round, validator }, Signature([4; 64]))
    };
    let (a, b) = (vote(NilOrVal::Nil), vote(NilOrVal::Val(BlockHash([6; 32]))));
    let signatures = vec![(Address([1; 20]), Signature([2; 64])), (Address([2; 20]), Signature([3; 64]))];
    let polka = PolkaCertificate {
        height: Height(7),
        round: Round::new(1),
        value_id: BlockHash([5; 32]),
        polka_signatures: vec![PolkaSignature { address: Address([1; 20]), signature: Signature([2; 64]) }],
    };
    let cert_type = RoundCertificateType::Skip;
    let (kind, nil) = (VoteType::Prevote, NilOrVal::Nil);
    let round_signatures = vec![RoundSignature::new(kind, nil, Address([1; 20]), Signature([2; 64]))];
    let round = RoundCertificate { height: Height(7), round: Round::new(1), cert_type, round_signatures };
    let all = [
        encode_message(&Message::Vote(a.clone())),
        encode_message(&Message::Vote(b.clone())),
        encode_message(&Message::Proposal(proposal(Round::Nil))),
        encode_message(&Message::Polka(polka)),
        encode_message(&Message::Round(round)),
        encode_certificate(&CommitCertificate { height: Height(7), round: 2, block: BlockHash([5; 32]), signatures }),
        encode_evidence(&Evidence::votes(a, b).unwrap()),
        encode_evidence(&Evidence::proposals(proposal(Round::Nil), proposal(Round::new(1))).unwrap()),
        encode_wal_entry(&WalEntry::Verdict {
            height: Height(7),
            round: Round::new(2),
            polka_round: Round::new(1),
            proposer: Address([3; 20]),
            block: BlockHash([5; 32]),
            valid: true,
        }),
        encode_wal_entry(&WalEntry::Timeout { height: Height(7), round: Round::new(2), step: TimeoutStep::Prevote }),
    ];
    let digest: String = Sha256::digest(all.concat()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "0d1d33aa0e92f93be134f06178b37a3b6a911d98aa7b4e2ed5aef5f12f8da51e");
}
