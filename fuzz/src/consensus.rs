//! Targets of `weft-consensus`. This file is included by the crate's tests too, which replay the corpora: it may use
//! nothing but `weft_consensus` and the standard library.

use weft_consensus::{
    codec::{
        MAX_CERTIFICATE_LEN, MAX_EVIDENCE_LEN, MAX_MESSAGE_LEN, decode_certificate, decode_evidence, decode_message,
        decode_wal_entry, encode_certificate, encode_evidence, encode_message, encode_wal_entry,
    },
    types::{ChainId, MAX_ROUND, MAX_VALIDATORS, Message, Validator, ValidatorSet},
};

/// Messages and entries of the log: what is taken is bounded and has one encoding.
pub fn consensus_message(data: &[u8]) {
    if let Ok(message) = decode_message(data) {
        assert!(data.len() <= MAX_MESSAGE_LEN);
        assert_eq!(encode_message(&message), data);
        assert!(message.round().as_u32().is_some_and(|round| round <= MAX_ROUND));
        match &message {
            Message::Polka(certificate) => assert!(certificate.polka_signatures.len() <= MAX_VALIDATORS),
            Message::Round(certificate) => assert!(certificate.round_signatures.len() <= MAX_VALIDATORS),
            Message::Vote(_) | Message::Proposal(_) => assert!(message.signer().is_some()),
        }
    }
    if let Ok(entry) = decode_wal_entry(data) {
        assert_eq!(encode_wal_entry(&entry), data);
    }
}

/// Commit certificates, evidence and validator sets: the same, and nothing that was not signed counts.
pub fn consensus_certificate(data: &[u8]) {
    let chain = ChainId([0; 32]);
    if let Ok(certificate) = decode_certificate(data) {
        assert!(data.len() <= MAX_CERTIFICATE_LEN && certificate.signatures.len() <= MAX_VALIDATORS);
        assert_eq!(encode_certificate(&certificate), data);
        // Of the very validators it names, but with a key that signed nothing.
        let validators = certificate.signatures.iter().map(|(address, _)| Validator {
            address: *address,
            public_key: stranger(),
            power: 1,
        });
        if let Ok(set) = ValidatorSet::new(validators.collect()) {
            assert!(certificate.verify(&chain, &set).is_err());
        }
    }
    if let Ok(evidence) = decode_evidence(data) {
        assert!(data.len() <= MAX_EVIDENCE_LEN);
        assert_eq!(encode_evidence(&evidence), data);
        let validator = Validator { address: evidence.key().validator, public_key: stranger(), power: 1 };
        if let Ok(set) = ValidatorSet::new(vec![validator]) {
            assert!(evidence.verify(&chain, &set).is_err());
        }
    }
    if let Ok(set) = ValidatorSet::decode(data) {
        assert_eq!(set.encode(), data);
        assert!(set.len() <= MAX_VALIDATORS && set.get(&set.proposer(Default::default(), 0).address).is_some());
    }
}

/// The key of RFC 8032's first test.
fn stranger() -> weft_consensus::types::PublicKey {
    let bytes = [
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1,
        0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
    ];
    weft_consensus::types::PublicKey::from_bytes(&bytes).expect("a key that is often used")
}
