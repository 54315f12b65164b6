//! One driver, and what comes at it.

use std::time::Duration;

use ed25519_dalek::SigningKey;
use weft_consensus::certificate::CommitCertificate;
use weft_consensus::codec::{WalEntry, encode_message};
use weft_consensus::driver::{Config, Driver, Identity, MAX_AHEAD, Output, Refusal, SyncError, Verdict};
use weft_consensus::signing::{Sign as _, proposal_sign_bytes, vote_sign_bytes};
use weft_consensus::types::{
    BlockHash, Height, Message, NilOrVal, Proposal, Round, Signature, SignedProposal, SignedVote, ValidatorSet, Vote,
    VoteType,
};

use super::block::{CHAIN, address, key, set};
use super::plan::ms;

const SEED: u64 = 1;

fn driver(index: usize) -> Driver<SigningKey> {
    Driver::new(Config::new(CHAIN), Some(Identity { address: address(index), signer: key(SEED, index) }))
}

fn four() -> ValidatorSet {
    set(SEED, &[10, 10, 10, 10])
}

fn vote(who: usize, kind: VoteType, height: u64, round: u32, block: Option<u8>) -> SignedVote {
    let block = block.map_or(NilOrVal::Nil, |block| NilOrVal::Val(BlockHash([block; 32])));
    let vote = Vote { kind, height: Height(height), round: Round::new(round), block, validator: address(who) };
    SignedVote::new(vote, key(SEED, who).sign(&vote_sign_bytes(&CHAIN, &vote)).unwrap())
}

fn proposal(who: usize, height: u64, round: u32, block: u8) -> Message {
    let (height, round, block) = (Height(height), Round::new(round), BlockHash([block; 32]));
    let proposal = Proposal { height, round, block, polka_round: Round::Nil, validator: address(who) };
    let signature = key(SEED, who).sign(&proposal_sign_bytes(&CHAIN, &proposal)).unwrap();
    Message::Proposal(SignedProposal::new(proposal, signature))
}

fn drain(driver: &mut Driver<SigningKey>) -> Vec<Output> {
    std::iter::from_fn(|| driver.poll()).collect()
}

/// Whose turn it is.
fn turn(set: &ValidatorSet, height: u64, round: u32) -> usize {
    let proposer = set.proposer(Height(height), round).address;
    (0..200).find(|index| address(*index) == proposer).unwrap()
}

/// Anybody but the proposer of the first round of height 1.
fn bystander() -> usize {
    (turn(&four(), 1, 0) + 1) % 4
}

fn log(outputs: &[Output]) -> Vec<WalEntry> {
    let entries = outputs.iter().filter_map(|output| match output {
        Output::Persist(entry) => Some(entry.clone()),
        _ => None,
    });
    entries.collect()
}

fn sent(outputs: &[Output]) -> Vec<Message> {
    let messages = outputs.iter().filter_map(|output| match output {
        Output::Broadcast(message) => Some(message.clone()),
        _ => None,
    });
    messages.collect()
}

/// A height from the first word to the decision, in a network of one.
#[test]
fn alone() {
    let set = set(SEED, &[1]);
    let mut driver = driver(0);
    let mut now = ms(5);
    driver.restore(now, Height(1), set.clone(), &[]);
    for height in 1..=5 {
        let outputs = drain(&mut driver);
        let deadline = now + ms(1500);
        assert!(outputs.contains(&Output::NeedBlock { height: Height(height), round: 0, deadline }), "{outputs:?}");
        let block = BlockHash([height as u8; 32]);
        assert!(!driver.propose(now, Height(height), 1, block), "of another round");
        assert!(driver.propose(now, Height(height), 0, block));
        assert!(!driver.propose(now, Height(height), 0, block), "asked once, answered once");
        let outputs = drain(&mut driver);
        let Some(Output::Decided { certificate }) = outputs.last() else { panic!("{outputs:?}") };
        assert_eq!((certificate.height, certificate.block), (Height(height), block));
        certificate.verify(&CHAIN, &set).unwrap();
        now += ms(250);
        driver.start_height(now, Height(height + 1), set.clone());
    }
}

