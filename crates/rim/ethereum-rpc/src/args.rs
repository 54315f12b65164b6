//! The parameters of a call, from text that anybody may have written.

use alloy_primitives::B256;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::RpcError;

/// 16: more parameters than any method takes.
const MAX_PARAMS: usize = 16;

/// The parameters of a call, by place. What is missing at the end, or null, is absent.
#[derive(Debug, Default)]
pub(crate) struct Args<'a>(Vec<&'a RawValue>);

impl<'a> Args<'a> {
    /// Reads the array of parameters; nothing stands for an empty one.
    pub(crate) fn read(params: Option<&'a str>) -> Result<Self, RpcError> {
        let Some(params) = params.map(str::trim).filter(|params| !params.is_empty() && *params != "null") else {
            return Ok(Args::default());
        };
        let all: Vec<&RawValue> = serde_json::from_str(params).map_err(|_| RpcError::params("non-array args"))?;
        if all.len() > MAX_PARAMS {
            return Err(RpcError::params(format!("too many arguments, want at most {MAX_PARAMS}")));
        }
        Ok(Args(all))
    }

    /// The parameter at a place, which must be there.
    pub(crate) fn required<T: DeserializeOwned>(&self, at: usize) -> Result<T, RpcError> {
        self.optional(at)?.ok_or_else(|| RpcError::params(format!("missing value for required argument {at}")))
    }

    /// The parameter at a place, if it is there.
    pub(crate) fn optional<T: DeserializeOwned>(&self, at: usize) -> Result<Option<T>, RpcError> {
        let Some(raw) = self.raw(at) else { return Ok(None) };
        let invalid = |error: serde_json::Error| RpcError::params(format!("invalid argument {at}: {}", plain(&error)));
        serde_json::from_str(raw).map(Some).map_err(invalid)
    }

    /// The hash at a place, which must be there. Without `0x` it is none: somebody pasted something else.
    pub(crate) fn hash(&self, at: usize) -> Result<B256, RpcError> {
        let text: String = self.required(at)?;
        if !text.starts_with("0x") {
            return Err(RpcError::params(format!("invalid argument {at}: hex string without 0x prefix")));
        }
        text.parse().map_err(|error| RpcError::params(format!("invalid argument {at}: {error}")))
    }

    /// Its text.
    pub(crate) fn raw(&self, at: usize) -> Option<&'a str> {
        self.0.get(at).map(|raw| raw.get()).filter(|raw| *raw != "null")
    }
}

/// Without the place in the text, which is only a parameter's.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Address;

    use super::*;

    #[test]
    fn parameters_are_read_by_place() -> Result<(), RpcError> {
        let args = Args::read(Some(r#"[1, null, "0x"]"#))?;
        assert_eq!(args.required::<u64>(0)?, 1);
        assert_eq!(args.optional::<u64>(1)?, None);
        assert_eq!(args.optional::<u64>(7)?, None);
        let missing = args.required::<u64>(1).err().map(|error| error.message);
        assert_eq!(missing.as_deref(), Some("missing value for required argument 1"));
        let wrong = args.required::<Address>(2).err().map(|error| (error.code, error.message));
        assert!(wrong.is_some_and(|(code, message)| code == -32602 && message.starts_with("invalid argument 2: ")));
        let hash = B256::repeat_byte(7).to_string();
        let own = [hash.clone(), hash[2..].to_owned(), hash[..64].to_owned()].map(|text| format!("[\"{text}\"]"));
        let taken = own.each_ref().map(|text| Args::read(Some(text)).and_then(|args| args.hash(0)).is_ok());
        assert_eq!(taken, [true, false, false]);
        for nothing in [None, Some("null"), Some(""), Some("[]")] {
            assert_eq!(Args::read(nothing)?.optional::<u64>(0)?, None);
        }
        for bad in [r#"{"a":1}"#, "[", "7", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"] {
            assert!(Args::read(Some(bad)).is_err(), "{bad}");
        }
        Ok(())
    }
}
