//! A node and its encoding.

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::{Decodable, Encodable, Header};
use alloy_trie::Nibbles;

/// How a node names a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ref {
    /// No child.
    Empty,
    /// A child stored at its own path.
    Hash(B256),
    /// A child whose encoding is shorter than a hash stands in its parent.
    Inline(u8, [u8; 31]),
}

impl Ref {
    /// The reference to a node with this encoding.
    pub(crate) fn to(encoded: &[u8]) -> Self {
        if encoded.len() < 32 {
            let mut bytes = [0; 31];
            bytes[..encoded.len()].copy_from_slice(encoded);
            Ref::Inline(encoded.len() as u8, bytes)
        } else {
            Ref::Hash(keccak256(encoded))
        }
    }

    fn len(&self) -> usize {
        match self {
            Ref::Empty => 1,
            Ref::Hash(_) => 33,
            Ref::Inline(len, _) => usize::from(*len),
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Ref::Empty => out.push(alloy_rlp::EMPTY_STRING_CODE),
            Ref::Hash(hash) => {
                out.push(0xa0);
                out.extend_from_slice(hash.as_slice());
            }
            Ref::Inline(len, bytes) => out.extend_from_slice(&bytes[..usize::from(*len)]),
        }
    }

    fn take(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        let first = *buf.first().ok_or(alloy_rlp::Error::InputTooShort)?;
        match first {
            0x80 => {
                *buf = &buf[1..];
                Ok(Ref::Empty)
            }
            0xa0 => {
                let hash = buf.get(1..33).ok_or(alloy_rlp::Error::InputTooShort)?;
                let hash = B256::from_slice(hash);
                *buf = &buf[33..];
                Ok(Ref::Hash(hash))
            }
            0xc0..=0xde => {
                let len = usize::from(first - 0xc0) + 1;
                let encoded = buf.get(..len).ok_or(alloy_rlp::Error::InputTooShort)?;
                let mut bytes = [0; 31];
                bytes[..len].copy_from_slice(encoded);
                *buf = &buf[len..];
                Ok(Ref::Inline(len as u8, bytes))
            }
            _ => Err(alloy_rlp::Error::Custom("a child is a hash or a short node")),
        }
    }
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// The rest of a key, and its value.
    Leaf(Nibbles, Bytes),
    /// Nibbles that all keys below share.
    Extension(Nibbles, Ref),
    /// One child for each next nibble. No value: no key here is the prefix of another.
    Branch(Box<[Ref; 16]>),
}

impl Node {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Node::Leaf(path, value) => {
                let path = hex_prefix(path, true);
                let payload_length = path.as_slice().length() + value.length();
                let mut out = Vec::with_capacity(payload_length + 4);
                Header { list: true, payload_length }.encode(&mut out);
                path.as_slice().encode(&mut out);
                value.encode(&mut out);
                out
            }
            Node::Extension(path, child) => {
                let path = hex_prefix(path, false);
                let payload_length = path.as_slice().length() + child.len();
                let mut out = Vec::with_capacity(payload_length + 4);
                Header { list: true, payload_length }.encode(&mut out);
                path.as_slice().encode(&mut out);
                child.put(&mut out);
                out
            }
            Node::Branch(children) => {
                let payload_length = children.iter().map(Ref::len).sum::<usize>() + 1;
                let mut out = Vec::with_capacity(payload_length + 4);
                Header { list: true, payload_length }.encode(&mut out);
                children.iter().for_each(|child| child.put(&mut out));
                out.push(alloy_rlp::EMPTY_STRING_CODE);
                out
            }
        }
    }

    pub(crate) fn decode(encoded: &[u8]) -> alloy_rlp::Result<Self> {
        let mut buf = encoded;
        let mut payload = Header::decode_bytes(&mut buf, true)?;
        if !buf.is_empty() {
            return Err(alloy_rlp::Error::UnexpectedLength);
        }
        let mut items = payload;
        let mut count = 0;
        while !items.is_empty() && count <= 17 {
            skip(&mut items)?;
            count += 1;
        }
        match count {
            2 => {
                let (path, leaf) = from_hex_prefix(Header::decode_bytes(&mut payload, false)?)?;
                if leaf {
                    Ok(Node::Leaf(path, Bytes::decode(&mut payload)?))
                } else if path.is_empty() {
                    Err(alloy_rlp::Error::Custom("an extension of nothing"))
                } else {
                    Ok(Node::Extension(path, Ref::take(&mut payload)?))
                }
            }
            17 => {
                let mut children = Box::new([Ref::Empty; 16]);
                for child in children.iter_mut() {
                    *child = Ref::take(&mut payload)?;
                }
                if payload != [alloy_rlp::EMPTY_STRING_CODE] {
                    return Err(alloy_rlp::Error::Custom("a branch has no value"));
                }
                Ok(Node::Branch(children))
            }
            _ => Err(alloy_rlp::Error::UnexpectedLength),
        }
    }
}

fn skip(items: &mut &[u8]) -> alloy_rlp::Result<()> {
    let header = Header::decode(items)?;
    *items = items.get(header.payload_length..).ok_or(alloy_rlp::Error::InputTooShort)?;
    Ok(())
}

fn hex_prefix(path: &Nibbles, leaf: bool) -> Vec<u8> {
    let mut out = super::path_key(path);
    if leaf {
        out[0] |= 0x20;
    }
    out
}

fn from_hex_prefix(bytes: &[u8]) -> alloy_rlp::Result<(Nibbles, bool)> {
    let (first, rest) = bytes.split_first().ok_or(alloy_rlp::Error::InputTooShort)?;
    let wrong = alloy_rlp::Error::Custom("not a path");
    if first & 0xc0 != 0 || rest.len() > 32 {
        return Err(wrong);
    }
    let mut key = [0u8; 33];
    key[0] = first & !0x20;
    key[1..=rest.len()].copy_from_slice(rest);
    let path = super::key_path(&key[..=rest.len()]).ok_or(wrong)?;
    Ok((path, first & 0x20 != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_survive_their_encoding() {
        let leaf = Node::Leaf(Nibbles::from_nibbles([1, 2, 3]), Bytes::from_static(b"value"));
        let inline = Ref::to(&leaf.encode());
        assert!(matches!(inline, Ref::Inline(..)));
        let hash = Ref::Hash(B256::repeat_byte(7));
        let mut children = Box::new([Ref::Empty; 16]);
        children[3] = inline;
        children[15] = hash;
        for node in [leaf, Node::Extension(Nibbles::from_nibbles([4]), hash), Node::Branch(children)] {
            let encoded = node.encode();
            assert_eq!(Node::decode(&encoded), Ok(node));
            for cut in 0..encoded.len() {
                assert!(Node::decode(&encoded[..cut]).is_err());
            }
        }
    }
}
