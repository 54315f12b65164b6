//! Calls of contracts as people write them: `transfer(address,uint256)` and its arguments, amounts as `1.5` coins.

use alloy_dyn_abi::{DynSolType, DynSolValue, FunctionExt as _, JsonAbiExt as _, Specifier as _};
use alloy_json_abi::{Constructor, Function, JsonAbi};
use alloy_primitives::{Bytes, U256, hex};
use serde_json::Value;

use crate::failure::{Exit, Failure, Result};

/// The data of a call: hexadecimal as given, or a function's signature with its arguments.
pub(super) fn call_data(function: Option<&str>, arguments: &[String]) -> Result<(Bytes, Option<Function>)> {
    let Some(text) = function else { return Ok((Bytes::new(), None)) };
    if let Some(raw) = text.strip_prefix("0x") {
        let bytes = hex::decode(raw).map_err(|_| Failure::usage(format!("`{text}` is not hexadecimal")))?;
        return Ok((bytes.into(), None));
    }
    let function = Function::parse(text).map_err(|error| {
        Failure::usage(format!("`{text}` is no function: {error}")).mend("write it as `balanceOf(address)(uint256)`")
    })?;
    let values = values(function.inputs.iter().map(|input| input.resolve()), arguments)?;
    let data = function.abi_encode_input(&values).map_err(|error| Failure::usage(error.to_string()))?;
    Ok((data.into(), Some(function)))
}

/// What a function gave back, one value a line.
pub(super) fn answer(function: &Function, data: &[u8]) -> Result<Vec<String>> {
    let values = function.abi_decode_output(data).map_err(|error| {
        Failure::new(format!("the answer {} is not what `{}` says: {error}", hex::encode_prefixed(data), function.name))
            .mend("see that the types after the arguments are those of the contract, and that there is one at this address")
    })?;
    Ok(values.iter().map(plain).collect())
}

/// A contract to be made: its code, and its constructor's arguments behind it.
pub(super) fn creation(artifact: &str, arguments: &[String]) -> Result<Bytes> {
    let text = artifact.trim();
    if let Ok(code) = hex::decode(text) {
        if !arguments.is_empty() {
            return Err(Failure::usage("bare code does not say what its constructor takes")
                .mend("give the compiler's JSON file"));
        }
        return Ok(code.into());
    }
    let none =
        || Failure::usage("the file is neither code in hexadecimal nor a compiler's JSON with `abi` and `bytecode`");
    let json: Value = serde_json::from_str(text).map_err(|_| none())?;
    // hardhat and Weft write the code itself, forge an object around it.
    let code = json["bytecode"].as_str().or_else(|| json["bytecode"]["object"].as_str()).ok_or_else(none)?;
    let mut code = hex::decode(code).map_err(|_| {
        Failure::usage("the code has places for libraries that are not linked")
            .mend("link them with the compiler first")
    })?;
    let abi: JsonAbi = serde_json::from_value(json["abi"].clone()).map_err(|_| none())?;
    let constructor = abi.constructor.unwrap_or_else(|| Constructor {
        inputs: Vec::new(),
        state_mutability: alloy_json_abi::StateMutability::NonPayable,
    });
    let values = values(constructor.inputs.iter().map(|input| input.resolve()), arguments)?;
    code.extend(constructor.abi_encode_input(&values).map_err(|error| Failure::usage(error.to_string()))?);
    Ok(code.into())
}

/// Coins in text (`1.5`) as wei; with a unit (`20 gwei`, `7wei`) as that says.
pub(super) fn amount(text: &str) -> Result<U256> {
    let amount = text.parse::<weft_node::Coins>().map_err(|error| Failure::of(&error).exit(Exit::Usage))?;
    Ok(amount.wei())
}

/// Wei as coins.
pub(super) fn coins(wei: &str) -> String {
    match U256::from_str_radix(wei, 10) {
        Ok(wei) => weft_node::Coins::from_wei(wei).to_string(),
        Err(_) => wei.to_owned(),
    }
}

