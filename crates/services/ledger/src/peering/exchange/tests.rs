use super::*;

const GENESIS: B256 = B256::repeat_byte(9);
const NOW: Duration = Duration::from_secs(100);

fn hello(height: u64) -> Message {
    Message::Hello(Hello { version: VERSION, genesis: GENESIS, height, validator: None })
}

fn drain(exchange: &mut Exchange<u8>) -> Vec<Output<u8>> {
    std::iter::from_fn(|| exchange.poll()).collect()
}

/// With peers that have said hello at `height`.
fn among(peers: &[u8], height: u64) -> Exchange<u8> {
    let mut exchange = Exchange::new(GENESIS, 5, None);
    for peer in peers {
        exchange.connected(NOW, *peer);
        exchange.received(NOW, *peer, hello(height));
    }
    drain(&mut exchange);
    exchange
}

#[test]
fn both_say_hello_first_and_once() {
    let mut exchange = Exchange::new(GENESIS, 5, Some(Account::repeat_byte(1)));
    exchange.connected(NOW, 1);
    let said = drain(&mut exchange);
    assert!(matches!(&said[..], [Output::Send(to, Message::Hello(hello))] if to == &[1] && hello.height == 5));
    exchange.received(NOW, 1, hello(5));
    assert_eq!(drain(&mut exchange), [Output::Greeted(1)]);
    exchange.received(NOW, 1, hello(5));
    assert_eq!(drain(&mut exchange), [Output::Part(1, Parting::Hello)]);
    exchange.connected(NOW, 2);
    drain(&mut exchange);
    exchange.received(NOW, 2, Message::Status(1));
    assert_eq!(drain(&mut exchange), [Output::Part(2, Parting::Hello)]);
}

#[test]
fn who_is_on_another_chain_is_parted_with() {
    let mut exchange = Exchange::new(GENESIS, 5, None);
    exchange.connected(NOW, 1);
    drain(&mut exchange);
    let other = B256::repeat_byte(8);
    let hello = Message::Hello(Hello { version: VERSION, genesis: other, height: 5, validator: None });
    exchange.received(NOW, 1, hello);
    assert_eq!(drain(&mut exchange), [Output::Part(1, Parting::OtherChain(other))]);
}

#[test]
fn a_flood_of_consensus_is_cut_to_what_a_round_can_need() {
    let mut exchange = among(&[1], 5);
    for _ in 0..50_000 {
        exchange.received(NOW, 1, Message::Consensus(Bytes::from_static(b"vote")));
    }
    assert_eq!(drain(&mut exchange).len(), 8_000);
}

#[test]
fn every_follow_is_answered_even_one_too_many() {
    let mut exchange = among(&[1], 5);
    for _ in 0..100 {
        exchange.received(NOW, 1, Message::Follow(1));
    }
    let said = drain(&mut exchange);
    assert_eq!(said.len(), 100);
    assert_eq!(said.iter().filter(|output| matches!(output, Output::Serve(1, 1))).count(), 32);
    assert_eq!(said.iter().filter(|output| **output == Output::Send(vec![1], Message::End(5))).count(), 68);
}

#[test]
fn a_wanted_block_is_asked_of_one_peer_after_another_until_the_height_is_through() {
    let mut exchange = among(&[1, 2, 3], 5);
    let hash = B256::repeat_byte(3);
    exchange.want(NOW, hash);
    let mut asked = Vec::new();
    let mut now = NOW;
    for _ in 0..5 {
        asked.extend(drain(&mut exchange).into_iter().map(|output| match output {
            Output::Send(to, Message::Want(wanted)) if wanted == hash => to[0],
            other => panic!("{other:?}"),
        }));
        now = exchange.deadline().unwrap().max(now);
        exchange.tick(now);
    }
    assert_eq!(asked, [1, 2, 3, 1, 2]);
    exchange.committed(now, 6);
    assert_eq!(exchange.deadline(), None);
}

#[test]
fn a_forged_block_costs_its_sender_the_link_and_is_asked_of_another() {
    let mut exchange = among(&[1, 2], 9);
    exchange.behind(NOW);
    let said = drain(&mut exchange);
    let [Output::Send(to, Message::Follow(6)), ..] = &said[..] else { panic!("{said:?}") };
    let first = to[0];
    let decided = Message::Decided { block: Bytes::from_static(b"b"), certificate: Bytes::from_static(b"c") };
    exchange.received(NOW, first, decided);
    let said = drain(&mut exchange);
    assert!(said.iter().any(|output| matches!(output, Output::Decided(..))), "{said:?}");
    exchange.handled(NOW, first, Some(String::from("no such certificate")));
    let said = drain(&mut exchange);
    assert!(said.iter().any(|output| matches!(output, Output::Part(peer, Parting::Forged(_)) if *peer == first)));
    let second = if first == 1 { 2 } else { 1 };
    assert!(said.contains(&Output::Send(vec![second], Message::Follow(6))), "{said:?}");
}

#[test]
fn what_is_for_a_validator_goes_to_who_says_it_is_one_or_to_all() {
    let mut exchange = among(&[1, 2], 5);
    exchange.connected(NOW, 3);
    let validator = Account::repeat_byte(7);
    let hello = Hello { version: VERSION, genesis: GENESIS, height: 5, validator: Some(validator) };
    exchange.received(NOW, 3, Message::Hello(hello));
    drain(&mut exchange);
    let named = To::Validator(weft_consensus::types::Address(validator.into_array()));
    exchange.say(named, Message::Status(1));
    exchange.say(To::Validator(weft_consensus::types::Address([1; 20])), Message::Status(2));
    let said = drain(&mut exchange);
    assert_eq!(said[0], Output::Send(vec![3], Message::Status(1)));
    assert_eq!(said[1], Output::Send(vec![1, 2, 3], Message::Status(2)));
}

#[test]
fn it_says_how_far_behind_it_is_until_it_is_level() {
    let mut exchange = among(&[1], 70);
    let said = drain(&mut exchange);
    assert!(said.is_empty(), "said when greeted: {said:?}");
    // It was more than a range behind: asked at once.
    let mut synced = Vec::new();
    for height in 6..=69 {
        exchange.received(NOW, 1, Message::Decided { block: Bytes::new(), certificate: Bytes::new() });
        exchange.committed(NOW, height);
        exchange.handled(NOW, 1, None);
        synced.extend(drain(&mut exchange).into_iter().filter_map(|output| match output {
            Output::Sync(sync) => Some(sync),
            _ => None,
        }));
    }
    assert_eq!(synced.last(), Some(&None), "{synced:?}");
}