/// Whatever is sent was logged before.
#[test]
fn an_entry_comes_before_what_it_guards() {
    let me = bystander();
    let mut driver = driver(me);
    driver.start_height(ms(0), Height(1), four());
    let proposer = turn(&four(), 1, 0);
    driver.handle_message(ms(1), proposal(proposer, 1, 0, 7));
    let outputs = drain(&mut driver);
    assert!(outputs.iter().any(|output| matches!(output, Output::NeedValidation { round: 0, polka_round: None, .. })));
    assert!(outputs.iter().any(|output| matches!(output, Output::Relay(_))));
    driver.validated(ms(2), Height(1), BlockHash([7; 32]), Verdict::Valid);
    for other in (0..4).filter(|other| *other != me) {
        driver.handle_message(ms(3), Message::Vote(vote(other, VoteType::Prevote, 1, 0, Some(7))));
        driver.handle_message(ms(4), Message::Vote(vote(other, VoteType::Precommit, 1, 0, Some(7))));
    }
    let outputs = drain(&mut driver);
    let mut kinds = Vec::new();
    for (at, output) in outputs.iter().enumerate() {
        if let Output::Broadcast(Message::Vote(vote)) = output {
            assert!(log(&outputs[..at]).contains(&WalEntry::Vote(vote.clone())), "{vote:?} was not logged");
            assert_eq!(vote.message.block, NilOrVal::Val(BlockHash([7; 32])));
            kinds.push(vote.message.kind);
        }
    }
    assert_eq!(kinds, [VoteType::Prevote, VoteType::Precommit]);
    assert!(outputs.iter().any(|output| matches!(output, Output::Decided { .. })));
}

