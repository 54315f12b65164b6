//! Messages, certificates and evidence.

use arc_malachitebft_core_types as core;

use super::{DecodeError, MAX_CERTIFICATE_LEN, MAX_EVIDENCE_LEN, MAX_MESSAGE_LEN, Reader, VERSION};
use crate::certificate::CommitCertificate;
use crate::evidence::Evidence;
use crate::types::{
    Address, BlockHash, Height, MAX_ROUND, MAX_VALIDATORS, Message, NilOrVal, PolkaCertificate, Proposal, Round,
    RoundCertificate, RoundCertificateType, Signature, SignedProposal, SignedVote, Vote, VoteType,
};

pub(super) const VOTE: u8 = 1;
pub(super) const PROPOSAL: u8 = 2;
pub(super) const POLKA: u8 = 3;
const ROUND: u8 = 4;
const COMMIT: u8 = 5;
const EVIDENCE_VOTES: u8 = 6;
const EVIDENCE_PROPOSALS: u8 = 7;

/// A message's bytes.
pub fn encode_message(message: &Message) -> Vec<u8> {
    let mut out = vec![VERSION];
    match message {
        Message::Vote(vote) => {
            out.push(VOTE);
            put_vote(&mut out, vote);
        }
        Message::Proposal(proposal) => {
            out.push(PROPOSAL);
            put_proposal(&mut out, proposal);
        }
        Message::Polka(certificate) => {
            out.push(POLKA);
            put_polka(&mut out, certificate);
        }
        Message::Round(certificate) => {
            out.push(ROUND);
            put_u64(&mut out, certificate.height.0);
            put_u32(&mut out, certificate.round.as_u32().unwrap_or(0));
            out.push(match certificate.cert_type {
                RoundCertificateType::Skip => 1,
                RoundCertificateType::Precommit => 2,
            });
            put_u32(&mut out, certificate.round_signatures.len() as u32);
            for signature in &certificate.round_signatures {
                out.push(vote_kind(signature.vote_type));
                put_block(&mut out, &signature.value_id);
                out.extend_from_slice(&signature.address.0);
                out.extend_from_slice(&signature.signature.0);
            }
        }
    }
    out
}

/// Reads a message that a peer sent.
///
/// # Errors
/// [`DecodeError`] if the bytes are not the encoding of a message.
pub fn decode_message(bytes: &[u8]) -> Result<Message, DecodeError> {
    let (kind, mut reader) = open(bytes, MAX_MESSAGE_LEN)?;
    let message = match kind {
        VOTE => Message::Vote(get_vote(&mut reader)?),
        PROPOSAL => Message::Proposal(get_proposal(&mut reader)?),
        POLKA => Message::Polka(get_polka(&mut reader)?),
        ROUND => {
            let (height, round) = (Height(reader.u64()?), get_round(&mut reader)?);
            let cert_type = match reader.u8()? {
                1 => RoundCertificateType::Skip,
                2 => RoundCertificateType::Precommit,
                _ => return Err(DecodeError::Value),
            };
            let count = get_count(&mut reader, 86)?;
            let mut round_signatures = Vec::with_capacity(count);
            for _ in 0..count {
                let kind = get_vote_kind(&mut reader)?;
                let block = get_block(&mut reader)?;
                let (address, signature) = get_signature(&mut reader)?;
                round_signatures.push(core::RoundSignature::new(kind, block, address, signature));
            }
            Message::Round(RoundCertificate { height, round, cert_type, round_signatures })
        }
        _ => return Err(DecodeError::Kind),
    };
    reader.end()?;
    Ok(message)
}

/// A commit certificate's bytes.
pub fn encode_certificate(certificate: &CommitCertificate) -> Vec<u8> {
    let mut out = vec![VERSION, COMMIT];
    put_u64(&mut out, certificate.height.0);
    put_u32(&mut out, certificate.round);
    out.extend_from_slice(&certificate.block.0);
    put_u32(&mut out, certificate.signatures.len() as u32);
    for (address, signature) in &certificate.signatures {
        out.extend_from_slice(&address.0);
        out.extend_from_slice(&signature.0);
    }
    out
}

