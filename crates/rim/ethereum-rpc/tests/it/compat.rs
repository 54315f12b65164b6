//! Ethereum's tests of JSON-RPC (the files that clients are compared by), each asked of the real server.
//!
//! An answer must be the same JSON; of an error the code must be the same, and a message that differs is counted. Files that
//! say `speconly` say only what an answer looks like: the same fields with the same kinds of values.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use weft_ethereum_rpc::{Config, Server};
use weft_ledger::handle::Ledger;
use weft_ledger::pool::{Limits, Pool};

use crate::differences::DIFFERENCES;
use crate::{client, fixtures, say};

/// What kind of text it is: hex data and numbers are of one kind, for a test's data differ in length.
fn kind(text: &str) -> u8 {
    u8::from(text.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit())))
}

/// Where the shapes differ.
fn shape(expected: &Value, found: &Value, path: &str) -> Result<(), String> {
    let differ = || Err(format!("{path}: expected a shape as {expected:.200}, found {found:.200}"));
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            if !expected.keys().eq(found.keys()) {
                let keys = |all: &serde_json::Map<String, Value>| all.keys().cloned().collect::<Vec<_>>().join(" ");
                return Err(format!("{path}: expected fields {}, found {}", keys(expected), keys(found)));
            }
            expected.iter().try_for_each(|(key, value)| shape(value, &found[key], &format!("{path}.{key}")))
        }
        (Value::Array(expected), Value::Array(found)) => match expected.first() {
            Some(first) if !found.is_empty() => found.iter().try_for_each(|value| {
                // Elements of one list may be of several shapes: any will do.
                let any = expected.iter().any(|expected| shape(expected, value, path).is_ok());
                if any { Ok(()) } else { shape(first, value, path) }
            }),
            _ => Ok(()),
        },
        (Value::String(expected), Value::String(found)) if kind(expected) == kind(found) => Ok(()),
        (Value::Number(_), Value::Number(_)) | (Value::Bool(_), Value::Bool(_)) | (Value::Null, Value::Null) => Ok(()),
        _ => differ(),
    }
}

/// Where the values differ.
fn same(expected: &Value, found: &Value, path: &str) -> Result<(), String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for key in expected.keys().chain(found.keys()) {
                let none = Value::String(String::from("<absent>"));
                let (expected, found) = (expected.get(key).unwrap_or(&none), found.get(key).unwrap_or(&none));
                same(expected, found, &format!("{path}.{key}"))?;
            }
            Ok(())
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs.try_for_each(|(index, (expected, found))| same(expected, found, &format!("{path}[{index}]")))
        }
        _ if expected == found => Ok(()),
        _ => Err(format!("{path}: expected {expected:.400}, found {found:.400}")),
    }
}

/// Whether the answer is as expected; `Ok(false)` if only an error's message is not.
fn compare(shape_only: bool, expected: &Value, found: &Value) -> Result<bool, String> {
    if expected.get("error").is_some() != found.get("error").is_some() {
        return Err(format!("expected {expected:.400}, found {found:.400}"));
    }
    if let (Some(expected), Some(found)) = (expected.get("error"), found.get("error")) {
        same(&expected["code"], &found["code"], "error.code")
            .map_err(|why| format!("{why}; message expected {}, found {}", expected["message"], found["message"]))?;
        let data = |error: &Value| error.get("data").cloned().unwrap_or(Value::Null);
        if !shape_only {
            same(&data(expected), &data(found), "error.data")?;
        }
        return Ok(expected["message"] == found["message"]);
    }
    let check = if shape_only { shape } else { same };
    check(&expected["result"], &found["result"], "result").map(|()| true)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ethereums_own_tests() {
    let chain = Arc::new(fixtures::chain());
    let (_, head) = chain.head();
    let base_fee = chain.spec().next_base_fee(&head).unwrap();
    let pool = Arc::new(Mutex::new(Pool::new(Limits::default(), base_fee)));
    let ledger = Ledger::new(chain, pool, None);
    let listen = "127.0.0.1:0".parse().unwrap();
    // Long enough for a loaded machine: nothing here is about time.
    let config = Config { listen, debug: true, deadline: Duration::from_secs(60), ..Config::default() };
    let server = Server::start(ledger, config).await.unwrap();
    let listed: BTreeMap<&str, &str> = DIFFERENCES.iter().copied().collect();
    assert_eq!(listed.len(), DIFFERENCES.len(), "a file is listed twice");
    let cases = fixtures::cases();
    let (mut passed, mut exact, mut messages, mut wrong) = (0, 0, Vec::new(), Vec::new());
    for case in &cases {
        let (mut result, mut all_same) = (Ok(()), true);
        for (request, expected) in &case.exchanges {
            let found = client::post(server.address(), request.clone()).await.json();
            all_same &= compare(false, expected, &found) == Ok(true);
            match compare(case.shape_only, expected, &found) {
                Ok(true) => {}
                Ok(false) => {
                    messages.push((&case.name, expected["error"]["message"].clone(), found["error"]["message"].clone()))
                }
                Err(why) => result = result.and(Err(why)),
            }
        }
        passed += usize::from(result.is_ok());
        exact += usize::from(all_same);
        match (result, listed.contains_key(&*case.name)) {
            (Ok(()), true) => wrong.push(format!("{} passes, but is listed as different", case.name)),
            (Err(why), false) => wrong.push(format!("{} differs: {why}", case.name)),
            _ => {}
        }
    }
    let known = |name: &&str| cases.iter().any(|case| case.name == **name);
    wrong.extend(listed.keys().filter(|name| !known(name)).map(|name| format!("{name} is listed, and no file")));
    for (name, expected, found) in &messages {
        say(&format!("{name}: message {found} where others say {expected}"));
    }
    say(&format!(
        "Ethereum's tests of JSON-RPC: {passed} of {} files pass ({exact} to the letter, {} with another error message)",
        cases.len(),
        messages.len()
    ));
    server.stop().await;
    assert!(wrong.is_empty(), "{} files:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn comparing_tells_what_differs() {
    let value = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let expected = value(r#"{"result":{"a":["0x1",{"b":null}],"c":true}}"#);
    assert_eq!(compare(false, &expected, &expected), Ok(true));
    for other in [r#"{"a":["0x2",{"b":null}],"c":true}"#, r#"{"a":["0x1",{"b":null}]}"#, r#"{"a":["0x1"],"c":true}"#] {
        let other = value(&format!(r#"{{"result":{other}}}"#));
        assert!(compare(false, &expected, &other).is_err(), "{other}");
    }
    let as_good = value(r#"{"result":{"a":["0x22"],"c":false}}"#);
    assert_eq!(compare(true, &expected, &as_good), Ok(true));
    for other in [r#"{"a":["0xg"],"c":true}"#, r#"{"a":["0x1"]}"#, r#"{"a":["0x1"],"c":1}"#, r#"{"a":{},"c":true}"#] {
        let other = value(&format!(r#"{{"result":{other}}}"#));
        assert!(compare(true, &expected, &other).is_err(), "{other}");
    }
    let error = |code, message| value(&format!(r#"{{"error":{{"code":{code},"message":"{message}"}}}}"#));
    assert_eq!(compare(false, &error(-1, "a"), &error(-1, "b")), Ok(false));
    assert!(compare(false, &error(-1, "a"), &error(-2, "a")).is_err());
    assert!(compare(true, &error(-1, "a"), &expected).is_err());
}