#[test]
fn an_invalid_block_gets_no_vote() {
    let mut driver = driver(bystander());
    driver.start_height(ms(0), Height(1), four());
    driver.handle_message(ms(1), proposal(turn(&four(), 1, 0), 1, 0, 7));
    driver.validated(ms(2), Height(1), BlockHash([8; 32]), Verdict::Valid);
    assert!(sent(&drain(&mut driver)).is_empty(), "an answer nobody asked for");
    driver.validated(ms(2), Height(1), BlockHash([7; 32]), Verdict::Invalid);
    driver.validated(ms(2), Height(1), BlockHash([7; 32]), Verdict::Valid);
    let sent = sent(&drain(&mut driver));
    let [Message::Vote(vote)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((vote.message.kind, vote.message.block), (VoteType::Prevote, NilOrVal::Nil));
}

/// A restart repeats what was said, in the same words, and says nothing else.
#[test]
fn a_restart_repeats_itself() {
    let me = bystander();
    let mut before = driver(me);
    before.start_height(ms(0), Height(1), four());
    before.handle_message(ms(1), proposal(turn(&four(), 1, 0), 1, 0, 7));
    before.validated(ms(2), Height(1), BlockHash([7; 32]), Verdict::Valid);
    let outputs = drain(&mut before);
    let (entries, said) = (log(&outputs), sent(&outputs));
    assert_eq!(said.len(), 1);
    // From every prefix of the log: what was sent is in it, so it can only be sent again.
    for length in 0..=entries.len() {
        let mut after = driver(me);
        after.restore(ms(900), Height(1), four(), &entries[..length]);
        let outputs = drain(&mut after);
        let again = sent(&outputs);
        if length == entries.len() {
            assert_eq!(again, said);
            assert!(log(&outputs).is_empty(), "nothing new to log: {outputs:?}");
            assert!(!outputs.iter().any(|output| matches!(output, Output::NeedValidation { .. })));
        }
        assert!(again.iter().all(|message| said.contains(message)));
        if length > 0 && !entries[..length].iter().any(|entry| matches!(entry, WalEntry::Verdict { .. })) {
            assert!(outputs.iter().any(|output| matches!(output, Output::NeedValidation { .. })), "{outputs:?}");
        }
    }
}

/// A log that is not this node's last, or a key in two places.
#[test]
fn what_contradicts_the_record_is_not_signed() {
    let me = bystander();
    // The log holds a prevote for another block than the one that comes now.
    let entries = [WalEntry::Vote(vote(me, VoteType::Prevote, 1, 0, Some(9)))];
    let mut driver = driver(me);
    driver.restore(ms(0), Height(1), four(), &entries);
    driver.handle_message(ms(1), proposal(turn(&four(), 1, 0), 1, 0, 7));
    driver.validated(ms(2), Height(1), BlockHash([7; 32]), Verdict::Valid);
    let outputs = drain(&mut driver);
    let refused = |output: &Output| matches!(output, Output::Refused { reason: Refusal::Conflict | Refusal::Log, .. });
    assert!(outputs.iter().any(refused), "{outputs:?}");
    let contradicts = |message: &Message| matches!(message, Message::Vote(vote) if vote.message.block == NilOrVal::Val(BlockHash([7; 32])));
    assert!(!sent(&outputs).iter().any(contradicts));
    // It still follows what the others decide, and votes again at the next height.
    for other in (0..4).filter(|other| *other != me) {
        driver.handle_message(ms(3), Message::Vote(vote(other, VoteType::Prevote, 1, 0, Some(7))));
        driver.handle_message(ms(4), Message::Vote(vote(other, VoteType::Precommit, 1, 0, Some(7))));
    }
    let outputs = drain(&mut driver);
    assert!(outputs.iter().any(|output| matches!(output, Output::Decided { .. })), "{outputs:?}");
    assert!(sent(&outputs).is_empty());
    // A log from the future: nothing is signed before the place where it ends.
    let entries = [WalEntry::Vote(vote(me, VoteType::Precommit, 5, 3, None))];
    let mut driver = self::driver(me);
    driver.restore(ms(0), Height(1), four(), &entries);
    driver.handle_timeout(ms(60_000));
    let outputs = drain(&mut driver);
    assert!(
        outputs.iter().any(|output| matches!(output, Output::Refused { reason: Refusal::Past, .. })),
        "{outputs:?}"
    );
    assert!(sent(&outputs).is_empty());
}

#[test]
fn forged_and_foreign_messages_do_nothing() {
    let me = bystander();
    let proposer = turn(&four(), 1, 0);
    let mut driver = driver(me);
    driver.start_height(ms(0), Height(1), four());
    let _ = drain(&mut driver);
    let mut forged = Vec::new();
    // Not the proposer; signed by somebody else's key; for another chain; a bit turned.
    forged.push(proposal((proposer + 1) % 4, 1, 0, 7));
    if let Message::Proposal(right) = proposal(proposer, 1, 0, 7) {
        let Message::Proposal(other) = proposal((proposer + 1) % 4, 1, 0, 7) else { unreachable!() };
        forged.push(Message::Proposal(SignedProposal::new(right.message, other.signature)));
        let mut signature = right.signature;
        signature.0[40] ^= 4;
        forged.push(Message::Proposal(SignedProposal::new(right.message, signature)));
    }
    for height in [1, 2, 9] {
        let right = vote(proposer, VoteType::Prevote, height, 0, Some(7));
        let stranger = SigningKey::from_bytes(&[3; 32]).sign(&vote_sign_bytes(&CHAIN, &right.message)).unwrap();
        forged.push(Message::Vote(SignedVote::new(right.message, stranger)));
        forged.push(Message::Vote(SignedVote::new(right.message, Signature([0; 64]))));
        let unknown = Vote { validator: address(77), ..right.message };
        let signature = key(SEED, 77).sign(&vote_sign_bytes(&CHAIN, &unknown)).unwrap();
        forged.push(Message::Vote(SignedVote::new(unknown, signature)));
    }
    for message in forged {
        driver.handle_bytes(ms(10), &encode_message(&message)).unwrap();
        assert_eq!(drain(&mut driver), [], "{message:?}");
    }
    assert_eq!(driver.deadline(), Some(ms(1000)), "no timer was set either");
    assert!(driver.handle_bytes(ms(10), b"\x01\x01nonsense").is_err());
    // Rounds far ahead, which a validator may claim, are not kept.
    for round in [11, 1 << 30] {
        driver.handle_message(ms(10), Message::Vote(vote(proposer, VoteType::Prevote, 1, round, None)));
        assert_eq!(drain(&mut driver), []);
    }
}

/// What a validator may store here for the next height is bounded, and says that the next height began.
#[test]
fn messages_of_the_next_height_wait() {
    let me = bystander();
    let mut driver = driver(me);
    driver.start_height(ms(0), Height(1), four());
    let other = (me + 1) % 4;
    for round in 0..100 {
        driver.handle_message(ms(1), Message::Vote(vote(other, VoteType::Prevote, 2, round, None)));
    }
    let _ = drain(&mut driver);
    // Somebody is at height 2, so height 1 is decided; a while later that is worth asking for.
    assert_eq!(driver.deadline(), Some(ms(301)));
    driver.handle_timeout(ms(301));
    assert!(drain(&mut driver).contains(&Output::Behind { height: Height(2) }));
    driver.start_height(ms(400), Height(2), four());
    let kept = log(&drain(&mut driver));
    let votes = kept.iter().filter(|entry| matches!(entry, WalEntry::Vote(vote) if vote.height == Height(2))).count();
    assert_eq!(votes, MAX_AHEAD);
}

#[test]
fn one_who_waits_is_woken_and_one_who_lags_is_helped() {
    let set = set(SEED, &[1]);
    let mut driver = driver(0);
    driver.start_height(ms(0), Height(1), set);
    assert!(driver.propose(ms(1), Height(1), 0, BlockHash([1; 32])));
    let _ = drain(&mut driver);
    let next = Message::Vote(vote(0, VoteType::Prevote, 2, 0, None));
    driver.handle_message(ms(2), next.clone());
    assert_eq!(drain(&mut driver), [Output::NextHeight { height: Height(2) }]);
    driver.handle_message(ms(2), next);
    assert_eq!(drain(&mut driver), [], "once");
    // A late vote is only late; one that is repeated after a while is a call for help.
    let late = |kind| Message::Vote(vote(0, kind, 1, 0, None));
    driver.handle_message(ms(3), late(VoteType::Prevote));
    assert_eq!(drain(&mut driver), []);
    let help = Output::PeerBehind { validator: address(0), height: Height(1) };
    driver.handle_message(ms(400), late(VoteType::Prevote));
    driver.handle_message(ms(401), late(VoteType::Precommit));
    assert_eq!(drain(&mut driver), std::slice::from_ref(&help));
    driver.handle_message(ms(800), late(VoteType::Precommit));
    assert_eq!(drain(&mut driver), [help]);
}

#[test]
fn a_decided_block_is_taken_with_its_certificate_only() {
    let me = bystander();
    let block = BlockHash([7; 32]);
    let signed = |height: u64, who: &[usize]| {
        let signatures =
            who.iter().map(|who| (address(*who), vote(*who, VoteType::Precommit, height, 3, Some(7)).signature));
        CommitCertificate { height: Height(height), round: 3, block, signatures: signatures.collect() }
    };
    let mut driver = driver(me);
    assert_eq!(driver.sync(ms(0), &signed(1, &[0, 1, 2])), Err(SyncError::Height(None)));
    driver.start_height(ms(0), Height(1), four());
    let _ = drain(&mut driver);
    assert_eq!(driver.sync(ms(1), &signed(2, &[0, 1, 2])), Err(SyncError::Height(Some(Height(1)))));
    assert!(matches!(driver.sync(ms(1), &signed(1, &[0, 1])), Err(SyncError::Certificate(_))));
    let mut forged = signed(1, &[0, 1, 2]);
    forged.block = BlockHash([8; 32]);
    assert!(matches!(driver.sync(ms(1), &forged), Err(SyncError::Certificate(_))));
    assert_eq!(drain(&mut driver), []);
    let certificate = signed(1, &[0, 1, 2]);
    driver.sync(ms(2), &certificate).unwrap();
    assert!(drain(&mut driver).contains(&Output::Decided { certificate: certificate.clone() }));
    assert_eq!(driver.sync(ms(2), &certificate), Ok(()), "again is harmless");
    assert_eq!(drain(&mut driver), []);
    assert_eq!(driver.deadline(), None, "one who waits for the next height is quiet");
}

/// A node without a key, one that is not in the set, and one whose account is there with another node's key, follow and
/// say nothing; not even when it is that account's turn.
#[test]
fn followers_decide_in_silence() {
    let as_proposer = Identity { address: address(turn(&four(), 1, 0)), signer: key(SEED, 9) };
    let stranger = Identity { address: address(9), signer: key(SEED, 9) };
    for identity in [None, Some(stranger), Some(as_proposer)] {
        let mut driver = Driver::new(Config::new(CHAIN), identity);
        driver.start_height(ms(0), Height(1), four());
        driver.handle_message(ms(1), proposal(turn(&four(), 1, 0), 1, 0, 7));
        driver.validated(ms(2), Height(1), BlockHash([7; 32]), Verdict::Valid);
        for who in 0..4 {
            driver.handle_message(ms(3), Message::Vote(vote(who, VoteType::Precommit, 1, 0, Some(7))));
        }
        let outputs = drain(&mut driver);
        assert!(outputs.iter().any(|output| matches!(output, Output::Decided { .. })));
        assert!(!outputs.iter().any(|output| matches!(output, Output::NeedBlock { .. })));
        assert!(sent(&outputs).is_empty());
    }
}

/// Whoever proposes twice after the block is decided is found out as well.
#[test]
fn a_second_proposal_after_the_decision_is_evidence() {
    let me = bystander();
    let proposer = turn(&four(), 1, 0);
    let mut driver = driver(me);
    driver.start_height(ms(0), Height(1), four());
    driver.handle_message(ms(1), proposal(proposer, 1, 0, 7));
    driver.validated(ms(2), Height(1), BlockHash([7; 32]), Verdict::Valid);
    for who in (0..4).filter(|who| *who != me) {
        driver.handle_message(ms(3), Message::Vote(vote(who, VoteType::Precommit, 1, 0, Some(7))));
    }
    assert!(driver.decided().is_some());
    driver.start_height(ms(4), Height(2), four());
    let _ = drain(&mut driver);
    for _ in 0..2 {
        driver.handle_message(ms(5), proposal(proposer, 1, 0, 8));
    }
    let outputs = drain(&mut driver);
    let [Output::Evidence(evidence)] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!(evidence.verify(&CHAIN, &four()), Ok(()));
    assert_eq!((evidence.key().validator, evidence.key().step), (address(proposer), 1));
    assert!(evidence.verify(&CHAIN, &set(2, &[10, 10, 10, 10])).is_err(), "other keys");
}

/// Lets time go on until the driver waits no longer for the proposal. Says when that is.
fn given_up(driver: &mut Driver<SigningKey>) -> Duration {
    loop {
        let now = driver.deadline().unwrap();
        driver.handle_timeout(now);
        let nil = |message: &Message| matches!(message, Message::Vote(vote) if vote.message.block == NilOrVal::Nil);
        if sent(&drain(driver)).iter().any(nil) {
            return now;
        }
    }
}

/// A height that all but `silent` decide at once; `driver` is number 0.
fn decided_without(driver: &mut Driver<SigningKey>, now: Duration, height: u64, silent: usize) -> Duration {
    driver.start_height(now, Height(height), four());
    let mut round = 0;
    let mut now = now;
    if turn(&four(), height, 0) == silent {
        // All prevote and precommit nil; the driver does so by itself when it has waited long enough.
        now = given_up(driver);
        for kind in [VoteType::Prevote, VoteType::Precommit] {
            for other in (1..4).filter(|other| *other != silent) {
                driver.handle_message(now, Message::Vote(vote(other, kind, height, 0, None)));
            }
        }
        round = 1;
    }
    let outputs = drain(driver);
    if turn(&four(), height, round) == 0 {
        assert!(outputs.iter().any(|output| matches!(output, Output::NeedBlock { .. })), "{outputs:?}");
        assert!(driver.propose(now, Height(height), round, BlockHash([7; 32])));
    } else {
        driver.handle_message(now, proposal(turn(&four(), height, round), height, round, 7));
        driver.validated(now, Height(height), BlockHash([7; 32]), Verdict::Valid);
    }
    for kind in [VoteType::Prevote, VoteType::Precommit] {
        for other in (1..4).filter(|other| *other != silent) {
            driver.handle_message(now, Message::Vote(vote(other, kind, height, round, Some(7))));
        }
    }
    assert!(driver.decided().is_some(), "height {height} round {round} is not decided: {:?}", drain(driver));
    drain(driver);
    now
}

#[test]
fn who_has_died_is_not_waited_for_as_long_and_who_is_back_is() {
    let mut driver = driver(0);
    let silent = 3;
    let mut waits = Vec::new();
    let mut now = ms(0);
    for height in 1..=16 {
        let begun = now + ms(10);
        now = decided_without(&mut driver, begun, height, silent);
        if turn(&four(), height, 0) == silent {
            waits.push((now - begun).as_millis());
        }
    }
    // At its first height a validator counts as there: nobody has heard of anybody yet.
    let first = if turn(&four(), 1, 0) == silent || turn(&four(), 2, 0) == silent { 1500 } else { 300 };
    assert!(waits.len() >= 3 && waits[0] == first && waits[1..].iter().all(|wait| *wait == 300), "{waits:?}");
    // A word of it, and it has its time again.
    let height = (17..).find(|height| turn(&four(), *height, 0) == silent).unwrap();
    for height in 17..height {
        now = decided_without(&mut driver, now + ms(10), height, silent);
    }
    driver.handle_message(now, Message::Vote(vote(silent, VoteType::Precommit, height - 1, 0, Some(7))));
    driver.start_height(now, Height(height), four());
    assert_eq!(given_up(&mut driver), now + ms(1500));
}

#[test]
fn silence_costs_bounded_time() {
    let mut driver = driver(bystander());
    driver.start_height(ms(0), Height(1), four());
    let mut now = Duration::ZERO;
    // Nobody answers: this node alone cannot leave the first round, and repeats itself every second.
    for _ in 0..100 {
        now = driver.deadline().unwrap();
        driver.handle_timeout(now);
    }
    assert!(now > ms(90_000) && now < ms(110_000), "{now:?}");
    assert_eq!(driver.round(), Some(0));
    let repeated = drain(&mut driver).iter().filter(|output| matches!(output, Output::Rebroadcast(_))).count();
    assert!(repeated > 90, "{repeated}");
}