/// Reads a commit certificate. That it is well formed says nothing about its signatures:
/// [`CommitCertificate::verify`] does.
///
/// # Errors
/// [`DecodeError`] if the bytes are not the encoding of a commit certificate.
pub fn decode_certificate(bytes: &[u8]) -> Result<CommitCertificate, DecodeError> {
    let (kind, mut reader) = open(bytes, MAX_CERTIFICATE_LEN)?;
    if kind != COMMIT {
        return Err(DecodeError::Kind);
    }
    let height = Height(reader.u64()?);
    let round = get_round(&mut reader)?.as_u32().unwrap_or(0);
    let block = BlockHash(reader.array()?);
    let count = get_count(&mut reader, 84)?;
    let mut signatures = Vec::with_capacity(count);
    for _ in 0..count {
        signatures.push(get_signature(&mut reader)?);
    }
    reader.end()?;
    if !signatures.is_sorted_by(|a, b| a.0 < b.0) {
        return Err(DecodeError::Order);
    }
    Ok(CommitCertificate { height, round, block, signatures })
}

/// The bytes of evidence.
pub fn encode_evidence(evidence: &Evidence) -> Vec<u8> {
    let mut out = vec![VERSION];
    match evidence {
        Evidence::Votes(a, b) => {
            out.push(EVIDENCE_VOTES);
            put_vote(&mut out, a);
            put_vote(&mut out, b);
        }
        Evidence::Proposals(a, b) => {
            out.push(EVIDENCE_PROPOSALS);
            put_proposal(&mut out, a);
            put_proposal(&mut out, b);
        }
    }
    out
}

/// Reads evidence. That the two statements conflict is seen to here; that they are signed, by [`Evidence::verify`].
///
/// # Errors
/// [`DecodeError`] if the bytes are not the encoding of two statements that conflict.
pub fn decode_evidence(bytes: &[u8]) -> Result<Evidence, DecodeError> {
    let (kind, mut reader) = open(bytes, MAX_EVIDENCE_LEN)?;
    let evidence = match kind {
        EVIDENCE_VOTES => {
            let (a, b) = (get_vote(&mut reader)?, get_vote(&mut reader)?);
            Evidence::votes(a, b)
        }
        EVIDENCE_PROPOSALS => {
            let (a, b) = (get_proposal(&mut reader)?, get_proposal(&mut reader)?);
            Evidence::proposals(a, b)
        }
        _ => return Err(DecodeError::Kind),
    };
    reader.end()?;
    let evidence = evidence.map_err(|_| DecodeError::Value)?;
    if encode_evidence(&evidence) == bytes { Ok(evidence) } else { Err(DecodeError::Order) }
}

/// The kind of an item, and its body.
pub(super) fn open(bytes: &[u8], max: usize) -> Result<(u8, Reader<'_>), DecodeError> {
    if bytes.len() > max {
        return Err(DecodeError::TooMany);
    }
    let mut reader = Reader::new(bytes);
    if reader.u8()? != VERSION {
        return Err(DecodeError::Version);
    }
    Ok((reader.u8()?, reader))
}

pub(super) fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_be_bytes());
}

pub(super) fn put_u32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_be_bytes());
}

pub(super) fn get_round(reader: &mut Reader<'_>) -> Result<Round, DecodeError> {
    let round = reader.u32()?;
    if round <= MAX_ROUND { Ok(Round::new(round)) } else { Err(DecodeError::Value) }
}

pub(super) fn put_round_or_nil(out: &mut Vec<u8>, round: Round) {
    match round.as_u32() {
        None => out.push(0),
        Some(round) => {
            out.push(1);
            put_u32(out, round);
        }
    }
}

pub(super) fn get_round_or_nil(reader: &mut Reader<'_>) -> Result<Round, DecodeError> {
    match reader.u8()? {
        0 => Ok(Round::Nil),
        1 => get_round(reader),
        _ => Err(DecodeError::Value),
    }
}

fn put_block(out: &mut Vec<u8>, block: &NilOrVal<BlockHash>) {
    match block {
        NilOrVal::Nil => out.push(0),
        NilOrVal::Val(block) => {
            out.push(1);
            out.extend_from_slice(&block.0);
        }
    }
}