fn values(
    types: impl ExactSizeIterator<Item = alloy_dyn_abi::Result<DynSolType>>,
    arguments: &[String],
) -> Result<Vec<DynSolValue>> {
    if types.len() != arguments.len() {
        return Err(Failure::usage(format!("it takes {} arguments, and {} were given", types.len(), arguments.len())));
    }
    let value = |(kind, text): (alloy_dyn_abi::Result<DynSolType>, &String)| {
        let kind = kind.map_err(|error| Failure::usage(error.to_string()))?;
        kind.coerce_str(text).map_err(|error| Failure::usage(format!("`{text}` is no {kind}: {error}")))
    };
    types.zip(arguments).map(value).collect()
}

fn plain(value: &DynSolValue) -> String {
    match value {
        DynSolValue::String(text) => text.clone(),
        DynSolValue::Uint(number, _) => number.to_string(),
        DynSolValue::Int(number, _) => number.to_string(),
        DynSolValue::Bool(yes) => yes.to_string(),
        DynSolValue::Address(address) => address.to_string(),
        DynSolValue::FixedBytes(word, size) => hex::encode_prefixed(&word[..*size]),
        DynSolValue::Bytes(bytes) => hex::encode_prefixed(bytes),
        DynSolValue::Array(list) | DynSolValue::FixedArray(list) => {
            format!("[{}]", list.iter().map(plain).collect::<Vec<_>>().join(", "))
        }
        DynSolValue::Tuple(list) => format!("({})", list.iter().map(plain).collect::<Vec<_>>().join(", ")),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_coins_unless_they_say_otherwise() {
        let wei = |text: &str| amount(text).map(|amount| amount.to_string()).unwrap_or_default();
        assert_eq!(wei("1.5"), "1500000000000000000");
        assert_eq!(wei("20 gwei"), "20000000000");
        assert_eq!(wei("7wei"), "7");
        for wrong in ["-1", "1 pound", "", "0.1wei", "x"] {
            assert!(amount(wrong).is_err(), "{wrong}");
        }
        assert_eq!(coins("1500000000000000000"), "1.5");
        assert_eq!(coins("0"), "0");
        assert_eq!(coins("1"), "0.000000000000000001");
    }

    #[test]
    fn a_call_is_encoded_as_solidity_does_and_its_answer_read() {
        let to = String::from("0x5FbDB2315678afecb367f032d93F642f64180aa3");
        let (data, function) = call_data(Some("transfer(address,uint256)(bool)"), &[to, String::from("5")]).unwrap();
        assert_eq!(data[..4], [0xa9, 0x05, 0x9c, 0xbb]);
        assert_eq!(data.len(), 68);
        let mut word = [0; 32];
        word[31] = 1;
        assert_eq!(answer(&function.unwrap(), &word).unwrap(), ["true"]);
        assert_eq!(call_data(Some("0x1234"), &[]).unwrap().0, Bytes::from_static(&[0x12, 0x34]));
        assert!(call_data(Some("transfer(address)"), &[String::from("1"), String::from("2")]).is_err());
        assert!(call_data(Some("transfer(adress)"), &[String::from("1")]).is_err());
    }

    #[test]
    fn a_contract_comes_with_its_constructors_arguments() {
        let artifact = r#"{"abi":[{"type":"constructor","inputs":[{"name":"cap","type":"uint256"}],"stateMutability":"nonpayable"}],"bytecode":{"object":"0x6001"}}"#;
        let code = creation(artifact, &[String::from("7")]).unwrap();
        assert_eq!((code.len(), code[0], code[33]), (34, 0x60, 7));
        assert!(creation(artifact, &[]).is_err());
        assert_eq!(creation("0x6001\n", &[]).unwrap().len(), 2);
        assert!(creation("{}", &[]).is_err());
    }
}