fn get_block(reader: &mut Reader<'_>) -> Result<NilOrVal<BlockHash>, DecodeError> {
    match reader.u8()? {
        0 => Ok(NilOrVal::Nil),
        1 => Ok(NilOrVal::Val(BlockHash(reader.array()?))),
        _ => Err(DecodeError::Value),
    }
}

fn vote_kind(kind: VoteType) -> u8 {
    match kind {
        VoteType::Prevote => 1,
        VoteType::Precommit => 2,
    }
}

fn get_vote_kind(reader: &mut Reader<'_>) -> Result<VoteType, DecodeError> {
    match reader.u8()? {
        1 => Ok(VoteType::Prevote),
        2 => Ok(VoteType::Precommit),
        _ => Err(DecodeError::Value),
    }
}

/// A list's count: at most [`MAX_VALIDATORS`], and no more than the bytes left can hold.
fn get_count(reader: &mut Reader<'_>, least: usize) -> Result<usize, DecodeError> {
    let count = reader.u32()? as usize;
    if count > MAX_VALIDATORS {
        return Err(DecodeError::TooMany);
    }
    if count * least > reader.left() { Err(DecodeError::Short) } else { Ok(count) }
}

fn get_signature(reader: &mut Reader<'_>) -> Result<(Address, Signature), DecodeError> {
    Ok((Address(reader.array()?), Signature(reader.array()?)))
}

pub(super) fn put_vote(out: &mut Vec<u8>, vote: &SignedVote) {
    out.push(vote_kind(vote.message.kind));
    put_u64(out, vote.message.height.0);
    put_u32(out, vote.message.round.as_u32().unwrap_or(0));
    put_block(out, &vote.message.block);
    out.extend_from_slice(&vote.message.validator.0);
    out.extend_from_slice(&vote.signature.0);
}

pub(super) fn get_vote(reader: &mut Reader<'_>) -> Result<SignedVote, DecodeError> {
    let kind = get_vote_kind(reader)?;
    let (height, round) = (Height(reader.u64()?), get_round(reader)?);
    let block = get_block(reader)?;
    let (validator, signature) = get_signature(reader)?;
    Ok(SignedVote::new(Vote { kind, height, round, block, validator }, signature))
}

pub(super) fn put_proposal(out: &mut Vec<u8>, proposal: &SignedProposal) {
    put_u64(out, proposal.message.height.0);
    put_u32(out, proposal.message.round.as_u32().unwrap_or(0));
    out.extend_from_slice(&proposal.message.block.0);
    put_round_or_nil(out, proposal.message.polka_round);
    out.extend_from_slice(&proposal.message.validator.0);
    out.extend_from_slice(&proposal.signature.0);
}

pub(super) fn get_proposal(reader: &mut Reader<'_>) -> Result<SignedProposal, DecodeError> {
    let (height, round) = (Height(reader.u64()?), get_round(reader)?);
    let block = BlockHash(reader.array()?);
    let polka_round = get_round_or_nil(reader)?;
    let (validator, signature) = get_signature(reader)?;
    Ok(SignedProposal::new(Proposal { height, round, block, polka_round, validator }, signature))
}

pub(super) fn put_polka(out: &mut Vec<u8>, certificate: &PolkaCertificate) {
    put_u64(out, certificate.height.0);
    put_u32(out, certificate.round.as_u32().unwrap_or(0));
    out.extend_from_slice(&certificate.value_id.0);
    put_u32(out, certificate.polka_signatures.len() as u32);
    for signature in &certificate.polka_signatures {
        out.extend_from_slice(&signature.address.0);
        out.extend_from_slice(&signature.signature.0);
    }
}

pub(super) fn get_polka(reader: &mut Reader<'_>) -> Result<PolkaCertificate, DecodeError> {
    let (height, round) = (Height(reader.u64()?), get_round(reader)?);
    let value_id = BlockHash(reader.array()?);
    let count = get_count(reader, 84)?;
    let mut polka_signatures = Vec::with_capacity(count);
    for _ in 0..count {
        let (address, signature) = get_signature(reader)?;
        polka_signatures.push(core::PolkaSignature::new(address, signature));
    }
    Ok(PolkaCertificate { height, round, value_id, polka_signatures })
}
